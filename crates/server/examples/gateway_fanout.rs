//! What the gateway costs: CPU seconds of its process while many viewers watch a steady stream.
//!
//! `gateway_fanout [VIEWERS] [EVENTS_A_SECOND] [SECONDS] [STALLED]` runs the viewers in a process of their own, so that only the
//! gateway is counted. Viewers read bytes and look at none of them, but for the STALLED ones, which never read; one more client,
//! the probe, reads each event and measures its delay. Without arguments: 1,000 viewers with `batchMs` 100 at 1,000 events/s,
//! then 200 plain ones, then what `publish` itself takes (`gateway_fanout publish`: that alone).

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use prometheus_client::registry::Registry;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use whittle_domain::{Batch, BatchBuilder, Level, Row, Span};
use whittle_patterns::{FormId, PatternId};
use whittle_server::gateway::{Gateway, GatewaySettings, InsightLookup};
use whittle_server::http::{Course, Routes, serve};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Batches a second that the pipeline hands over.
const BATCHES: u64 = 100;

struct NoKey(Arc<str>);

impl InsightLookup for NoKey {
    fn json(&self, _: PatternId, _: Level) -> Arc<str> {
        self.0.clone()
    }

    fn resolve(&self, pattern: PatternId) -> PatternId {
        pattern
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "viewers") {
        let time = Duration::from_secs(args[4].parse()?);
        return viewers(args[1].parse()?, args[2].parse()?, &args[3], time, args[5].parse()?).await;
    }
    if args.first().is_some_and(|arg| arg == "publish") {
        publishing();
        return Ok(());
    }
    let arg = |i: usize, usual: u64| args.get(i).map_or(Ok(usual), |text: &String| text.parse());
    let (count, rate, seconds, stalled) = (arg(0, 1000)?, arg(1, 1000)?, arg(2, 10)?, arg(3, 0)?);
    yardstick();
    let load = Load { count, stalled, rate, seconds };
    measure("batched 100 ms", "/?batchMs=100", load).await?;
    measure("plain", "/", Load { count: count.div_ceil(5), ..load }).await?;
    publishing();
    Ok(())
}

/// A fixed job, to compare machines and moments.
fn yardstick() {
    let started = cpu();
    let data = vec![7_u8; 64 << 20];
    std::hint::black_box(Sha256::digest(&data));
    println!("yardstick: SHA-256 of 64 MiB took {:.2} CPU s", cpu() - started);
}

/// Who watches what, for how long.
#[derive(Clone, Copy)]
struct Load {
    count: u64,
    /// Of them those that never read.
    stalled: u64,
    rate: u64,
    seconds: u64,
}

async fn measure(name: &str, path: &str, load: Load) -> Outcome {
    let Load { count, stalled, rate, seconds } = load;
    let stop = CancellationToken::new();
    let insight =
        r#"{"summary":"analysis_failed","confidence":0,"status":"no_key","severity":"low","category":"other"}"#;
    let gateway = Gateway::new(
        GatewaySettings::default(),
        Arc::new(NoKey(insight.into())),
        &mut Registry::default(),
        stop.clone(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let course = Course { closing: stop.clone(), ..Course::default() };
    tokio::spawn(serve(listener, Routes::new(gateway.routes()), course));
    let beating = gateway.clone();
    let running = tokio::spawn(async move { beating.run().await });
    let child = spawn_viewers(address, path, load)?;
    while gateway.metrics().clients.get() < count as i64 + 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let (started, cpu_before, sent, bytes) =
        (Instant::now(), cpu(), gateway.metrics().sent.get(), gateway.metrics().bytes.get());
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / BATCHES));
    for number in 0..BATCHES * seconds {
        tick.tick().await;
        gateway.publish(&batch(number * rate / BATCHES, (number + 1) * rate / BATCHES));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (took, used) = (started.elapsed().as_secs_f64(), cpu() - cpu_before);
    let metrics = gateway.metrics();
    println!(
        "{name}: {count} viewers, {stalled} of them stalled, at {rate} events/s: {:.2} CPU s in {took:.1} s = {:.2} cores; {} events sent, {} dropped, {:.0} MB/s, {} MiB resident",
        used,
        used / took,
        metrics.sent.get() - sent,
        metrics.dropped.get(),
        (metrics.bytes.get() - bytes) as f64 / took / 1e6,
        resident_mib(),
    );
    stop.cancel();
    running.await?;
    println!("  {}", last_line(child)?);
    Ok(())
}

fn spawn_viewers(address: SocketAddr, path: &str, load: Load) -> std::io::Result<Child> {
    let me = std::env::current_exe()?;
    let [count, seconds, stalled] = [load.count, load.seconds, load.stalled].map(|number| number.to_string());
    let address = address.to_string();
    Command::new(me).args(["viewers", &address, &count, path, &seconds, &stalled]).stdout(Stdio::piped()).spawn()
}

fn last_line(mut child: Child) -> std::io::Result<String> {
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    child.wait()?;
    Ok(line.trim_end().to_owned())
}

fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |i: usize| after_name.split_whitespace().nth(i).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) / 256
}

/// Events of some 230 bytes from a dozen sources, received now.
fn batch(from: u64, to: u64) -> Arc<Batch> {
    let now = now_micros();
    let mut builder = BatchBuilder::with_capacity((to - from) as usize, 200 * (to - from) as usize);
    for offset in from..to {
        let source = builder.push_text(&format!("service-{}", offset % 12));
        let message = format!(
            "GET /api/v1/orders/{} answered 200 in {} ms for user {} from 10.0.{}.{}",
            offset.wrapping_mul(7919) % 1_000_003,
            offset % 250,
            offset * 31 % 5_003,
            offset % 250,
            offset % 200
        );
        let message = builder.push_text(&message);
        let context = builder
            .push_text(&format!(r#"{{"requestId":"{:032x}","region":"eu-west-1"}}"#, offset.wrapping_mul(0x9E37_79B9)));
        builder.push_row(Row {
            partition: 0,
            offset,
            event_id: u128::from(offset),
            timestamp: now,
            received_at: now,
            level: Level::ALL[(offset % 4) as usize],
            source,
            message,
            context,
            level_text: Span::default(),
            vars_start: 0,
            vars_len: 0,
            form: FormId(offset % 300),
            pattern: PatternId(offset % 300),
        });
    }
    Arc::new(builder.finish())
}

/// What `publish` takes on the thread of the pipeline: the best of some rounds, since others use the machine too.
fn publishing() {
    let insights = Arc::new(NoKey("{}".into()));
    let stop = CancellationToken::new();
    let gateway = Gateway::new(GatewaySettings::default(), insights, &mut Registry::default(), stop);
    let mut offset = 0;
    for size in [1, 100, 10_000] {
        let mut best = f64::MAX;
        for _ in 0..20 {
            let batches: Vec<_> =
                (0..20_000 / size).map(|n| batch(offset + n * size, offset + (n + 1) * size)).collect();
            offset += 20_000;
            let started = Instant::now();
            for batch in &batches {
                gateway.publish(batch);
            }
            best = best.min(started.elapsed().as_secs_f64() * 1e9 / batches.len() as f64);
        }
        println!("publish: {best:.0} ns a batch of {size} events, {:.1} ns an event", best / size as f64);
    }
}

/// The other process: viewers that read, and the probe.
async fn viewers(address: SocketAddr, count: u64, path: &str, time: Duration, stalled: u64) -> Outcome {
    let bytes = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut idle = Vec::new();
    for number in 0..count {
        let mut socket = TcpStream::connect(address).await?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await?;
        if number < stalled {
            // Held, so that the connection stays open; never read.
            idle.push(socket);
            continue;
        }
        let bytes = bytes.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                bytes.fetch_add(read as u64, std::sync::atomic::Ordering::Relaxed);
            }
        });
    }
    let (mut probe, _) = tokio_tungstenite::connect_async(format!("ws://{address}{path}")).await?;
    let mut delays = Vec::new();
    let deadline = tokio::time::Instant::now() + time + Duration::from_secs(30);
    while let Ok(Some(Ok(message))) = tokio::time::timeout_at(deadline, probe.next()).await {
        let now = now_micros();
        if message.is_close() {
            break;
        }
        let text = message.into_text()?;
        delays.extend(text.split("\"receivedAt\":\"").skip(1).filter_map(|rest| {
            let received = whittle_domain::timestamp::parse(&rest[..rest.find('"')?])?;
            Some(now - received)
        }));
    }
    delays.sort_unstable();
    let at = |share: f64| delays.get((delays.len() as f64 * share) as usize).map_or(0.0, |us| *us as f64 / 1e3);
    let read = bytes.load(std::sync::atomic::Ordering::Relaxed) >> 20;
    println!(
        "probe: {} events, published to read p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms; viewers read {read} MiB",
        delays.len(),
        at(0.5),
        at(0.99),
        delays.last().map_or(0.0, |us| *us as f64 / 1e3),
    );
    Ok(())
}

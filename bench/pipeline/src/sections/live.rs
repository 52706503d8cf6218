//! From ingestion to the WebSocket, and from a new error to its notification.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use whittle_testkit::{Server, recent};

use super::Bench;
use crate::bodies::Bodies;
use crate::drive::{self, Pace};
use crate::figure::Figure;
use crate::latency::Latencies;

/// Probes of each kind, and the time between two.
const PROBES: usize = 300;
const EVERY: Duration = Duration::from_millis(20);
const ALARMS: usize = 40;
const ALARM_EVERY: Duration = Duration::from_millis(150);
/// Time for the last to arrive.
const ARRIVE: Duration = Duration::from_secs(20);
/// Records a second that come in beside, in requests of a hundred.
const BESIDE: f64 = 2_000.0;

/// Sends probes beside a steady load, and waits for them on the other side.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("live");
    let (hook, arrived) = webhook()?;
    let config = format!("[[alerts.webhooks]]\nname = 'bench'\nurl = 'http://{hook}/'\nallow_private = true\n");
    let server = bench.setup().config(&config).start()?;
    let bodies = Bodies::bulk(&mut bench.corpus(), 20_000, 100);
    let span = EVERY * PROBES as u32 + Duration::from_secs(1);
    let pace = Pace::Rate(BESIDE / 100.0, span);
    let events = std::thread::scope(|scope| {
        let load = scope.spawn(|| drive::run(server.ingestion(), &bodies.requests, 1, pace));
        let events = websocket(&server);
        let loaded = load.join().unwrap_or_else(|_| anyhow::bail!("the load panicked"));
        loaded.and(events)
    })?;
    let alarms = notifications(&server, &arrived)?;
    let report = &mut bench.report;
    let note = format!("{} probes beside {BESIDE} records a second", events.len());
    report.add(Figure::new("ingest to WebSocket, p99", events.p99(), "ms").at_most(300.0, 100.0).note(note));
    report.add(Figure::new("ingest to WebSocket, p50", events.p50(), "ms"));
    let note = format!("{} new errors, each of its own source and pattern", alarms.len());
    report.add(Figure::new("new error to notification, p99", alarms.p99() / 1_000.0, "s").at_most(2.0, 1.0).note(note));
    report.add(Figure::new("new error to notification, p50", alarms.p50() / 1_000.0, "s"));
    Ok(())
}

/// Times from sending a record to its event.
fn websocket(server: &Server) -> anyhow::Result<Latencies> {
    let mut events = server.listen("/")?;
    let mut connection = server.connect(server.ingestion())?;
    let (sent, probes) = mpsc::channel::<(String, Instant)>();
    let reader = std::thread::spawn(move || {
        let (mut started, mut times) = (HashMap::new(), Latencies::default());
        let until = Instant::now() + EVERY * PROBES as u32 + ARRIVE;
        while times.len() < PROBES && Instant::now() < until {
            let Some(text) = events.next_text(ARRIVE)? else { break };
            let arrived = Instant::now();
            started.extend(probes.try_iter());
            if let Some(at) = text.find("probe-") {
                let name: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                times.add(arrived - started.remove(&name).unwrap_or(arrived));
            }
        }
        anyhow::Ok(times)
    });
    for number in 0..PROBES {
        let name = format!("probe-{number}");
        let record =
            json!({ "source": "probe", "level": "info", "message": format!("live {name} passes") }).to_string();
        sent.send((name, Instant::now())).context("the reader ended early")?;
        let response = connection.post("/ingest", "application/json", record.as_bytes())?;
        anyhow::ensure!(response.status == 202, "a probe was refused: {}", response.text());
        std::thread::sleep(EVERY);
    }
    let times = reader.join().unwrap_or_else(|_| anyhow::bail!("the reader panicked"))?;
    anyhow::ensure!(times.len() == PROBES, "only {} of {PROBES} probes came back", times.len());
    Ok(times)
}

/// Times from sending an error to its notification.
fn notifications(server: &Server, arrived: &mpsc::Receiver<(String, Instant)>) -> anyhow::Result<Latencies> {
    let mut connection = server.connect(server.ingestion())?;
    let mut started = HashMap::new();
    for number in 0..ALARMS {
        // Letters alone: a number would be a variable, and all alarms of one pattern.
        let word: String = format!("{number:03}").bytes().map(|b| char::from(b - b'0' + b'k')).collect();
        let source = format!("alarm-{word}");
        let message = format!("the {word} device broke in a way not seen before");
        let record = json!({ "source": source, "level": "error", "message": message }).to_string();
        started.insert(source, Instant::now());
        let response = connection.post("/ingest", "application/json", record.as_bytes())?;
        anyhow::ensure!(response.status == 202, "an alarm was refused: {}", response.text());
        std::thread::sleep(ALARM_EVERY);
    }
    let mut times = Latencies::default();
    while !started.is_empty() {
        let next = arrived.recv_timeout(ARRIVE);
        let (text, at) = next.with_context(|| format!("{} of {ALARMS} notifications did not come", started.len()))?;
        started.retain(|source, sent| {
            let found = text.contains(source.as_str());
            if found {
                times.add(at.saturating_duration_since(*sent));
            }
            !found
        });
    }
    recent::wait_for(&mut server.connect(server.storage())?, "q=device%20broke", ALARMS as u64, ARRIVE).ok();
    Ok(times)
}

/// A webhook that takes everything and says when what came.
fn webhook() -> anyhow::Result<(SocketAddr, mpsc::Receiver<(String, Instant)>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || take(stream, &sender));
        }
    });
    Ok((address, receiver))
}

fn take(stream: TcpStream, sender: &mpsc::Sender<(String, Instant)>) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        // The bench may have all that it wants: then nobody listens any more.
        let _ = sender.send((String::from_utf8_lossy(&body).into_owned(), Instant::now()));
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}

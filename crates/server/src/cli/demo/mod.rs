//! `whittle demo`: a stream of believable services with incidents in it, so that there is something to see.
//!
//! What is sent depends on the seed and the rate alone ([`Demo`]); this file asks the clock, talks to the server and
//! tells how it goes.

mod client;
mod incident;
mod span;
mod status;
mod stream;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use client::Client;
pub use incident::Timeline;
use span::{parse_span, parse_span_or_forever};
use status::Status;
pub use stream::Demo;

/// Records a second of the past that `--backfill` makes, as a part of `--rate`.
const BACKFILL_PART: u32 = 10;
/// Records of a request.
const BATCH: usize = 1_000;
/// Time between two requests, unless a full one is due earlier.
const TICK: Duration = Duration::from_millis(100);

/// Arguments of `whittle demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where records are sent
    #[arg(long, default_value = "http://127.0.0.1:3001")]
    pub url: Url,
    /// Records a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How long, like 60s, 10m or forever
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_span_or_forever)]
    pub length: Duration,
    /// Another number gives other records
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Fill that much of the past first, like 24h, at a tenth of the rate
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub backfill: Option<Duration>,
    /// Print the records as NDJSON instead of sending them, as fast as they are read
    #[arg(long, visible_alias = "dry-run")]
    pub print: bool,
    /// Whether the error stream is a terminal, for the line that moves there.
    #[arg(skip)]
    pub progress: bool,
}

/// Runs the command until its time is over or `stop`. Ends without an error when the reader of `out` goes away.
///
/// # Errors
/// No server answers, it refuses the records for good, or the output cannot be written.
pub async fn run(args: &DemoArgs, mut out: impl Write, err: impl Write, stop: CancellationToken) -> anyhow::Result<()> {
    let now = now_micros()?;
    if args.print {
        return match print(args, now, &mut out) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.context("cannot write the records"),
        };
    }
    let mut run = Run { args, client: Client::new(&args.url)?, status: Status::new(err, args.progress), stop };
    let done = run.all(now).await;
    run.status.clear()?;
    done?;
    run.status.summary(&mut out, &args.url)?;
    Ok(())
}

fn now_micros() -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Ok(i64::try_from(now.context("the clock of this machine stands before 1970")?.as_micros())?)
}

/// The past at its rate, then the future at its own.
fn past_and_future(args: &DemoArgs, now: i64) -> (Option<(Demo, u64)>, Demo, u64) {
    let count = |length: Duration, rate: u32| (length.as_secs_f64() * f64::from(rate)) as u64;
    let past = args.backfill.map(|length| {
        let rate = (args.rate / BACKFILL_PART).max(1);
        let start = now.saturating_sub(i64::try_from(length.as_micros()).unwrap_or(i64::MAX)).max(0);
        (Demo::new(args.seed.wrapping_add(1), start, rate, Timeline::SLOW), count(length, rate))
    });
    (past, Demo::new(args.seed, now, args.rate, Timeline::LIVE), count(args.length, args.rate))
}

fn print(args: &DemoArgs, now: i64, out: &mut impl Write) -> std::io::Result<()> {
    let (past, mut future, count) = past_and_future(args, now);
    let mut out = std::io::BufWriter::with_capacity(1 << 16, out);
    let mut line = Vec::new();
    let mut one = |demo: &mut Demo| {
        line.clear();
        demo.next_record().write_json(&mut line);
        line.push(b'\n');
        out.write_all(&line)
    };
    if let Some((mut past, count)) = past {
        (0..count).try_for_each(|_| one(&mut past))?;
    }
    (0..count).try_for_each(|_| one(&mut future))?;
    out.flush()
}

struct Run<'a, E: Write> {
    args: &'a DemoArgs,
    client: Client,
    status: Status<E>,
    stop: CancellationToken,
}

impl<E: Write> Run<'_, E> {
    async fn all(&mut self, now: i64) -> anyhow::Result<()> {
        self.status.say(&format!("waiting for {}", self.args.url))?;
        let stop = self.stop.clone();
        tokio::select! {
            ready = self.client.wait_ready() => ready?,
            () = stop.cancelled() => return Ok(()),
        }
        let (past, future, count) = past_and_future(self.args, now);
        if let Some((past, count)) = past {
            self.status.say("filling the past")?;
            self.send_all(past, count, None).await?;
        }
        self.send_all(future, count, Some(self.args.rate)).await
    }

    /// Sends `count` records: at a rate, or as fast as they are taken.
    async fn send_all(&mut self, mut demo: Demo, count: u64, rate: Option<u32>) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut sent = 0;
        while sent < count && !self.stop.is_cancelled() {
            let due = match rate {
                Some(rate) => (started.elapsed().as_secs_f64() * f64::from(rate)) as u64 + 1,
                None => count,
            };
            let batch = due.min(count).saturating_sub(sent).min(BATCH as u64);
            if batch > 0 {
                self.batch(&mut demo, batch).await?;
                sent += batch;
            }
            self.status.tick(sent, count)?;
            if rate.is_some() && batch < BATCH as u64 {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => {}
                    () = self.stop.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    async fn batch(&mut self, demo: &mut Demo, count: u64) -> anyhow::Result<()> {
        let mut body = Vec::with_capacity(count as usize * 256);
        let mut records = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let record = demo.next_record();
            record.write_json(&mut body);
            body.push(b'\n');
            records.push((record.level, record.source));
        }
        let stop = self.stop.clone();
        tokio::select! {
            sent = self.client.send(body.into()) => sent?,
            () = stop.cancelled() => return Ok(()),
        }
        self.status.count(&records);
        for incident in demo.begun() {
            self.status.incident(&incident)?;
        }
        Ok(())
    }
}

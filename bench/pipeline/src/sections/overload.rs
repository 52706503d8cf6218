//! Ten times what the machine takes: memory under its cap, refusals early, goodput as usual, nothing lost.
//!
//! Clients ask before they send a body (`Expect: 100-continue`), as large senders do: a refusal costs its head then. They
//! keep to their rate whatever they are answered.

use std::time::Duration;

use whittle_testkit::process;

use super::{Bench, wait_rows};
use crate::bodies::{Bodies, asking};
use crate::drive::{self, Outcome, Pace};
use crate::figure::Figure;

/// Connections of the usual load, and how many times as much is too much.
const USUAL: usize = 32;
const TIMES: usize = 10;
const BATCH: usize = 1_000;
/// Memory that the server may take, in MiB: 64 of requests in flight (the default) and what bulk load may take.
const MEMORY_CAP: f64 = 290.0 + 64.0;

/// First the usual load, then ten times as much.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("overload");
    let bodies = Bodies::bulk(&mut bench.corpus(), 400_000, BATCH);
    let server = bench.server()?;
    let requests: Vec<_> = bodies.requests.iter().map(|request| asking(request)).collect();
    drop(bodies);
    let usual = drive::run(server.ingestion(), &requests, USUAL, Pace::For(bench.args.span() * 2))?;
    let span = Duration::from_secs(bench.args.overload_seconds);
    let offered = TIMES as f64 * usual.acked.len() as f64 / usual.seconds;
    let over = drive::run(server.ingestion(), &requests, USUAL * TIMES, Pace::Rate(offered, span))?;
    let acked = (usual.acked.len() + over.acked.len()) * BATCH;
    let memory = process::memory(server.pid())?;
    wait_rows(&server, acked as u64)?;
    let rate = |outcome: &Outcome| (outcome.acked.len() * BATCH) as f64 / outcome.seconds;
    let report = &mut bench.report;
    report.add(
        Figure::new("usual goodput, lines a second", rate(&usual), "/s")
            .note(format!("{USUAL} connections: {:?}", usual.statuses)),
    );
    let note = format!(
        "{} connections for {} s: {:?}; every acknowledged record is in the history",
        USUAL * TIMES,
        span.as_secs(),
        over.statuses
    );
    report.add(
        Figure::new("goodput under ten times the load, against the usual", rate(&over) / rate(&usual), "×")
            .at_least(0.9, 0.97)
            .note(note),
    );
    report.add(
        Figure::new("memory peak under overload", memory.peak as f64 / f64::from(1 << 20), "MiB")
            .at_most(MEMORY_CAP, 290.0),
    );
    report.add(Figure::new("refusals", over.refused.len() as f64, ""));
    report.add(Figure::new("refusal p99", over.refused.p99(), "ms").at_most(5.0, 5.0));
    Ok(())
}

//! One record a request, durable before its ack, from 32 connections.

use whittle_testkit::process;

use super::{Bench, cpu, wait_rows};
use crate::bodies::Bodies;
use crate::drive::{self, Pace};
use crate::figure::Figure;

const CONNECTIONS: usize = 32;
/// Requests made before; they are sent again and again.
const REQUESTS: usize = 50_000;

/// Sends single records as fast as they are acknowledged.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("single records");
    let bodies = Bodies::single(&mut bench.corpus(), REQUESTS);
    let server = bench.server()?;
    let before = cpu(&server)?;
    let outcome =
        drive::run(server.ingestion(), &bodies.requests, CONNECTIONS, Pace::For(bench.args.span()))?.all_taken()?;
    wait_rows(&server, outcome.acked.len() as u64)?;
    let used = cpu(&server)? - before;
    let lines = outcome.acked.len() as f64;
    let report = &mut bench.report;
    let note = format!("{lines} records in {:.1} s, all queryable at the end", outcome.seconds);
    report.add(
        Figure::new("single records, lines per CPU second", lines / used, "/s").at_least(30_000.0, 45_000.0).note(note),
    );
    report.add(Figure::new("single records, lines per second of wall time", lines / outcome.seconds, "/s"));
    report.add(Figure::new("single records, ack p50", outcome.acked.p50(), "ms").at_most(2.0, 1.0));
    report.add(Figure::new("single records, ack p99", outcome.acked.p99(), "ms").at_most(6.0, 3.5));
    let memory = process::memory(server.pid())?;
    report.add(Figure::new("single records, memory peak", memory.peak as f64 / f64::from(1 << 20), "MiB"));
    Ok(())
}

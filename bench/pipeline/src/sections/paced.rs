//! 500 requests a second: what the answer takes beyond that of a server that does nothing.

use super::Bench;
use crate::bodies::Bodies;
use crate::drive::{self, Pace};
use crate::figure::Figure;
use crate::latency::Latencies;
use crate::null_server::NullServer;

const RATE: f64 = 500.0;
const CONNECTIONS: usize = 8;
/// Turns of each, one after the other, so that both meet the same machine.
const TURNS: u32 = 3;

/// Asks both servers by turns.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("500 requests a second");
    let bodies = Bodies::single(&mut bench.corpus(), 5_000);
    let server = bench.server()?;
    let null = NullServer::start()?;
    let (mut ours, mut nothing) = (Latencies::default(), Latencies::default());
    for _ in 0..TURNS {
        let pace = Pace::Rate(RATE, bench.args.span() / TURNS);
        nothing.extend(drive::run(null.address, &bodies.requests, CONNECTIONS, pace)?.all_taken()?.acked);
        ours.extend(drive::run(server.ingestion(), &bodies.requests, CONNECTIONS, pace)?.all_taken()?.acked);
    }
    let report = &mut bench.report;
    let note = format!("{:.2} ms against {:.2} ms, over {} requests each", ours.p50(), nothing.p50(), ours.len());
    report.add(
        Figure::new("ack p50 over a server that does nothing", ours.p50() - nothing.p50(), "ms")
            .at_most(0.5, 0.25)
            .note(note),
    );
    report.add(Figure::new("ack p50", ours.p50(), "ms"));
    report.add(Figure::new("ack p99", ours.p99(), "ms"));
    report.add(Figure::new("ack p99 of a server that does nothing", nothing.p99(), "ms"));
    Ok(())
}

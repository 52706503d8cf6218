//! Many records a request: to the ack, to the queryable history, and until nothing is left to do.

use std::collections::BTreeMap;

use whittle_testkit::Server;
use whittle_testkit::process::{self, Memory};

use super::{Bench, cpu, settle, wait_rows};
use crate::bodies::Bodies;
use crate::drive::{self, Outcome, Pace};
use crate::figure::Figure;

/// Threads whose work ends with the ack, by the start of their names: those that serve connections, and the bus's own.
const ACK_THREADS: [&str; 3] = ["tokio", "bus", "whittle"];

/// What a load cost.
struct Load {
    outcome: Outcome,
    /// CPU seconds until every line could be queried, and until nothing was left to do.
    visible: f64,
    settled: f64,
    /// The former by thread.
    threads: BTreeMap<String, f64>,
    memory: Memory,
    memory_after: Memory,
}

/// Loads all of `bodies` into a fresh server.
pub fn run(bench: &mut Bench<'_>, server: &Server, bodies: &Bodies) -> anyhow::Result<()> {
    bench.report.section("bulk");
    let before = cpu(server)?;
    let threads_before = process::cpu_by_thread(server.pid())?;
    let outcome = drive::run(server.ingestion(), &bodies.requests, bench.args.connections, Pace::Once)?.all_taken()?;
    wait_rows(server, bodies.lines as u64)?;
    let visible = cpu(server)? - before;
    let threads = spent(&threads_before, process::cpu_by_thread(server.pid())?);
    let memory = process::memory(server.pid())?;
    let settled = settle(server)? - before;
    let memory_after = process::memory(server.pid())?;
    report(bench, bodies, &Load { outcome, visible, settled, threads, memory, memory_after });
    Ok(())
}

fn report(bench: &mut Bench<'_>, bodies: &Bodies, load: &Load) {
    let (lines, millions) = (bodies.lines as f64, bodies.lines as f64 / 1e6);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let is_ack = |name: &str| ACK_THREADS.iter().any(|start| name.starts_with(start));
    let ack: f64 = load.threads.iter().filter(|(name, _)| is_ack(name)).map(|(_, seconds)| seconds).sum();
    let note = format!(
        "{lines} lines of {} bytes, {} a request, {} connections, {:.1} s; CPU s a million lines by thread: {}",
        bodies.ndjson_bytes / bodies.lines.max(1),
        bench.args.batch,
        bench.args.connections,
        load.outcome.seconds,
        shown(&load.threads, millions),
    );
    let figures = [
        Figure::new("bulk to queryable, CPU s a million lines", load.visible / millions, "s")
            .at_most(1.5, 1.0)
            .note(note),
        Figure::new("the same with all flushing and merging after it", load.settled / millions, "s")
            .at_most(1.5, 1.0)
            .note("until the server used less than 2 % of a core for 66 s"),
        Figure::new("bulk to durable ack alone, CPU s a million lines", ack / millions, "s")
            .at_most(0.6, 0.4)
            .note(format!("the threads whose names start with {}", ACK_THREADS.join(", "))),
        Figure::new("bulk, lines per CPU second", lines / load.visible, "/s"),
        Figure::new("bulk, lines per second of wall time", lines / load.outcome.seconds, "/s"),
        Figure::new("bulk, ack p50", load.outcome.acked.p50(), "ms"),
        Figure::new("bulk, ack p99", load.outcome.acked.p99(), "ms"),
        Figure::new("memory under bulk load, peak", mib(load.memory.peak), "MiB").at_most(290.0, 200.0),
        Figure::new("memory when the load is done", mib(load.memory_after.resident), "MiB"),
    ];
    figures.into_iter().for_each(|figure| bench.report.add(figure));
}

fn spent(before: &BTreeMap<String, f64>, mut after: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    for (name, seconds) in &mut after {
        *seconds -= before.get(name).unwrap_or(&0.0);
    }
    after
}

fn shown(threads: &BTreeMap<String, f64>, millions: f64) -> String {
    let mut threads: Vec<_> = threads.iter().filter(|(_, seconds)| **seconds > 0.005).collect();
    threads.sort_by(|a, b| b.1.total_cmp(a.1));
    let shown = threads.iter().map(|(name, seconds)| format!("{name} {:.2}", *seconds / millions));
    shown.collect::<Vec<_>>().join(", ")
}

//! Many records a request: to the ack, to the queryable history, and until nothing is left to do.

use std::collections::BTreeMap;

use whittle_testkit::{Server, process};

use super::{Bench, cpu, settle, wait_rows};
use crate::bodies::Bodies;
use crate::drive::{self, Pace};
use crate::figure::Figure;

/// Threads whose work ends with the ack, by the start of their names: those that serve connections, and the bus's own.
const ACK_THREADS: [&str; 3] = ["tokio", "bus", "whittle"];

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

    let millions = bodies.lines as f64 / 1e6;
    let report = &mut bench.report;
    let note = format!(
        "{} lines of {} bytes, {} a request, {} connections, {:.1} s; CPU s a million lines by thread: {}",
        bodies.lines,
        bodies.ndjson_bytes / bodies.lines.max(1),
        bench.args.batch,
        bench.args.connections,
        outcome.seconds,
        shown(&threads, millions),
    );
    report.add(
        Figure::new("bulk to queryable, CPU s a million lines", visible / millions, "s").at_most(1.5, 1.0).note(note),
    );
    report.add(
        Figure::new("the same with all flushing and merging after it", settled / millions, "s")
            .at_most(1.5, 1.0)
            .note("until the server used less than 2 % of a core for 66 s"),
    );
    let ack: f64 =
        threads.iter().filter(|(name, _)| ACK_THREADS.iter().any(|t| name.starts_with(t))).map(|(_, s)| s).sum();
    report.add(
        Figure::new("bulk to durable ack alone, CPU s a million lines", ack / millions, "s")
            .at_most(0.6, 0.4)
            .note(format!("the threads {}", ACK_THREADS.join(", "))),
    );
    report.add(Figure::new("bulk, lines per CPU second", bodies.lines as f64 / visible, "/s"));
    report.add(Figure::new("bulk, lines per second of wall time", bodies.lines as f64 / outcome.seconds, "/s"));
    report.add(Figure::new("bulk, ack p50", outcome.acked.p50(), "ms"));
    report.add(Figure::new("bulk, ack p99", outcome.acked.p99(), "ms"));
    report.add(
        Figure::new("memory under bulk load, peak", memory.peak as f64 / f64::from(1 << 20), "MiB")
            .at_most(290.0, 200.0),
    );
    let resident = process::memory(server.pid())?.resident as f64 / f64::from(1 << 20);
    report.add(Figure::new("memory when the load is done", resident, "MiB"));
    Ok(())
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

//! Queries while records come in: what each costs the other.

use std::time::Duration;

use anyhow::Context;
use whittle_testkit::{Server, recent};

use super::{Bench, now, queries, wait_rows};
use crate::bodies::Bodies;
use crate::drive::{self, Outcome, Pace};
use crate::figure::Figure;
use crate::latency::Latencies;

/// Records a second that come in.
const RATE: f64 = 100_000.0;
/// Rows that are there before.
const ROWS: usize = 1_000_000;
const CONNECTIONS: usize = 4;

/// Asks the same questions of a quiet server and of one that takes records.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("queries while records come in");
    let server = bench.server()?;
    let mut corpus = whittle_testkit::Corpus::with_step(bench.args.seed, now() - 3_600_000_000, 3_000);
    let stored = Bodies::bulk(&mut corpus, ROWS, 1_000);
    drive::run(server.ingestion(), &stored.requests, CONNECTIONS, Pace::Once)?.all_taken()?;
    wait_rows(&server, ROWS as u64)?;
    drop(stored);
    let quiet = ask_all(&server)?;
    let bodies = Bodies::bulk(&mut bench.corpus(), ROWS, 1_000);
    let span = bench.args.span() * 2;
    let alone = load(&server, &bodies, span)?;
    let (busy, beside) = std::thread::scope(|scope| {
        let load = scope.spawn(|| load(&server, &bodies, span));
        let busy = ask_all(&server);
        let beside = load.join().unwrap_or_else(|_| anyhow::bail!("the load panicked"));
        anyhow::Ok((busy?, beside?))
    })?;
    let rate = |outcome: &Outcome| outcome.acked.len() as f64 * 1_000.0 / outcome.seconds;
    let report = &mut bench.report;
    report.add(
        Figure::new("records a second, no queries beside", rate(&alone), "/s").note(format!("{RATE} were asked for")),
    );
    report.add(Figure::new("records a second, queries beside", rate(&beside), "/s"));
    report.add(
        Figure::new("ingest with queries against ingest alone", rate(&beside) / rate(&alone), "×").at_least(0.9, 0.97),
    );
    for ((name, before), under) in NAMES.iter().zip(&quiet).zip(&busy) {
        report.add(compared(name, before, under));
    }
    Ok(())
}

fn compared(name: &str, quiet: &Latencies, busy: &Latencies) -> Figure {
    let note = format!(
        "p50 {:.2} ms quiet, {:.2} ms busy; p99 {:.2} and {:.2} ms",
        quiet.p50(),
        busy.p50(),
        quiet.p99(),
        busy.p99()
    );
    let times = busy.p50() / quiet.p50().max(0.001);
    Figure::new(format!("{name}: busy against quiet"), times, "×").at_most(3.0, 2.0).note(note)
}

fn load(server: &Server, bodies: &Bodies, span: Duration) -> anyhow::Result<Outcome> {
    let before = recent::count(&mut server.connect(server.storage())?, "")?;
    let outcome = drive::run(server.ingestion(), &bodies.requests, CONNECTIONS, Pace::Rate(RATE / 1_000.0, span))?;
    let outcome = outcome.all_taken()?;
    wait_rows(server, before + outcome.acked.len() as u64 * 1_000).context("after the load")?;
    Ok(outcome)
}

const NAMES: [&str; 4] = ["latest 100", "latest errors", "a phrase", "counts by level"];

fn ask_all(server: &Server) -> anyhow::Result<Vec<Latencies>> {
    let mut connection = server.connect(server.storage())?;
    let paths: [&dyn Fn(usize) -> String; 4] = [
        &|_| "/recent?limit=100".into(),
        &|i| format!("/recent?limit=100&levels=error&sinceMinutes={}", 5 + i % 50),
        &|i| format!("/recent?limit=100&q=%22{}%22", ["answered%20in", "Soft%20bounce", "user%20unknown"][i % 3]),
        &|i| format!("/stats/histogram?by=level&sinceMinutes={}", 10 + i % 50),
    ];
    paths.iter().map(|path| Ok(queries::ask(server, &mut connection, path)?.times)).collect()
}

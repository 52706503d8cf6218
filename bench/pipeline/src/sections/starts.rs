//! Starts: after a stop, and after a crash that left the whole raw log unread.

use std::path::Path;
use std::time::{Duration, Instant};

use whittle_testkit::{Server, recent, wait};

use super::{Bench, disk_bytes};
use crate::figure::Figure;

/// Time for a start.
const START: Duration = Duration::from_secs(120);
const RECORD: &str = r#"{"source":"starts","level":"info","message":"are you there"}"#;

/// Seconds of a start until records are taken, and until all is visible.
struct Start {
    taking: f64,
    visible: f64,
}

/// Stops and starts the server that has the rows.
pub fn run(bench: &mut Bench<'_>, server: &mut Server, lines: usize) -> anyhow::Result<()> {
    bench.report.section("starts");
    server.terminate(START)?;
    let stopped = start(server)?;
    server.kill()?;
    let history = server.data_dir().join("history");
    std::fs::remove_dir_all(&history)?;
    let unread = segments(server.data_dir()) as f64 / 1e9;
    let crashed = start(server)?;
    let rows = recent::count(&mut server.connect(server.storage())?, "")?;

    let report = &mut bench.report;
    report.add(Figure::new("after a stop: taking records", stopped.taking, "s").at_most(1.0, 0.3));
    report.add(Figure::new("after a stop: all visible", stopped.visible, "s"));
    report.add(Figure::new("after a crash, raw log unread: taking records", crashed.taking, "s").at_most(1.0, 0.3));
    let note = format!(
        "the history was deleted, so that {unread:.2} GB of raw log were read again: {rows} rows of {lines} sent in {:.1} s",
        crashed.visible
    );
    let scaled = crashed.visible / unread.max(f64::MIN_POSITIVE);
    report.add(Figure::new("after a crash: all of 1 GB visible", scaled, "s").at_most(12.0, 8.0).note(note));
    Ok(())
}

fn start(server: &mut Server) -> anyhow::Result<Start> {
    let started = Instant::now();
    server.spawn()?;
    server.wait_bound()?;
    let taking = wait::until("a record to be taken", START, || {
        let mut connection = server.connect(server.ingestion()).ok()?;
        let response = connection.post("/ingest", "application/json", RECORD.as_bytes()).ok()?;
        (response.status == 202).then(|| started.elapsed().as_secs_f64())
    })?;
    let visible = wait::until("all to be visible", START, || {
        let mut connection = server.connect(server.storage()).ok()?;
        recent::count(&mut connection, "").ok().map(|_| started.elapsed().as_secs_f64())
    })?;
    server.wait_ready()?;
    Ok(Start { taking, visible })
}

/// Bytes of the raw log's segments.
fn segments(data: &Path) -> u64 {
    disk_bytes(data)
}

//! A server that nobody uses, and the binary itself.

use std::process::Command;
use std::time::Duration;

use whittle_testkit::process;

use super::{Bench, cpu};
use crate::figure::Figure;

/// Time after the start that is not counted.
const WARM: Duration = Duration::from_secs(5);
/// Bytes of a megabyte, as disks are sold.
const MB: f64 = 1e6;

/// Watches a fresh server do nothing.
pub fn run(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    bench.report.section("idle");
    let server = bench.server()?;
    std::thread::sleep(WARM);
    let span = bench.args.span() * 3;
    let before = cpu(&server)?;
    std::thread::sleep(span);
    let share = (cpu(&server)? - before) / span.as_secs_f64() * 100.0;
    let memory = process::memory(server.pid())?;
    let size = std::fs::metadata(&bench.binary)?.len() as f64 / MB;
    let stripped = stripped_size(bench)?;
    let report = &mut bench.report;
    report.add(
        Figure::new("CPU when idle, part of a core", share, "%")
            .at_most(1.0, 0.5)
            .note(format!("over {} s", span.as_secs())),
    );
    report.add(Figure::new("memory when idle", memory.resident as f64 / f64::from(1 << 20), "MiB").at_most(60.0, 30.0));
    report.add(Figure::new("binary with the page inside", stripped.unwrap_or(size), "MB").at_most(60.0, 40.0).note(
        if stripped.is_some() { "without the names of lines, which the build keeps for profiles" } else { "as built" },
    ));
    report.add(Figure::new("binary as built", size, "MB"));
    Ok(())
}

/// The size of the binary without debug information, where there is a `strip`.
fn stripped_size(bench: &Bench<'_>) -> anyhow::Result<Option<f64>> {
    let file = tempfile::NamedTempFile::new()?;
    let done = Command::new("strip").arg("-o").arg(file.path()).arg(&bench.binary).status();
    if !done.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    Ok(Some(std::fs::metadata(file.path())?.len() as f64 / MB))
}

//! Bytes on disk of a line, beside the same lines under `zstd -19`.

use std::io::Write;

use anyhow::Context;
use whittle_testkit::Server;

use super::{Bench, disk_bytes};
use crate::bodies::Bodies;
use crate::figure::Figure;

/// Bytes of NDJSON that are packed: eight windows of `zstd -19`, beyond which the ratio changes no more.
const SAMPLE: usize = 64 << 20;

/// Compares the history's folder with a sample of the bodies.
pub fn run(bench: &mut Bench<'_>, server: &Server, bodies: &Bodies) -> anyhow::Result<()> {
    bench.report.section("size");
    let folder = server.data_dir().join("history");
    let history = disk_bytes(&folder) as f64 / bodies.lines as f64;
    anyhow::ensure!(history > 0.0, "there are no files in {}", folder.display());
    let sample = bodies.ndjson(bodies.requests.len() / 3, SAMPLE);
    let lines = sample.iter().filter(|byte| **byte == b'\n').count().max(1);
    let packed = packed(&sample).context("cannot pack the sample")? as f64 / lines as f64;
    let raw = disk_bytes(server.data_dir()) as f64 / bodies.lines as f64 - history;
    let report = &mut bench.report;
    report.add(Figure::new("history, bytes a line", history, "B"));
    report.add(
        Figure::new("zstd -19 of the NDJSON, bytes a line", packed, "B").note(format!("a sample of {lines} lines")),
    );
    report.add(Figure::new("history against zstd -19", history / packed, "×").at_most(1.0, 0.9));
    report.add(Figure::new("raw log and the rest, bytes a line", raw, "B"));
    Ok(())
}

fn packed(bytes: &[u8]) -> std::io::Result<usize> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19)?;
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

//! The machine that measured: without it a figure says little.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::Serialize;

use crate::latency::Latencies;

/// A machine at a time.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// When, in UTC.
    pub date: String,
    /// Name of the processor.
    pub processor: String,
    /// Threads that it runs at once.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// Commit of the sources, with a mark where they were changed since.
    pub commit: String,
    /// Milliseconds of an `fdatasync` of 4 KiB into a file that has its size: half of them, 99 in 100.
    pub sync_ms: (f64, f64),
    /// CPU milliseconds of the yardstick at the start.
    pub yardstick_ms: f64,
}

/// Syncs measured.
const SYNCS: usize = 300;

impl Machine {
    /// Looks at this machine; the disk is the one of `folder`.
    pub fn look(folder: &Path) -> anyhow::Result<Machine> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let kilobytes: f64 =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0.0);
        let syncs = syncs(folder)?;
        Ok(Machine {
            date: whittle_domain::timestamp::to_string(now.as_secs() as i64 * 1_000_000),
            processor,
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: (kilobytes / f64::from(1 << 20) * 10.0).round() / 10.0,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            commit: output("git", &["describe", "--always", "--dirty", "--abbrev=10"]),
            sync_ms: (syncs.p50(), syncs.p99()),
            yardstick_ms: crate::yardstick::measure(),
        })
    }
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

fn syncs(folder: &Path) -> anyhow::Result<Latencies> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; SYNCS * 4096])?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Latencies::default();
    for _ in 0..SYNCS {
        file.write_all(&[1; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.add(started.elapsed());
    }
    Ok(times)
}

//! `make bench-distributed`: the roles as processes of their own over a real Kafka and a real PostgreSQL on this machine.
//!
//! What is counted is CPU seconds of our processes alone; latencies are wall time and mean little on a machine that others use.

mod cast;
mod sections;

use std::path::PathBuf;

use clap::Parser;

/// Measures the roles over Kafka and PostgreSQL.
#[derive(Debug, Parser)]
struct Args {
    /// The binary
    #[arg(long, default_value = "target/release/whittle")]
    binary: PathBuf,
    /// Records that pass
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Without PostgreSQL: the history in files
    #[arg(long)]
    files: bool,
}

fn main() -> anyhow::Result<()> {
    sections::run(&Args::parse())
}

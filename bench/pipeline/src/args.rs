//! What is measured, and how much of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Arguments of the bench.
#[derive(Debug, Clone, Parser)]
#[command(name = "whittle-bench", about = "What whittle costs: prints its goals beside what was measured")]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Sections to run, comma-separated [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Section>,
    /// The program to measure [default: beside this one]
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Lines of the bulk load, on which the queries run too
    #[arg(long, default_value_t = 5_000_000)]
    pub lines: usize,
    /// Records of a bulk request
    #[arg(long, default_value_t = 1_000)]
    pub batch: usize,
    /// Connections of the bulk load
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    /// Seconds that each timed section takes
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Seconds of overload
    #[arg(long, default_value_t = 120)]
    pub overload_seconds: u64,
    /// Seed of the records
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folder for the data; each server gets one of its own below it [default: the system's temporary folder]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folder of the results
    #[arg(long, default_value = "bench-results")]
    pub out: PathBuf,
}

/// What else this program does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// A server that reads requests and answers them, and nothing more: what a request costs anyway
    #[command(hide = true)]
    NullServer,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Section {
    /// Many records a request, to the queryable history and to the ack.
    Bulk,
    /// Bytes on disk beside `zstd -19`.
    Size,
    /// Queries on the rows of the bulk load.
    Queries,
    /// Start after a stop and after a crash with everything unread.
    Starts,
    /// One record a request.
    Single,
    /// 500 requests a second beside a server that does nothing.
    Paced,
    /// From ingestion to the WebSocket and to a notification.
    Live,
    /// Queries while records come in.
    Mixed,
    /// Ten times what the machine takes.
    Overload,
    /// CPU and memory of a server that nobody uses, and the size of the binary.
    Idle,
    /// Patterns of known lines, in this process.
    Patterns,
}

impl Args {
    /// Whether a section is to be run.
    pub fn wants(&self, section: Section) -> bool {
        self.only.is_empty() || self.only.contains(&section)
    }

    /// The length of a timed section.
    pub fn span(&self) -> Duration {
        Duration::from_secs(self.seconds.max(1))
    }

    /// The program to measure.
    pub fn binary(&self) -> anyhow::Result<PathBuf> {
        let beside = || Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name("whittle"));
        let binary = self.binary.clone().map_or_else(beside, Ok)?;
        anyhow::ensure!(
            binary.is_file(),
            "there is no {}; build it with `cargo build --release -p whittle-server`, or name it with --binary",
            binary.display()
        );
        Ok(Path::canonicalize(&binary)?)
    }
}

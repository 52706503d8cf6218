//! The parts of the bench, and the server that each gets.

mod bulk;
mod idle;
mod live;
mod mixed;
mod overload;
mod paced;
mod patterns;
mod queries;
mod single;
mod size;
mod starts;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use whittle_testkit::{Corpus, Server, Setup, process, recent};

use crate::args::{Args, Section};
use crate::bodies::Bodies;
use crate::machine::Machine;
use crate::report::Report;

/// A day, which the records of the bulk load fill.
const DAY: i64 = 86_400_000_000;
/// Time for rows to become visible after the last ack of a large load.
const VISIBLE: Duration = Duration::from_secs(120);
/// Time between two looks at what costs the server something to answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for a server to have done all its work.
const SETTLE: Duration = Duration::from_secs(150);
/// A server that uses less of a core than this has done its work.
const QUIET: f64 = 0.02;

/// What every section needs.
pub struct Bench<'a> {
    args: &'a Args,
    binary: PathBuf,
    folder: PathBuf,
    report: Report,
}

/// Runs the sections that are wanted.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.data.clone().unwrap_or_else(std::env::temp_dir);
    let report = Report::new(Machine::look(&folder)?);
    let mut bench = Bench { args, binary: args.binary()?, folder, report };
    let stored = [Section::Bulk, Section::Size, Section::Queries, Section::Starts];
    if stored.iter().any(|section| args.wants(*section)) {
        on_stored_rows(&mut bench)?;
    }
    type Run = fn(&mut Bench<'_>) -> anyhow::Result<()>;
    let others: [(Section, Run); 7] = [
        (Section::Single, single::run),
        (Section::Paced, paced::run),
        (Section::Live, live::run),
        (Section::Mixed, mixed::run),
        (Section::Overload, overload::run),
        (Section::Idle, idle::run),
        (Section::Patterns, patterns::run),
    ];
    for (section, run) in others {
        if args.wants(section) {
            run(&mut bench).with_context(|| format!("in section {section:?}"))?;
        }
    }
    bench.report.finish(args)
}

/// The sections that share one server with the rows of the bulk load.
fn on_stored_rows(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let bodies = bench.day();
    let data = tempfile::TempDir::with_prefix_in("whittle-bench-", &bench.folder)?;
    let mut server = bench.setup().data_dir(data.path().join("data")).start()?;
    bulk::run(bench, &server, &bodies).context("in section Bulk")?;
    if bench.args.wants(Section::Size) {
        size::run(bench, &server, &bodies).context("in section Size")?;
    }
    let lines = bodies.lines;
    drop(bodies);
    if bench.args.wants(Section::Queries) {
        queries::run(bench, &server).context("in section Queries")?;
    }
    if bench.args.wants(Section::Starts) {
        starts::run(bench, &mut server, lines).context("in section Starts")?;
    }
    Ok(())
}

impl Bench<'_> {
    /// How servers are started here.
    fn setup(&self) -> Setup {
        Setup::new(&self.binary).env("WHITTLE_LOG", "warn")
    }

    /// A server of its own.
    fn server(&self) -> anyhow::Result<Server> {
        Ok(self.setup().start()?)
    }

    /// The bulk load: a day that ends now.
    fn day(&self) -> Bodies {
        eprintln!("making {} records", self.args.lines);
        let step = DAY / self.args.lines.max(1) as i64;
        let mut corpus = Corpus::with_step(self.args.seed, now() - DAY, step.max(1));
        Bodies::bulk(&mut corpus, self.args.lines, self.args.batch)
    }

    /// Records with times from now on.
    fn corpus(&self) -> Corpus {
        Corpus::with_step(self.args.seed.wrapping_add(1), now(), 10)
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

/// CPU seconds of a server so far.
fn cpu(server: &Server) -> anyhow::Result<f64> {
    Ok(process::cpu_seconds(server.pid())?)
}

/// Waits until the history has so many rows, without asking it all the time.
fn wait_rows(server: &Server, wanted: u64) -> anyhow::Result<()> {
    let mut connection = server.connect(server.storage())?;
    let started = Instant::now();
    loop {
        let count = recent::count(&mut connection, "")?;
        if count >= wanted {
            anyhow::ensure!(count == wanted, "the history has {count} rows where {wanted} were sent");
            return Ok(());
        }
        anyhow::ensure!(started.elapsed() < VISIBLE, "after {VISIBLE:?} only {count} of {wanted} rows are visible");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until the server has nothing to do any more: flushed, merged. Gives its CPU seconds then, without those that it
/// uses when idle.
fn settle(server: &Server) -> anyhow::Result<f64> {
    let started = Instant::now();
    let span = Duration::from_secs(3);
    let mut quiet = 0;
    let mut before = cpu(server)?;
    let mut busy = before;
    while started.elapsed() < SETTLE {
        std::thread::sleep(span);
        let now = cpu(server)?;
        if (now - before) / span.as_secs_f64() > QUIET {
            (quiet, busy) = (0, now);
        } else {
            quiet += 1;
        }
        before = now;
        // A flush by time comes within a minute.
        if quiet * span.as_secs() >= 66 {
            break;
        }
    }
    Ok(busy)
}

/// Bytes of the files below a folder, as they take up the disk.
fn disk_bytes(folder: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

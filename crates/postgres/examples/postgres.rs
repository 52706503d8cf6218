//! What the history in PostgreSQL costs: rows a second, CPU seconds a million rows on both sides, bytes a row, milliseconds
//! a question.
//!
//! `POSTGRES_URL=… cargo run --release -p whittle-postgres --example postgres -- [rows] [rows a batch]`: by default 1,000,000 rows
//! of the corpus, 8,192 a batch as the pipeline makes them under load, into an empty database on this machine. Rows already
//! there are kept and asked as well. Goals stand beside the figures; a fixed job says how fast the machine is just now.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use whittle_domain::query::Query;
use whittle_domain::{Batch, BatchBuilder, Row, Span};
use whittle_history::{Budget, Filter, LevelSet, Reader, SplitBy, Total, Writer};
use whittle_patterns::{FormId, Miner, PatternId};
use whittle_postgres::{Address, PgHistory, Settings};
use whittle_testkit::{Corpus, process};

const MINUTE: i64 = 60_000_000;
/// Batches that the generator may be ahead.
const AHEAD: usize = 4;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let (rows, batch) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(8_192));
    let url =
        std::env::var("POSTGRES_URL").expect("POSTGRES_URL names a database; deploy/dev/postgres.sh start gives one");
    println!("yardstick: {:.0} ms of CPU for a fixed job", yardstick());
    let settings = Settings::new(Address::parse(&url).expect("an address"), "bench");
    let opened = PgHistory::open(settings).expect("the database opens");
    let first = opened.checkpoint.positions.get(&0).copied().unwrap_or(0);
    let miner = Miner::default();
    let (history, writer) = opened.start(miner.catalog(), Box::new(|_| {})).expect("the history starts");
    let server = Server::of(&url);
    let generator = Generator { first, rows, batch, miner };
    write(&history, writer, generator, &server);
    questions(&history, &server);
}

fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn yardstick() -> f64 {
    let start = cpu(ClockId::ThreadCPUTime);
    let mut x = 1u64;
    for i in 0..100_000_000u64 {
        x = std::hint::black_box(x).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i);
    }
    assert_ne!(x, 0);
    (cpu(ClockId::ThreadCPUTime) - start) * 1e3
}

/// The processes of the server, on this machine.
struct Server {
    /// The first of them; none where the server is elsewhere.
    pid: Option<u32>,
}

impl Server {
    /// Finds it by the port that its command line names.
    fn of(url: &str) -> Server {
        let pid = std::fs::read_dir("/proc").into_iter().flatten().flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            let port = url.rsplit_once(':')?.1.split('/').next()?;
            (line.contains(&format!("port={port}")) && parent(pid) == Some(1)).then_some(pid)
        });
        Server { pid }
    }

    /// CPU seconds of all its processes, those that ended among them.
    fn cpu(&self) -> f64 {
        let Some(first) = self.pid else { return f64::NAN };
        let stat = std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap_or_default();
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest)
            .unwrap_or_default()
            .split_ascii_whitespace()
            .skip(11)
            .take(4)
            .filter_map(|field| field.parse().ok())
            .collect();
        let own = fields.iter().sum::<u64>() as f64 / 100.0;
        let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = pids
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| parent(*pid) == Some(first));
        own + children.filter_map(|pid| process::cpu_seconds(pid).ok()).sum::<f64>()
    }
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Makes analysed batches, on a thread of its own.
struct Generator {
    first: u64,
    rows: usize,
    batch: usize,
    miner: Miner,
}

impl Generator {
    /// The batches, and at the end the CPU seconds that making them took.
    fn start(mut self) -> (Receiver<Arc<Batch>>, std::thread::JoinHandle<f64>) {
        let (sender, receiver) = sync_channel(AHEAD);
        let thread = std::thread::spawn(move || {
            let start = whittle_history::Clock::default().now() - self.rows as i64 * 8_640;
            let mut corpus = Corpus::with_step(self.first + 1, start, 8_640);
            let mut left = self.rows;
            while left > 0 {
                let rows = left.min(self.batch);
                let batch = self.batch_of(&mut corpus, rows);
                left -= rows;
                if sender.send(batch).is_err() {
                    break;
                }
            }
            cpu(ClockId::ThreadCPUTime)
        });
        (receiver, thread)
    }

    fn batch_of(&mut self, corpus: &mut Corpus, rows: usize) -> Arc<Batch> {
        let mut builder = BatchBuilder::with_capacity(rows, rows * 200);
        for _ in 0..rows {
            let record = corpus.next_record();
            let (source, message) = (builder.push_text(&record.source), builder.push_text(&record.message));
            let (context, offset) = (builder.push_text(&record.context), self.first);
            self.first += 1;
            builder.push_row(Row {
                partition: 0,
                offset,
                event_id: u128::from(offset),
                timestamp: record.time,
                received_at: record.time + MINUTE / 60,
                level: record.level,
                source,
                message,
                context,
                level_text: Span::default(),
                vars_start: 0,
                vars_len: 0,
                form: FormId(0),
                pattern: PatternId(0),
            });
        }
        let (mut batch, mut found) = (builder.finish(), Vec::new());
        batch.analyse(|source, message, _, vars| {
            found.clear();
            let known = self.miner.observe_from(source, message, &mut found);
            vars.extend(found.iter().map(|var| Span { start: var.start, len: var.len }));
            (known.form, known.pattern)
        });
        Arc::new(batch)
    }
}

fn write(history: &PgHistory, mut writer: Box<dyn Writer>, generator: Generator, server: &Server) {
    let millions = generator.rows as f64 / 1e6;
    let (of_server, of_us, started) = (server.cpu(), cpu(ClockId::ProcessCPUTime), Instant::now());
    let (batches, thread) = generator.start();
    for batch in batches {
        writer.append(&batch).expect("the database takes it");
    }
    let took = started.elapsed().as_secs_f64();
    let generating = thread.join().expect("the generator ends");
    writer.finish(Default::default()).expect("the database takes it");
    let of_us = cpu(ClockId::ProcessCPUTime) - of_us - generating;
    println!("written: {:.0} rows/s while the generator ran beside (goal 60,000)", millions * 1e6 / took);
    println!(
        "CPU s a million rows: {:.2} ours, {:.2} PostgreSQL's",
        of_us / millions,
        (server.cpu() - of_server) / millions
    );
    history.tidy().expect("the database answers");
    let stats = history.stats();
    let bytes = stats.disk_bytes as f64 / stats.rows as f64;
    println!("{} rows, {bytes:.0} bytes a row with indexes and counts (goal 450)", stats.rows);
}

fn questions(history: &PgHistory, server: &Server) {
    let stats = history.stats();
    let (_, end) = stats.range.expect("there are rows");
    let hour = Some(end - 60 * MINUTE);
    let source = {
        let newest = history.recent(&Filter::default(), 1, 0, &Budget::default()).expect("an answer");
        Some(newest.rows.first().expect("a row").source.clone())
    };
    let errors = LevelSet(0b1000);
    let q = |text: &str| Some(Arc::new(Query::parse(text).expect("a query")));
    let of = Filter::default;
    let pages: BTreeMap<&str, (Filter, u64)> = [
        ("1 latest 100, exact count", (of(), 0)),
        ("2 errors", (Filter { levels: errors, ..of() }, 0)),
        ("3 a source", (Filter { source: source.clone(), ..of() }, 0)),
        ("4 errors of a source, 60 min", (Filter { levels: errors, source: source.clone(), from: hour, ..of() }, 0)),
        ("5 the last 60 min", (Filter { from: hour, ..of() }, 0)),
        ("6 page at half of all", (of(), stats.rows / 2)),
        ("7 a phrase of a template", (Filter { query: q("\"issued for order\""), ..of() }, 0)),
        ("8 an absent word", (Filter { query: q("zyzzyva9x"), ..of() }, 0)),
        ("9 the same of the last 60 min", (Filter { query: q("zyzzyva9x"), from: hour, ..of() }, 0)),
    ]
    .into();
    for (name, (filter, offset)) in &pages {
        let mut count = String::new();
        let before = server.cpu();
        let times = times(|| {
            let found = history.recent(filter, 100, *offset, &Budget::default()).expect("an answer");
            count = match found.total {
                Total::Exact(count) => format!("{} rows of {count}", found.rows.len()),
                Total::AtLeast(count, why) => format!("{} rows of at least {count}: {why}", found.rows.len()),
            };
        });
        let cpu = (server.cpu() - before) * 1e3 / times.len() as f64;
        println!("{name}: p50 {:.1} ms, {cpu:.0} ms of PostgreSQL's CPU; {count}", times[times.len() / 2]);
    }
    let mut charts = times(|| {
        history.histogram(&Filter::default(), 500, SplitBy::Level, &Budget::default()).expect("an answer");
    });
    println!("chart of all by level: p50 {:.1} ms", charts.swap_remove(charts.len() / 2));
    let patterns = times(|| {
        history.patterns(&Filter::default(), &Budget::default()).expect("an answer");
    });
    println!("all patterns: p50 {:.1} ms", patterns[patterns.len() / 2]);
}

/// Milliseconds of some runs after a first one, least first: at most 21, and no longer than some seconds.
fn times(mut run: impl FnMut()) -> Vec<f64> {
    run();
    let (mut times, end) = (Vec::new(), Instant::now() + Duration::from_secs(6));
    while times.len() < 21 && (times.is_empty() || Instant::now() < end) {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times
}

//! What the history costs: CPU seconds a million rows written, bytes a row, CPU milliseconds a question.
//!
//! `cargo run --release -p whittle-history --example bench -- [rows] [folder]`: by default 1,000,000 rows in a temporary folder. The
//! rows are those of 132 made-up services over 24 hours, the same ones for the same count. Goals stand beside the figures; a
//! fixed job beside them says how fast the machine is just now.

#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use whittle_disk::OsDisk;
use whittle_domain::query::Query;
use whittle_domain::{Batch, BatchBuilder, Level, Row, Span};
use whittle_history::{Budget, Clock, FileHistory, Filter, Reader, Settings, SplitBy, StageState, Total, Writer};
use whittle_patterns::{FormId, Miner, PatternId};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The end of 2025.
const START: i64 = 1_764_460_800 * SECOND;
const BATCH: u64 = 1000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = arguments.next().map_or(temporary.path().to_owned(), PathBuf::from);
    println!("yardstick: {:.0} ms of CPU for a fixed job", yardstick());
    let mut bench = Bench::open(&folder, rows);
    bench.write(rows);
    bench.merge();
    bench.size(rows);
    bench.questions("");
    drop(bench);
    let mut again = Bench::open(&folder, rows);
    println!("opened again in {:.1} ms of CPU", again.opening);
    again.questions("");
    again.questions(", asked again");
}

fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn yardstick() -> f64 {
    let start = cpu(ClockId::ThreadCPUTime);
    let mut x = 1u64;
    for i in 0..100_000_000u64 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i);
    }
    assert_ne!(x, 0);
    (cpu(ClockId::ThreadCPUTime) - start) * 1e3
}

struct Bench {
    history: Arc<FileHistory>,
    writer: Box<dyn Writer>,
    miner: Miner,
    opening: f64,
}

impl Bench {
    fn open(folder: &std::path::Path, rows: u64) -> Self {
        let settings = Settings {
            tidy_every: None,
            keep_free_percent: 0,
            clock: Clock::new(move || START + DAY + rows as i64),
            ..Settings::default()
        };
        let start = cpu(ClockId::ProcessCPUTime);
        let opened = FileHistory::open(Arc::new(OsDisk), folder, settings).expect("the history opens");
        let mut miner = Miner::default();
        if let Some(journal) = opened.checkpoint.journals.get("patterns") {
            miner.load(journal).expect("the patterns are read");
        }
        let (history, writer) = opened.start(miner.catalog(), Box::new(|_| {})).expect("the history starts");
        let opening = (cpu(ClockId::ProcessCPUTime) - start) * 1e3;
        Bench { history, writer, miner, opening }
    }

    fn write(&mut self, rows: u64) {
        let (mut appending, mut generating) = (0.0, 0.0);
        let start = cpu(ClockId::ProcessCPUTime);
        for first in (0..rows).step_by(BATCH as usize) {
            let before = cpu(ClockId::ThreadCPUTime);
            let batch = batch(first, BATCH.min(rows - first), rows, &mut self.miner);
            let generated = cpu(ClockId::ThreadCPUTime);
            self.writer.append(&batch).expect("there is room");
            if self.writer.is_due() {
                let state = self.state();
                self.writer.commit(state).expect("a commit");
            }
            appending += cpu(ClockId::ThreadCPUTime) - generated;
            generating += generated - before;
        }
        self.finish();
        let all = cpu(ClockId::ProcessCPUTime) - start - generating;
        let million = rows as f64 / 1e6;
        println!(
            "written: {:.3} CPU s a million rows (goal 0.16 and 0.06 for filter and rollup), of which append {:.3}",
            all / million,
            appending / million
        );
    }

    fn state(&mut self) -> StageState {
        let mut state = StageState::default();
        state.journals.insert("patterns".to_owned(), self.miner.drain_journal().into());
        state
    }

    fn finish(&mut self) {
        let deadline = std::time::Instant::now() + Duration::from_secs(120);
        let mut state = self.state();
        while let Err(e) = self.writer.finish(std::mem::take(&mut state)) {
            assert!(std::time::Instant::now() < deadline, "the rows are not written within two minutes: {e}");
        }
    }

    fn merge(&mut self) {
        let (files, start) = (self.history.stats().files, cpu(ClockId::ProcessCPUTime));
        self.history.tidy().expect("the files are merged");
        let took = cpu(ClockId::ProcessCPUTime) - start;
        let stats = self.history.stats();
        let millions = stats.rows as f64 / 1e6;
        println!("merged {files} files to {}: {:.3} CPU s a million rows (goal 0.16)", stats.files, took / millions);
    }

    fn size(&self, rows: u64) {
        let stats = self.history.stats();
        let sample = rows.min(200_000);
        let mut json = String::new();
        for row in rows - sample..rows {
            line(row, rows).json(&mut json);
        }
        let best = zstd::bulk::compress(json.as_bytes(), 19).expect("zstd").len();
        let per_row = stats.disk_bytes as f64 / stats.rows as f64;
        let goal = best as f64 / sample as f64;
        println!(
            "{} rows of {} bytes as NDJSON: {per_row:.2} bytes a row; zstd -19 of the NDJSON {goal:.2}: ratio {:.2} (least 1.0, goal 0.9)",
            stats.rows,
            json.len() as u64 / sample,
            per_row / goal
        );
        println!("memory: {} MiB resident", resident() >> 20);
    }

    fn questions(&mut self, note: &str) {
        let end = START + DAY;
        let phrase = |text: &str| Some(Arc::new(Query::parse(text).expect("a query")));
        let hour = Some(end - 3600 * SECOND);
        let of_source = Filter {
            levels: whittle_history::LevelSet(0b1000),
            source: Some("payment-api-07".to_owned()),
            from: hour,
            ..Filter::default()
        };
        let all = Filter::default();
        let needle = line(self.history.stats().rows / 3, self.history.stats().rows).needle;
        let phrase_filter = Filter { query: phrase("\"connection reset by peer\""), ..Filter::default() };
        let needle_filter = Filter { query: phrase(&needle), ..Filter::default() };
        let absent = Filter { query: phrase("zyzzyva9x"), ..Filter::default() };
        let common = Filter { query: phrase("timeout"), ..Filter::default() };
        let substring = Filter { query: phrase("~eset by pe"), ..Filter::default() };
        let page = |name: &str, goal: &str, filter: &Filter, offset: u64| {
            let mut count = String::new();
            let took = best_of_5(|| {
                let answer = self.history.recent(filter, 100, offset, &Budget::default()).expect("an answer");
                count = format!("{} rows of {}", answer.rows.len(), shown(&answer.total));
            });
            println!("{name}{note}: {took:.2} ms (goal {goal}); {count}");
        };
        page("latest 100", "5, 1", &all, 0);
        page("page 10,001", "6", &all, 1_000_000);
        page("errors of a source in the last hour + count", "4, 1", &of_source, 0);
        page("phrase of a template + count", "16, 2", &phrase_filter, 0);
        page("needle in variables", "5, 2.5", &needle_filter, 0);
        page("absent word", "1.1, 0.6", &absent, 0);
        page("a word of templates and variables + count", "-", &common, 0);
        page("a substring of a template + count", "-", &substring, 0);
        let mut buckets = String::new();
        let took = best_of_5(|| {
            let answer = self.history.histogram(&all, 500, SplitBy::Level, &Budget::default()).expect("an answer");
            buckets = format!("{} buckets of {} s", answer.series[0].1.len(), answer.bucket / SECOND);
        });
        println!("count by time and level{note}: {took:.2} ms (goal 20, 2); {buckets}");
        let took = best_of_5(|| {
            let day = Filter { source: of_source.source.clone(), ..Filter::default() };
            self.history.histogram(&day, 500, SplitBy::Level, &Budget::default()).expect("an answer");
        });
        println!("the same of one source{note}: {took:.2} ms");
        let took = best_of_5(|| {
            self.history.patterns(&all, &Budget::default()).expect("an answer");
        });
        println!("all patterns{note}: {took:.2} ms");
    }
}

fn shown(total: &Total) -> String {
    match total {
        Total::Exact(count) => count.to_string(),
        Total::AtLeast(count, reason) => format!("at least {count} ({reason})"),
    }
}

/// Milliseconds of CPU: the least of five runs, and of the first the time if it is much more (cold caches).
fn best_of_5(mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = cpu(ClockId::ThreadCPUTime);
        run();
        best = best.min((cpu(ClockId::ThreadCPUTime) - start) * 1e3);
    }
    best
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// A record, made from its number alone.
struct Line {
    source: String,
    level: Level,
    message: String,
    timestamp: i64,
    context: String,
    /// A word that stands in this line alone.
    needle: String,
}

impl Line {
    fn json(&self, out: &mut String) {
        let time = whittle_domain::timestamp::to_string(self.timestamp);
        let message = serde_json::to_string(&self.message).unwrap_or_default();
        let _ = write!(
            out,
            r#"{{"timestamp":"{time}","source":"{}","level":"{}","message":{message}"#,
            self.source,
            self.level.as_str()
        );
        if !self.context.is_empty() {
            let _ = write!(out, r#","context":{}"#, self.context);
        }
        out.push_str("}\n");
    }
}

/// Pseudo-random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small numbers are more frequent.
    fn skewed(&mut self, bound: u64) -> u64 {
        self.below(bound).min(self.below(bound)).min(self.below(bound))
    }
}

const SERVICES: [&str; 12] = [
    "payment-api",
    "order-service",
    "auth",
    "gateway",
    "search",
    "inventory",
    "mailer",
    "billing",
    "session-store",
    "image-worker",
    "recommender",
    "edge-proxy",
];

const SUBJECTS: [&str; 25] = [
    "request",
    "payment",
    "order",
    "session",
    "token",
    "cache entry",
    "query",
    "job",
    "message",
    "upload",
    "invoice",
    "shipment",
    "login",
    "webhook",
    "index",
    "replica",
    "connection",
    "batch",
    "snapshot",
    "lease",
    "transaction",
    "template",
    "subscription",
    "report",
    "export",
];

const VERBS: [(&str, Level); 12] = [
    ("accepted", Level::Info),
    ("completed", Level::Info),
    ("queued for processing", Level::Debug),
    ("forwarded", Level::Info),
    ("refreshed", Level::Debug),
    ("retried after a timeout", Level::Warn),
    ("rejected by policy", Level::Warn),
    ("failed with connection reset by peer", Level::Error),
    ("expired", Level::Info),
    ("scheduled", Level::Info),
    ("validated against schema", Level::Debug),
    ("throttled", Level::Warn),
];

fn line(number: u64, rows: u64) -> Line {
    let mut random = Random(number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    let (service, instance) = (random.skewed(12) as usize, random.below(11));
    // Each service has some of the patterns, and some of those far more often than the others.
    let pattern = (random.skewed(30) * 7 + service as u64 * 31) % 300;
    let (verb, level) = VERBS[(pattern % 12) as usize];
    let subject = SUBJECTS[(pattern / 12) as usize];
    let needle = format!("{:08x}{:06x}", random.next() as u32, number & 0xff_ffff);
    let timestamp = START + (number as i128 * i128::from(DAY) / i128::from(rows)) as i64 + random.below(900) as i64;
    let mut message = String::new();
    let _ = match pattern % 5 {
        0 => write!(message, "{subject} {needle} {verb} in {}ms", random.skewed(5000)),
        1 => write!(
            message,
            "{subject} {verb}: user={} ip=10.{}.{}.{} attempt {}",
            random.skewed(90_000),
            random.below(4),
            random.below(256),
            random.below(256),
            random.skewed(5)
        ),
        2 => write!(
            message,
            "[{}] {subject} id={} {verb}, {} bytes to node-{}",
            random.below(64),
            random.below(1_000_000),
            random.skewed(100_000),
            random.below(40)
        ),
        3 => write!(
            message,
            "{subject} for /api/v{}/{}/{} {verb} status={} took {}.{}ms",
            random.below(3),
            SUBJECTS[(pattern % 25) as usize],
            random.skewed(50_000),
            [200, 201, 204, 400, 404, 500][random.skewed(6) as usize],
            random.skewed(900),
            random.below(10)
        ),
        _ => write!(
            message,
            "{verb} {subject} of shard {} at offset {} ({} pending)",
            random.below(128),
            number * 3 + random.below(50),
            random.skewed(300)
        ),
    };
    let context = match random.below(3) {
        0 => String::new(),
        1 => format!(r#"{{"region":"eu-{}","pod":"{}-{}"}}"#, random.below(3), SERVICES[service], instance),
        _ => format!(r#"{{"requestId":"{:012x}","tenant":"t{}"}}"#, random.next() >> 16, random.skewed(400)),
    };
    let source = format!("{}-{instance:02}", SERVICES[service]);
    let needle = if pattern.is_multiple_of(5) { needle } else { line_with_needle(number, rows) };
    Line { source, level, message, timestamp, context, needle }
}

/// The needle of the next line that has one.
fn line_with_needle(number: u64, rows: u64) -> String {
    line(number + 1, rows).needle
}

fn batch(first: u64, count: u64, rows: u64, miner: &mut Miner) -> Arc<Batch> {
    let mut builder = BatchBuilder::with_capacity(count as usize, count as usize * 200);
    for number in first..first + count {
        let line = line(number, rows);
        let (source, message) = (builder.push_text(&line.source), builder.push_text(&line.message));
        let context = builder.push_text(&line.context);
        builder.push_row(Row {
            partition: 0,
            offset: number,
            event_id: u128::from(number),
            timestamp: line.timestamp,
            received_at: START + (first as i128 * i128::from(DAY) / i128::from(rows)) as i64 + SECOND,
            level: line.level,
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
    let mut batch = builder.finish();
    let mut found = Vec::new();
    batch.analyse(|source, message, _, vars| {
        found.clear();
        let known = miner.observe_from(source, message, &mut found);
        vars.extend(found.iter().map(|var| Span { start: var.start, len: var.len }));
        (known.form, known.pattern)
    });
    Arc::new(batch)
}

//! The runner and the way from the log to the first stage, over a real log in a temporary folder.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus, Entry, SegmentBus};
use whittle_disk::OsDisk;
use whittle_domain::{Arrival, Batch, BodyFormat, Limits, RawBatch, raw};
use whittle_history::{StageState, WriteError, Writer};
use whittle_patterns::Miner;

use super::*;
use crate::ingest::{Envelope, encode};

const RAW: &str = "logs.raw";
const DLQ: &str = "logs.dlq";

struct Log {
    bus: Arc<SegmentBus>,
    _dir: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let bus = SegmentBus::open(Arc::new(OsDisk), dir.path(), whittle_bus::Settings::default()).expect("opens");
        bus.ensure_topic(RAW, 1).expect("makes a topic");
        bus.ensure_topic(DLQ, 1).expect("makes a topic");
        Log { bus, _dir: dir }
    }

    /// Appends and waits until it is durable; says where it stands.
    fn append(&self, entry: Entry) -> u64 {
        let (told, answer) = crossbeam_channel::bounded(1);
        self.bus.produce(RAW, entry, Box::new(move |result| told.send(result).expect("someone waits")));
        let position = answer.recv_timeout(Duration::from_secs(30)).expect("an answer within 30 s").expect("durable");
        position.offset
    }

    fn append_records(&self, count: usize) -> (RawBatch, Arrival) {
        let body: String = (0..count).map(|n| format!("{{\"source\":\"s\",\"message\":\"line {n}\"}}\n")).collect();
        let raw = raw::parse(body.into(), BodyFormat::Ndjson, &Limits::default()).expect("valid");
        let base_offset = self.append(encode(&raw, BodyFormat::Ndjson, &Envelope::default()));
        (raw, Arrival { partition: 0, base_offset, received_at: 0, event_id: 0 })
    }

    fn feed(&self, held: u64, bytes: usize) -> Arc<Feed> {
        let ends = self.bus.ends(RAW).expect("ends");
        Arc::new(Feed::new(&ends, &[held], FeedLimits { bytes, lag_records: 1000 }))
    }

    fn inlet(&self, feed: &Arc<Feed>, held: u64) -> RawInlet {
        let consumer = self.bus.subscribe(RAW, "test").expect("joins");
        RawInlet::new(RAW.into(), feed.clone(), consumer, &[held], Durable::new(&[held]), Detour::default())
    }

    fn dead_letters(&self, count: &Counter) -> DeadLetters {
        DeadLetters::new(self.bus.clone(), DLQ.into(), count.clone(), |_| {})
    }

    /// All dead letters: offset and body.
    fn dead(&self) -> Vec<(String, String)> {
        let mut consumer = self.bus.subscribe(DLQ, "test").expect("joins");
        let end = self.bus.ends(DLQ).expect("ends")[0] as usize;
        let mut found = Vec::new();
        while found.len() < end {
            for frame in consumer.poll(1 << 20, Duration::from_secs(5)).expect("polls") {
                let offset = frame.headers.iter().find(|(name, _)| name == "offset").expect("an offset").1.clone();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
                found.push((text(&offset), text(&frame.body)));
            }
        }
        found
    }
}

/// Rows of a few polls, by offset; stops after `most` rows or when nothing comes any more.
fn drain(inlet: &mut RawInlet, most: usize) -> Vec<u64> {
    let mut normalize = Normalize::new(None);
    let (mut offsets, mut idle) = (Vec::new(), 0);
    while offsets.len() < most && idle < 3 {
        match inlet.poll(Duration::from_millis(20)).expect("polls") {
            Polled::Item(mut raws, _) => {
                offsets.extend(normalize.process(&mut raws).rows().iter().map(|row| row.offset));
            }
            Polled::Idle => idle += 1,
            Polled::Ended => break,
        }
    }
    offsets
}

#[test]
fn records_come_from_memory_in_order() {
    let log = Log::new();
    let feed = log.feed(0, 1 << 20);
    let mut inlet = log.inlet(&feed, 0);
    for _ in 0..3 {
        let (raw, arrival) = log.append_records(4);
        feed.offer(raw, arrival);
    }
    assert_eq!(drain(&mut inlet, 12), (0..12).collect::<Vec<_>>());
}

#[test]
fn what_the_feed_dropped_is_read_from_the_log_once_each() {
    let log = Log::new();
    // Room for one body at a time: the others are dropped.
    let feed = log.feed(0, 1);
    let mut inlet = log.inlet(&feed, 0);
    for _ in 0..5 {
        let (raw, arrival) = log.append_records(10);
        feed.offer(raw, arrival);
    }
    assert_eq!(drain(&mut inlet, 50), (0..50).collect::<Vec<_>>());
    let (raw, arrival) = log.append_records(10);
    feed.offer(raw, arrival);
    assert_eq!(drain(&mut inlet, 10), (50..60).collect::<Vec<_>>(), "memory again, once it has caught up");
}

#[test]
fn a_start_goes_on_in_the_middle_of_a_body() {
    let log = Log::new();
    log.append_records(10);
    log.append_records(10);
    let feed = log.feed(7, 1 << 20);
    let mut inlet = log.inlet(&feed, 7);
    assert_eq!(drain(&mut inlet, 13), (7..20).collect::<Vec<_>>());
    assert_eq!(feed.lag(), 13, "nothing was stored yet");
}

#[test]
fn an_entry_that_cannot_be_read_is_a_dead_letter_and_the_rest_goes_on() {
    let log = Log::new();
    log.append_records(2);
    log.append(Entry { body: "garbage".into(), count: 1, ..Entry::default() });
    log.append_records(2);
    let feed = log.feed(0, 1 << 20);
    let mut inlet = log.inlet(&feed, 0);
    let (mut rows, mut dead) = (0, Vec::new());
    while rows < 4 {
        if let Polled::Item(raws, rejected) = inlet.poll(Duration::from_secs(5)).expect("polls") {
            rows += raws.records();
            dead.extend(rejected);
        }
    }
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].offset, dead[0].body.as_ref()), (2, &b"garbage"[..]));
}

/// An inlet over a list.
struct List(VecDeque<Raws>);

impl Inlet for List {
    type Item = Raws;

    fn poll(&mut self, _timeout: Duration) -> Result<Polled<Raws>, EdgeError> {
        Ok(self.0.pop_front().map_or(Polled::Ended, |raws| Polled::Item(raws, Vec::new())))
    }

    fn commit(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// Fails on one message.
struct Poisoned;

impl Stage for Poisoned {
    type In = Raws;
    type Out = usize;
    const NAME: &'static str = "poisoned";

    fn process(&mut self, raws: &mut Raws) -> usize {
        let batch = Normalize::new(None).process(raws);
        let poison = batch.rows().iter().any(|row| batch.text(row).message == "line 613");
        assert!(!poison, "this one cannot be processed");
        batch.len()
    }
}

/// Counts; refuses the first tries.
struct Counting {
    taken: Arc<Mutex<usize>>,
    refusals: usize,
}

impl Outlet for Counting {
    type Item = usize;

    fn send(&mut self, item: usize) -> Result<Held, Refused<usize>> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Err(Box::new((EdgeError::Unavailable("not yet".into()), item)));
        }
        *self.taken.lock().expect("not poisoned") += item;
        Ok(Held::Later)
    }
}

fn run_poisoned(log: &Log, refusals: usize) -> (usize, u64) {
    let (raw, arrival) = log.append_records(1000);
    let mut raws = Raws::default();
    raws.push(raw, arrival, 0);
    let (taken, count) = (Arc::new(Mutex::new(0)), Counter::default());
    let outlet = Counting { taken: taken.clone(), refusals };
    let metrics = StageMetrics::register(&mut Registry::default());
    let stop = CancellationToken::new();
    let runner = Runner::new(List([raws].into()), Poisoned, outlet, log.dead_letters(&count), RAW, &metrics, stop);
    runner.run().expect("runs to the end");
    let taken = *taken.lock().expect("not poisoned");
    (taken, count.get())
}

#[test]
fn one_poisoned_record_goes_to_the_dead_letters_alone_with_its_bytes() {
    let log = Log::new();
    assert_eq!(run_poisoned(&log, 0), (999, 1));
    let body = r#"{"source":"s","message":"line 613"}"#;
    assert_eq!(log.dead(), [("613".to_owned(), body.to_owned())]);
}

#[test]
fn what_is_refused_is_held_and_sent_again() {
    assert_eq!(run_poisoned(&Log::new(), 2), (999, 1));
}

/// A history that takes rows only while it is told to, and remembers the offsets of those it took.
#[derive(Clone, Default)]
struct Moody {
    refuses: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<u64>>>,
}

impl Writer for Moody {
    fn append(&mut self, batch: &Arc<Batch>) -> Result<(), WriteError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(WriteError::Unavailable("the disk is full".into()));
        }
        self.taken.lock().expect("not poisoned").extend(batch.rows().iter().map(|row| row.offset));
        Ok(())
    }

    fn is_due(&self) -> bool {
        false
    }

    fn commit(&mut self, _state: StageState) -> Result<(), WriteError> {
        Ok(())
    }

    fn finish(&mut self, _state: StageState) -> Result<(), WriteError> {
        Ok(())
    }
}

/// Remembers the highest offset that passed.
struct Watch(Arc<AtomicU64>);

impl Tap for Watch {
    fn observe(&mut self, batch: &Arc<Batch>) {
        let highest = batch.rows().iter().map(|row| row.offset + 1).max().unwrap_or(0);
        self.0.fetch_max(highest, Ordering::Relaxed);
    }

    fn tick(&mut self, _now: Option<i64>) {}
}

/// All three stages over a log, each on its thread, in front of a moody history.
struct Line {
    feed: Arc<Feed>,
    history: Moody,
    seen_live: Arc<AtomicU64>,
    threads: Vec<std::thread::JoinHandle<Result<(), EdgeError>>>,
}

impl Line {
    fn start(log: &Log) -> Line {
        let (feed, detour, history) = (log.feed(0, 1 << 20), Detour::default(), Moody::default());
        let consumer = log.bus.subscribe(RAW, "line").expect("joins");
        let raw = RawInlet::new(RAW.into(), feed.clone(), consumer, &[0], Durable::new(&[0]), detour.clone());
        let (to_analysis, from_normalizer) = channel(2);
        let (to_storage, from_analysis) = history_edge(2, &[0], detour.clone());
        let seen_live = Arc::new(AtomicU64::new(0));
        let taps: Vec<Box<dyn Tap>> = vec![Box::new(Watch(seen_live.clone()))];
        let analyse = Analyse::new(Miner::default(), PatternJournal::default(), taps, Box::new(|| 0));
        let state = || Ok(StageState::default());
        let store = HistoryOutlet::new(Box::new(history.clone()), state, feed.clone(), detour);
        let metrics = StageMetrics::register(&mut Registry::default());
        let (stop, dead) = (CancellationToken::new(), Counter::default());
        let letters = || log.dead_letters(&dead);
        let first = Runner::new(raw, Normalize::new(None), to_analysis, letters(), RAW, &metrics, stop.clone());
        let second = Runner::new(from_normalizer, analyse, to_storage, letters(), RAW, &metrics, stop.clone());
        let third = Runner::new(from_analysis, Pass, store, letters(), RAW, &metrics, stop);
        let threads = vec![
            std::thread::spawn(move || first.run()),
            std::thread::spawn(move || second.run()),
            std::thread::spawn(move || third.run()),
        ];
        Line { feed, history, seen_live, threads }
    }

    fn send(&self, log: &Log, bodies: usize) {
        for _ in 0..bodies {
            let (raw, arrival) = log.append_records(10);
            self.feed.offer(raw, arrival);
        }
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Line) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what}: not within 60 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn taken(&self) -> usize {
        self.history.taken.lock().expect("not poisoned").len()
    }
}

#[test]
fn a_history_that_cannot_be_written_holds_up_nobody_and_misses_nothing() {
    let log = Log::new();
    let line = Line::start(&log);
    line.send(&log, 3);
    line.wait("the first rows to be stored", |line| line.taken() == 30);
    for round in 1..=2u64 {
        line.history.refuses.store(true, Ordering::Relaxed);
        let sent = log.bus.ends(RAW).expect("ends")[0];
        // One by one, so that they are many batches: more than wait between the stages.
        for n in 1..=20 {
            line.send(&log, 1);
            line.wait("the rows to be seen live", |line| line.seen_live.load(Ordering::Relaxed) == sent + n * 10);
        }
        assert_eq!(line.taken() as u64, sent, "none was stored in round {round}");
        assert_eq!(line.feed.lag(), 200, "they count as waiting");
        line.history.refuses.store(false, Ordering::Relaxed);
        line.send(&log, 2);
        line.wait("all rows to be stored", |line| line.taken() as u64 == sent + 220);
    }
    line.feed.close();
    let ends = line.threads.into_iter().map(|thread| thread.join().expect("no stage panics"));
    assert!(ends.into_iter().all(|end| end.is_ok()));
    let taken = line.history.taken.lock().expect("not poisoned");
    assert_eq!(*taken, (0..470).collect::<Vec<_>>(), "each once, in order");
    assert_eq!(line.feed.lag(), 0);
}

//! Rows through the topic, over a real log in a temporary folder.

use prometheus_client::metrics::counter::Counter;
use whittle_bus::SegmentBus;
use whittle_disk::OsDisk;
use whittle_domain::{BatchBuilder, Level, Row, Span};
use whittle_patterns::{FormId, PatternId};

use super::*;
use crate::pipeline::{DeadLetters, FeedLimits};

const TOPIC: &str = "logs.insights";
/// Bound of every wait: generous, since tests share machines.
const WAIT: Duration = Duration::from_secs(30);

struct Edge {
    bus: Arc<SegmentBus>,
    feed: Arc<Feed>,
    last: LastWritten,
    dir: tempfile::TempDir,
}

impl Edge {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let settings = whittle_bus::Settings::default();
        let bus = SegmentBus::open(Arc::new(OsDisk), &dir.path().join("bus"), settings).expect("the bus opens");
        bus.ensure_topic(TOPIC, 1).expect("makes a topic");
        let feed = Arc::new(Feed::new(&[0], &[0], FeedLimits { bytes: 1, lag_records: 1 }));
        Edge { bus, feed, last: LastWritten::default(), dir }
    }

    fn writer(&self) -> (TopicWriter, Positions) {
        let (checkpoint, checkpoints) =
            Checkpoints::open(Arc::new(OsDisk), &self.dir.path().join("stages")).expect("the folder opens");
        let positions = checkpoint.positions.clone();
        let state = (checkpoints, checkpoint.positions);
        let (feed, last) = (self.feed.clone(), self.last.clone());
        (TopicWriter::new(self.bus.clone(), TOPIC.to_owned(), state, |_| {}, feed, last), positions)
    }

    fn inlet(&self, next: u64) -> TopicInlet {
        let consumer = self.bus.subscribe(TOPIC, "test").expect("joins");
        TopicInlet::new(TOPIC.to_owned(), consumer, next, self.feed.clone(), self.last.clone())
    }
}

fn batch(offsets: std::ops::Range<u64>) -> Arc<Batch> {
    let mut builder = BatchBuilder::default();
    for offset in offsets {
        let (source, message) = (builder.push_text("s"), builder.push_text(&format!("line {offset}")));
        builder.push_row(Row {
            partition: 0,
            offset,
            event_id: u128::from(offset),
            timestamp: 1,
            received_at: 2,
            level: Level::Info,
            source,
            message,
            context: Span::default(),
            level_text: Span::default(),
            vars_start: 0,
            vars_len: 0,
            form: FormId(3),
            pattern: PatternId(3),
        });
    }
    Arc::new(builder.finish())
}

/// What the next poll gives: the messages, and how many dead letters.
fn next(inlet: &mut TopicInlet) -> (Vec<String>, usize) {
    let started = Instant::now();
    while started.elapsed() < WAIT {
        match inlet.poll(Duration::from_millis(20)).expect("polls") {
            Polled::Item(batch, dead) => {
                let messages = batch.rows().iter().map(|row| batch.text(row).message.to_owned());
                return (messages.collect(), dead.len());
            }
            Polled::Idle => {}
            Polled::Ended => return (vec!["ended".to_owned()], 0),
        }
    }
    panic!("nothing came within {WAIT:?}");
}

fn lines(offsets: std::ops::Range<u64>) -> Vec<String> {
    offsets.map(|offset| format!("line {offset}")).collect()
}

#[test]
fn small_batches_come_out_as_one_and_the_end_is_told() {
    let edge = Edge::new();
    let (mut writer, _) = edge.writer();
    for offset in 0..5 {
        writer.append(&batch(offset..offset + 1)).expect("the disk takes it");
    }
    assert_eq!((edge.feed.waiting(), edge.feed.lag()), (5, 5));
    let mut inlet = edge.inlet(0);
    assert_eq!(next(&mut inlet), (lines(0..5), 0));
    edge.feed.dequeued(5);
    inlet.commit().expect("commits");
    writer.append(&batch(5..7)).expect("the disk takes it");
    writer.finish(StageState::default()).expect("the disk takes it");
    drop(writer);
    assert_eq!(next(&mut inlet), (lines(5..7), 0), "what is left is given first");
    edge.feed.dequeued(2);
    assert_eq!(next(&mut inlet).0, ["ended"]);
    let (_, positions) = edge.writer();
    assert_eq!(positions, [(0, 7)].into(), "a restart goes on from there");
}

#[test]
fn what_was_not_committed_comes_again_after_a_restart() {
    let edge = Edge::new();
    let (mut writer, _) = edge.writer();
    writer.append(&batch(0..3)).expect("the disk takes it");
    let mut inlet = edge.inlet(0);
    assert_eq!(next(&mut inlet).0, lines(0..3));
    drop(inlet);
    assert_eq!(next(&mut edge.inlet(0)).0, lines(0..3));
    drop(writer);
    // The rows are in the topic, but no checkpoint says so: they come again, and the history skips them.
    let (_, positions) = edge.writer();
    assert_eq!(positions, Positions::new());
}

#[test]
fn what_cannot_be_read_goes_to_the_dead_letters() {
    let edge = Edge::new();
    let (mut writer, _) = edge.writer();
    let (told, answer) = crossbeam_channel::bounded(1);
    let entry = Entry { partition: Some(0), body: Bytes::from_static(b"\x09no batch"), count: 4, ..Entry::default() };
    edge.bus.produce(TOPIC, entry, Box::new(move |result| drop(told.send(result))));
    answer.recv_timeout(WAIT).expect("an answer").expect("durable");
    edge.feed.queued(4);
    writer.append(&batch(0..2)).expect("the disk takes it");
    let mut inlet = edge.inlet(0);
    let Polled::Item(rows, dead) = inlet.poll(WAIT).expect("polls") else { panic!("nothing came") };
    assert_eq!((rows.len(), dead.len(), dead[0].records), (2, 1, 4));
    assert!(dead[0].reason.contains("later version"), "{}", dead[0].reason);
    edge.bus.ensure_topic("logs.dlq", 1).expect("makes a topic");
    let (count, feed) = (Counter::default(), edge.feed.clone());
    let letters = DeadLetters::new(edge.bus.clone(), "logs.dlq".to_owned(), count.clone(), move |n| feed.dequeued(n));
    letters.put(&dead[0]).expect("the disk takes it");
    assert_eq!((count.get(), edge.feed.waiting()), (4, 2));
}

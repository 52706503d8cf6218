//! The stage with a real outbox and a real receiver.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prometheus_client::registry::Registry;
use whittle_domain::alerts::{NoticeKind, PatternFacts};
use whittle_domain::{Batch, BatchBuilder, Level, Row, Severity};
use whittle_patterns::PatternId;

use super::testing::*;
use super::*;

const SECOND: i64 = 1_000_000;

struct Facts;

impl PatternFacts for Facts {
    fn resolve(&self, id: PatternId) -> PatternId {
        id
    }
    fn severity(&self, _: PatternId, _: Level) -> Severity {
        Severity::High
    }
    fn version(&self) -> u64 {
        1
    }
}

/// Equal errors at offsets from `base`, received in a second.
fn errors(base: u64, rows: u64, second: i64) -> Batch {
    let mut builder = BatchBuilder::default();
    let (source, message) = (builder.push_text("db"), builder.push_text("no space left on device"));
    for offset in base..base + rows {
        builder.push_row(Row {
            partition: 0,
            offset,
            event_id: 0,
            timestamp: second * SECOND,
            received_at: second * SECOND,
            level: Level::Error,
            source,
            message,
            context: Default::default(),
            level_text: Default::default(),
            vars_start: 0,
            vars_len: 0,
            form: Default::default(),
            pattern: PatternId(7),
        });
    }
    builder.finish()
}

fn stage(running: &Running, state: Option<Bytes>) -> AlertStage {
    let metrics = AlertMetrics::register(&mut Registry::default(), running.clock.clock());
    let settings = AlertSettings::default();
    AlertStage::new(&settings, state, running.outbox.clone(), Arc::new(Facts), metrics).expect("a stage")
}

fn start(dir: &Path, receiver: &Receiver) -> Running {
    Running::start(dir, vec![hook("hook", &receiver.url, 5_000)])
}

/// Kind, count and key of what came.
fn said(receiver: &Receiver) -> Vec<(NoticeKind, u64, String)> {
    receiver.got().into_iter().map(|got| (got.notice.kind, got.notice.count, got.notice.key)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_equal_errors_are_one_notification_and_one_update() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
    let running = start(dir.path(), &receiver);
    let mut stage = stage(&running, None);
    let began = Instant::now();
    stage.observe(&errors(0, 4_000, 100));
    stage.tick(None);
    receiver.wait_for(1).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it goes out within a second: {:?}", began.elapsed());
    for part in 0..6 {
        stage.observe(&errors(4_000 + part * 1_000, 1_000, 101 + part as i64));
        stage.tick(None);
    }
    stage.tick(Some(400 * SECOND));
    receiver.wait_for(2).await;
    stage.checkpoint().expect("on disk");
    running.close().await;
    let said = said(&receiver);
    assert_eq!(said.len(), 2);
    assert_eq!((said[0].0, said[0].1), (NoticeKind::Firing, 4_000));
    assert_eq!((said[1].0, said[1].1), (NoticeKind::Update, 10_000));
    assert_eq!(said[0].2, said[1].2, "under one key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_computed_again_does_not_notify_twice_and_the_total_is_told() {
    // The window's end is seen by the clock, or by a row that comes later.
    for by_row in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
        let running = start(dir.path(), &receiver);
        let mut lost = stage(&running, None);
        lost.observe(&errors(0, 4_000, 100));
        lost.tick(None);
        running.wait_for_metric("whittle_alert_delivered_total{sink=\"hook\"} 1").await;
        running.outbox.flush(PATIENCE).expect("on disk");
        running.kill().await;

        let running = start(dir.path(), &receiver);
        let mut stage = stage(&running, None);
        stage.observe(&errors(0, 10_000, 100));
        if by_row {
            stage.observe(&errors(10_000, 1, 500));
        } else {
            stage.tick(None);
            stage.tick(Some(400 * SECOND));
        }
        receiver.wait_for(2).await;
        running.close().await;
        let said = said(&receiver);
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!((said[0].0, said[0].1), (NoticeKind::Firing, 4_000));
        assert_eq!((said[1].0, said[1].1, &said[1].2), (NoticeKind::Update, 10_000, &said[0].2), "by row: {by_row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_goes_on_from_its_checkpoint() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
    let running = start(dir.path(), &receiver);
    let mut before = stage(&running, None);
    before.observe(&errors(0, 10, 100));
    before.tick(None);
    let state = before.checkpoint().expect("on disk");
    before.observe(&errors(10, 5, 101));
    let mut after = stage(&running, Some(state));
    after.begin_at([(0, 1_000)].into());
    after.observe(&errors(0, 10, 100));
    after.observe(&errors(10, 7, 101));
    after.tick(Some(400 * SECOND));
    receiver.wait_for(2).await;
    running.close().await;
    let counts: Vec<u64> = said(&receiver).into_iter().map(|said| said.1).collect();
    assert_eq!(counts, [10, 17]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_may_begin_at_the_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let printed = Printed::default();
    let running = Running::start(dir.path(), vec![printed.sink()]);
    let mut stage = stage(&running, None);
    stage.begin_at([(0, 1_000)].into());
    stage.observe(&errors(0, 1_000, 100));
    stage.tick(Some(1_000 * SECOND));
    stage.observe(&errors(1_000, 1, 2_000));
    stage.tick(None);
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"stdout\"} 1").await;
    running.close().await;
    assert_eq!(printed.notices()[0].first_seq, "0-1000");
}

//! Deliveries to receivers that hang, fail, ask for patience or never answer well.

use std::collections::HashSet;

use whittle_domain::alerts::NoticeKind;

use crate::alerting::testing::*;
use crate::alerting::*;
use crate::http::retry::Backoff;
use std::sync::Arc;
use std::time::Duration;
use whittle_disk::OsDisk;

fn keys(got: &[Got]) -> Vec<String> {
    got.iter().map(|got| got.idempotency_key.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_delays_nobody_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let (hanging, good) = (Receiver::new(|_, _| Answer::Hang).await, Receiver::new(|_, _| Answer::Status(200)).await);
    let printed = Printed::default();
    let sinks = vec![hook("hanging", &hanging.url, 60_000), hook("good", &good.url, 5_000), printed.sink()];
    let running = Running::start(dir.path(), sinks);
    for n in 0..50 {
        assert_eq!(running.outbox.offer(notice(n)), Offer::Taken);
    }
    let got: HashSet<_> = keys(&good.wait_for(50).await).into_iter().collect();
    assert_eq!(got.len(), 50);
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"stdout\"} 50").await;
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"good\"} 50").await;
    assert_eq!(printed.notices().len(), 50);
    running.wait_for_metric("whittle_alert_pending{sink=\"hanging\"} 50").await;
    running.clock.advance(Duration::from_secs(90));
    let metrics = running.metrics();
    assert!(metrics.contains("whittle_alert_oldest_pending_seconds{sink=\"hanging\"} 90.0"), "{metrics}");
    assert!(metrics.contains("whittle_alert_oldest_pending_seconds{sink=\"good\"} 0.0"), "{metrics}");
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_receiver_gets_each_notice_in_order_once_it_is_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|before, _| Answer::Status(if before < 6 { 500 } else { 200 })).await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    for n in 0..3 {
        running.outbox.offer(notice(n));
        running.outbox.offer(update(n));
    }
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"hook\"} 6").await;
    let got = receiver.got();
    assert_eq!(got.len(), 12, "six failed");
    for n in 0..3 {
        let kinds: Vec<_> =
            got.iter().filter(|got| got.notice.key == notice(n).key).map(|got| got.notice.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == NoticeKind::Update).count(), 1, "{kinds:?}");
        assert_eq!(kinds.last(), Some(&NoticeKind::Update), "the last word comes last: {kinds:?}");
    }
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_that_a_receiver_asks_for_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|before, _| match before {
        0 => Answer::RetryAfter(429, "1"),
        _ => Answer::Status(200),
    });
    let receiver = receiver.await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    running.outbox.offer(notice(1));
    receiver.wait_for(1).await;
    running.wait_for_metric("whittle_alert_failed_total{sink=\"hook\"} 1").await;
    running.outbox.offer(notice(2));
    let got = receiver.wait_for(3).await;
    for later in &got[1..] {
        assert!(later.at - got[0].at >= Duration::from_millis(990), "the whole sink pauses");
    }
    running.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_notice_that_is_always_refused_does_not_stop_the_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let poisoned = notice(3).key;
    let receiver = Receiver::new(move |_, notice| Answer::Status(if notice.key == poisoned { 500 } else { 200 })).await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    for n in 0..10 {
        running.outbox.offer(notice(n));
    }
    running.wait_for_metric("whittle_alert_delivered_total{sink=\"hook\"} 9").await;
    running.wait_for_metric("whittle_alert_pending{sink=\"hook\"} 1").await;
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_given_up_and_listed() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|_, _| Answer::Status(404)).await;
    let running = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    running.outbox.offer(notice(1));
    receiver.wait_for(4).await;
    assert_eq!(running.outbox.dead().len(), 0, "it is young");
    running.clock.advance(Duration::from_secs(24 * 3_600));
    running.wait_for_metric("whittle_alert_dead_total{sink=\"hook\"} 1").await;
    running.wait_for_metric("whittle_alert_pending{sink=\"hook\"} 0").await;
    running.outbox.flush(PATIENCE).expect("on disk");
    running.close().await;
    let again = Running::start(dir.path(), vec![hook("hook", &receiver.url, 5_000)]);
    let dead = again.outbox.dead();
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].notice()), (1, "answered 404", &notice(1)));
    assert!(again.metrics().contains("whittle_alert_pending{sink=\"hook\"} 0"), "it is not tried again");
    assert_eq!(again.outbox.offer(notice(1)), Offer::Known { count: 3 });
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_takes_nothing_holds_a_bounded_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::new(|_, _| Answer::Status(503)).await;
    let forever = Backoff { base: Duration::from_secs(600), most: Duration::from_secs(600) };
    let policy = DeliveryPolicy { waiting: 10, backoff: forever, ..policy() };
    let running = Running::with(Arc::new(OsDisk), dir.path(), vec![hook("hook", &receiver.url, 5_000)], policy);
    for n in 0..100 {
        running.outbox.offer(notice(n));
    }
    running.wait_for_metric("whittle_alert_dead_total{sink=\"hook\"} 90").await;
    running.wait_for_metric("whittle_alert_pending{sink=\"hook\"} 10").await;
    assert_eq!(running.outbox.dead()[0].reason, "too many notifications waited for this sink");
    running.close().await;
}

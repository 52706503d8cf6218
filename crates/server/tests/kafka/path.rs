//! The way of a record from one role to the next, and out again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use whittle_testkit::load::Load;
use whittle_testkit::numbered::query_of;
use whittle_testkit::ws::WsClient;
use whittle_testkit::{Kafka, recent, wait};

use crate::SOON;
use crate::cast::{Cast, PIPELINE, send, setup};

#[test]
fn records_come_out_of_storage_and_of_the_stream_once_each() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let mut cast = Cast::start(&kafka, &PIPELINE);
    let mut stream = cast.of("websocket-gateway").listen("/").expect("the stream is open");
    send(cast.ingestion(), "shop", "error", "payment 17 failed after 30 ms");
    recent::wait_for(&mut cast.storage(), "source=shop", 1, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
    let event = stream.next_text(SOON).expect("the stream stays open").expect("the event comes");
    let event: Value = serde_json::from_str(&event).expect("JSON");
    assert_eq!((&event["topic"], &event["payload"]["source"]), (&"logs.insights".into(), &"shop".into()));
    assert_eq!(event["payload"]["insight"]["summary"], "analysis_failed");
    let row = recent::all(&mut cast.storage(), "source=shop").expect("the history is read").remove(0);
    assert_eq!(row["message"], "payment 17 failed after 30 ms");
    for field in ["seq", "patternId", "timestamp", "receivedAt"] {
        assert_eq!(row[field], event["payload"][field], "{field}");
    }

    let next = Arc::new(AtomicU64::new(0));
    let load = Load::start(cast.ingestion(), 2, &next, 7);
    wait::until("some acknowledgements", SOON, || (load.acknowledged() > 2_000).then_some(()))
        .expect("it takes records");
    let oracle = load.finish().expect("clients end");
    let query = query_of(0, next.load(Ordering::Relaxed));
    let found = recent::wait_for(&mut cast.storage(), &query, oracle.acknowledged(), SOON);
    found.unwrap_or_else(|error| panic!("{error}\n{}", cast.said()));
    let verdict = oracle.judge(&recent::all(&mut cast.storage(), &query).expect("the history is read"));
    assert!(verdict.is_clean(), "{verdict:?}\n{}", cast.said());
}

#[test]
fn one_process_runs_all_roles_over_kafka_and_notifies_once() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let server = setup(&kafka, "up").start().expect("up starts");
    let mut stream = WsClient::connect(server.dashboard(), "/ws", SOON).expect("the page's origin has the stream");
    for n in 0..5 {
        send(server.ingestion(), "shop", "error", &format!("payment {n} failed"));
    }
    let mut page = server.connect(server.dashboard()).expect("the page is served");
    let counted = || {
        let answer = page.get("/api/recent?source=shop&limit=0").ok()?;
        (answer.header("x-total-count") == Some("5")).then_some(())
    };
    wait::until("five rows through the page's origin", SOON, counted)
        .unwrap_or_else(|error| panic!("{error}\n{}", server.said()));
    let event = stream.next_text(SOON).expect("the stream stays open").expect("an event comes");
    assert!(event.contains("payment"), "{event}");
    // All five are one notification.
    let notified = || server.said().contains("payment").then_some(());
    wait::until("a notification", SOON, notified).unwrap_or_else(|error| panic!("{error}\n{}", server.said()));
}

//! What goes away and comes back: the brokers, and each role in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use whittle_testkit::load::Load;
use whittle_testkit::numbered::query_of;
use whittle_testkit::oracle::{Oracle, Verdict};
use whittle_testkit::{Connection, Kafka, recent, wait};

use crate::SOON;
use crate::cast::{Cast, PIPELINE, send, setup};

/// Judges all records that were sent, once those that were acknowledged are there.
pub fn judge(cast: &mut Cast, oracle: &Oracle, next: &AtomicU64) {
    let query = query_of(0, next.load(Ordering::Relaxed));
    let mut storage = cast.storage();
    let mut verdict = None;
    let all_there = || {
        let rows = recent::all(&mut storage, &query).ok()?;
        let judged = verdict.insert(oracle.judge(&rows));
        judged.missing.is_empty().then_some(())
    };
    let done = wait::until("all that was acknowledged", SOON, all_there);
    // Over Kafka the records of a request whose answer was 500 may have arrived, all or some.
    let clean = verdict.as_ref().is_some_and(|found| Verdict { torn: Vec::new(), ..found.clone() }.is_clean());
    assert!(done.is_ok() && clean, "{verdict:?}\n{}", cast.said());
}

/// A load that goes on until some were acknowledged.
pub fn some(load: &Load, count: u64) {
    let before = load.acknowledged();
    wait::until("some acknowledgements", SOON, || (load.acknowledged() > before + count).then_some(()))
        .expect("it takes records");
}

fn post(cast: &mut Cast) -> (u16, Value) {
    let mut connection = Connection::open(cast.ingestion(), SOON).expect("ingestion listens");
    let body = br#"{"source":"s","message":"while Kafka is down"}"#;
    let response = connection.post("/ingest", "application/json", body).expect("ingestion answers");
    (response.status, response.json())
}

#[test]
fn without_kafka_ingestion_says_so_and_all_goes_on_by_itself_when_it_is_back() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let mut cast = Cast::start(&kafka, &PIPELINE);
    let next = Arc::new(AtomicU64::new(0));
    let load = Load::start(cast.ingestion(), 2, &next, 1);
    some(&load, 500);
    kafka.kill(1).expect("the broker can be killed");
    let (status, body) = post(&mut cast);
    assert_eq!((status, &body["error"]), (500, &"kafka_produce_failed".into()), "{body}");
    for role in PIPELINE {
        let server = cast.of(role);
        let address = server.addresses()[0];
        let mut connection = server.connect(address).expect("it lives");
        assert_eq!(connection.get("/livez").expect("it answers").status, 200, "{role}");
    }
    kafka.restart(1).expect("the broker starts again");
    some(&load, 500);
    let oracle = load.finish().expect("clients end");
    judge(&mut cast, &oracle, &next);
    send(cast.ingestion(), "after", "info", "all goes on");
    recent::wait_for(&mut cast.storage(), "source=after", 1, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
}

#[test]
fn roles_killed_in_turn_under_load_lose_and_double_nothing() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let mut cast = Cast::start(&kafka, &PIPELINE);
    // A second copy of what may have one: its partitions are taken over while the first is away.
    let mut other = setup(&kafka, "normalizer-service").start().expect("a second copy starts");
    let next = Arc::new(AtomicU64::new(0));
    let mut all = Oracle::default();
    for (round, role) in
        (2..).zip(["normalizer-service", "ai-analysis-service", "storage-service", "ingestion-service"])
    {
        let load = Load::start(cast.ingestion(), 2, &next, round);
        some(&load, 300);
        cast.of(role).kill().unwrap_or_else(|error| panic!("{role}: {error}"));
        cast.of(role).spawn().unwrap_or_else(|error| panic!("{role}: {error}"));
        cast.of(role).wait_ready().unwrap_or_else(|error| panic!("{role}: {error}"));
        if role != "ingestion-service" {
            some(&load, 300);
        }
        all.extend(load.finish().expect("clients end"));
    }
    let ended = other.terminate(Duration::from_secs(15)).expect("the second copy ends in time");
    assert!(ended.success(), "{ended}; it said:\n{}", other.said());
    judge(&mut cast, &all, &next);
}

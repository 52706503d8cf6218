//! What others may do to topics: write what is none, write twice, add partitions, delete them.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use whittle_bus::{Bus as _, Entry, Frame};
use whittle_kafka::{KafkaBus, Settings};
use whittle_testkit::numbered::{Numbered, query_of};
use whittle_testkit::{Kafka, recent, wait};

use crate::SOON;
use crate::cast::{Cast, PIPELINE, send};

/// Another program on the same cluster.
fn stranger(kafka: &Kafka) -> Arc<KafkaBus> {
    let mut settings = Settings::new(kafka.brokers());
    settings.client_id = "stranger".into();
    KafkaBus::open(settings).expect("the settings are taken")
}

fn put(bus: &KafkaBus, topic: &str, entry: Entry) {
    bus.ends(topic).expect("the topic is there");
    let (told, answer) = mpsc::channel();
    bus.produce(topic, entry, Box::new(move |result| drop(told.send(result))));
    answer.recv_timeout(SOON).expect("an answer in time").expect("durable");
}

fn read(bus: &KafkaBus, topic: &str, count: usize) -> Vec<Frame> {
    let mut follower = bus.follow(topic).expect("the topic is there");
    let mut found = Vec::new();
    let enough = || {
        found.extend(follower.poll(Duration::from_millis(100)).expect("polls"));
        (found.len() >= count).then_some(())
    };
    wait::until(&format!("{count} messages of {topic}"), SOON, enough).expect("they come");
    found
}

fn record(number: u64) -> Entry {
    let record = Numbered::new(number);
    let (key, body) = (record.source.as_bytes().to_vec().into(), record.to_json().to_string().into());
    Entry { key, body, count: 1, time: 1_767_225_600_000_000, ..Entry::default() }
}

fn header(frame: &Frame, name: &str) -> String {
    let found = frame.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_vec());
    String::from_utf8(found.unwrap_or_default()).expect("text")
}

#[test]
fn poison_goes_to_the_dead_letters_and_doubles_are_stored_once() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let (mut cast, bus) = (Cast::start(&kafka, &PIPELINE), stranger(&kafka));
    for number in 0..50 {
        put(&bus, "logs.raw", record(number));
        if number % 10 == 0 {
            let poison =
                Entry { body: format!("poison {number}").into(), partition: Some(number as u32 % 3), ..record(number) };
            put(&bus, "logs.raw", poison);
        }
    }
    recent::wait_for(&mut cast.storage(), "", 50, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
    let dead = read(&bus, "logs.dlq", 5);
    let mut bodies: Vec<String> = dead.iter().map(|frame| String::from_utf8_lossy(&frame.body).into_owned()).collect();
    bodies.sort();
    assert_eq!(bodies, ["poison 0", "poison 10", "poison 20", "poison 30", "poison 40"]);
    assert!(
        dead.iter().all(|frame| header(frame, "topic") == "logs.raw" && header(frame, "reason").contains("record"))
    );

    // What a stage leaves behind that is killed between its produce and its commit: the same records at new offsets.
    for topic in ["logs.normalized", "logs.insights"] {
        for frame in read(&bus, topic, 50).into_iter().take(50) {
            let Frame { partition, key, headers, body, time, .. } = frame;
            put(&bus, topic, Entry { partition: Some(partition), key, headers, body, time, count: 1 });
        }
    }
    for number in 50..60 {
        put(&bus, "logs.raw", record(number));
    }
    recent::wait_for(&mut cast.storage(), "", 60, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
    let rows = recent::all(&mut cast.storage(), &query_of(0, 60)).expect("the history is read");
    assert_eq!(rows.len(), 60, "each once");
}

#[test]
fn a_partition_may_be_added_and_a_topic_deleted_while_all_runs() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let (mut cast, bus) = (Cast::start(&kafka, &PIPELINE), stranger(&kafka));
    send(cast.ingestion(), "before", "info", "three partitions");
    recent::wait_for(&mut cast.storage(), "", 1, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
    assert_eq!(bus.grow_topic("logs.raw", 5).expect("partitions can be added"), 5);
    put(&bus, "logs.raw", Entry { partition: Some(4), ..record(0) });
    recent::wait_for(&mut cast.storage(), "", 2, SOON).unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
    assert_eq!(bus.ends("logs.insights").expect("ends").len(), 5, "each topic has its counterpart");

    for (rows, topic) in (3..).zip(["logs.normalized", "logs.insights", "logs.raw"]) {
        bus.delete_topics(&[topic]).expect("a topic can be deleted");
        let made_again = || bus.ends(topic).ok().filter(|ends| ends.iter().all(|end| *end == 0)).map(drop);
        wait::until(&format!("{topic} to be there again"), SOON, made_again)
            .unwrap_or_else(|e| panic!("{e}\n{}", cast.said()));
        send_until_taken(&mut cast, topic);
        recent::wait_for(&mut cast.storage(), "", rows, SOON)
            .unwrap_or_else(|error| panic!("after {topic} was deleted: {error}\n{}", cast.said()));
    }
}

/// A record of a source of its own; ingestion may say for a moment that it cannot take it.
fn send_until_taken(cast: &mut Cast, source: &str) {
    let address = cast.ingestion();
    let body = serde_json::json!({ "source": source, "message": "after it was made again" }).to_string();
    let taken = || {
        let mut connection = whittle_testkit::Connection::open(address, SOON).ok()?;
        let response = connection.post("/ingest", "application/json", body.as_bytes()).ok()?;
        (response.status == 202).then_some(())
    };
    wait::until("a record to be taken", SOON, taken).expect("ingestion takes it");
}

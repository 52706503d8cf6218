//! Laws of producing.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;
use whittle_bus::{BusError, Entry, ProduceError};

use super::hands::*;
use super::{Harness, Law, PATIENCE};

pub const LAWS: &[Law] = &[
    ("offsets follow each other", offsets_follow),
    ("producers are told in order", told_in_order),
    ("a key has one partition", key_decides),
    ("a topic keeps its partitions", topic_keeps_partitions),
    ("an unknown topic is refused", unknown_topic),
    ("an entry that is too large is refused", too_large),
    ("many threads may produce", many_threads),
];

fn offsets_follow(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("offsets", 2).unwrap();
    let counts: [u32; 4] = if harness.takes_many() { [1, 3, 1000, 2] } else { [1; 4] };
    let mut expected = bus.ends("offsets").unwrap()[1];
    for count in counts {
        let position = append(&*bus, "offsets", Entry { count, ..entry_in(1, "x") });
        assert_eq!((position.partition, position.offset), (1, expected));
        expected += u64::from(count);
        assert_eq!(bus.ends("offsets").unwrap()[1], expected);
    }
    assert_eq!(bus.ends("offsets").unwrap()[0], 0);
    assert_eq!(bus.starts("offsets").unwrap(), [0, 0]);
}

fn told_in_order(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("order", 1).unwrap();
    let (answer, answered) = mpsc::channel();
    for i in 0..500 {
        let answer = answer.clone();
        bus.produce("order", entry(i.to_string()), Box::new(move |result| drop(answer.send((i, result)))));
    }
    for i in 0..500 {
        let (told, result) =
            answered.recv_timeout(PATIENCE).expect("the producer is told within the patience of the laws");
        assert_eq!((told, result.unwrap().offset), (i, i));
    }
}

fn key_decides(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("keys", 4).unwrap();
    let mut partitions = HashMap::new();
    for i in 0..200 {
        let key = format!("key-{}", i % 40);
        let keyed = Entry { key: Bytes::from(key.clone()), ..entry("x") };
        let position = append_all(&*bus, "keys", vec![keyed])[0];
        assert_eq!(*partitions.entry(key).or_insert(position.partition), position.partition);
    }
    let used: std::collections::HashSet<_> = partitions.values().collect();
    assert_eq!(used.len(), 4, "40 keys use all of 4 partitions");
}

fn topic_keeps_partitions(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    assert_eq!(bus.ensure_topic("kept", 3).unwrap(), 3);
    append(&*bus, "kept", entry_in(2, "x"));
    assert_eq!(bus.ensure_topic("kept", 1).unwrap(), 3);
    assert_eq!(bus.ensure_topic("kept", 5).unwrap(), 3, "keys would move to other partitions");
    assert_eq!(bus.ends("kept").unwrap(), [0, 0, 1]);
}

fn unknown_topic(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("known", 1).unwrap();
    assert!(matches!(try_append(&*bus, "no such topic", entry("x")), Err(ProduceError::Unavailable(_))));
    assert!(matches!(try_append(&*bus, "known", entry_in(7, "x")), Err(ProduceError::Unavailable(_))));
    assert!(matches!(bus.ends("no such topic"), Err(BusError::Unknown(_))));
    assert!(matches!(bus.subscribe("no such topic", "g"), Err(BusError::Unknown(_))));
}

fn too_large(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("large", 1).unwrap();
    let body = |len: usize| Entry { body: vec![7; len].into(), ..entry("") };
    let refused = try_append(&*bus, "large", body(harness.max_entry() + 1));
    assert!(matches!(refused, Err(ProduceError::TooLarge(_))), "{refused:?}");
    append(&*bus, "large", body(harness.max_entry() / 2));
    assert_eq!(bus.refusing(), None);
}

fn many_threads(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("threads", 2).unwrap();
    thread::scope(|scope| {
        for producer in 0..8 {
            let bus = &bus;
            scope.spawn(move || {
                for i in 0..50 {
                    append(&**bus, "threads", entry_in(producer % 2, format!("{producer}/{i}")));
                }
            });
        }
    });
    let mut consumer = bus.subscribe("threads", "g").unwrap();
    let frames = read(&mut *consumer, 400);
    assert_eq!(frames.len(), 400);
    for producer in 0..8 {
        let prefix = format!("{producer}/");
        let mine: Vec<_> = texts(&frames).into_iter().filter(|t| t.starts_with(&prefix)).collect();
        assert_eq!(mine, (0..50).map(|i| format!("{producer}/{i}")).collect::<Vec<_>>());
    }
}

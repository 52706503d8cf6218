//! Laws of what is still there after the end of a process.

use std::sync::mpsc;

use whittle_bus::Position;

use super::hands::*;
use super::{Harness, Law, PATIENCE};

pub const LAWS: &[Law] = &[
    ("what was acknowledged survives a kill", records_survive),
    ("commits survive a kill", commits_survive),
    ("a clean end loses nothing that was taken", clean_end),
    ("lives follow each other", many_lives),
];

fn records_survive(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("killed", 2).unwrap();
    let (answer, answered) = mpsc::channel();
    for i in 0..2000 {
        let answer = answer.clone();
        let told = move |result| drop(answer.send((i, result)));
        bus.produce("killed", entry_in(i % 2, i.to_string()), Box::new(told));
    }
    let mut acknowledged = Vec::new();
    for _ in 0..700 {
        let (i, result) =
            answered.recv_timeout(PATIENCE).expect("the producer is told within the patience of the laws");
        acknowledged.push((i, result.expect("the entry is taken")));
    }
    let bus = harness.kill();
    // What was still answered before the end counts as well.
    acknowledged.extend(answered.try_iter().filter_map(|(i, result)| Some((i, result.ok()?))));
    let ends = bus.ends("killed").unwrap();
    let mut consumer = bus.subscribe("killed", "g").unwrap();
    let frames = read(&mut *consumer, ends.iter().sum::<u64>() as usize);
    let there: std::collections::HashMap<Position, String> =
        frames.iter().map(|f| Position { partition: f.partition, offset: f.base_offset }).zip(texts(&frames)).collect();
    for (i, position) in acknowledged {
        assert_eq!(there.get(&position), Some(&i.to_string()), "at {position:?}");
    }
    append(&*bus, "killed", entry("a fresh write gets through"));
}

fn commits_survive(harness: &mut dyn Harness) {
    let mut bus = harness.fresh();
    bus.ensure_topic("committed", 1).unwrap();
    append_all(&*bus, "committed", (0..10).map(|i| entry(i.to_string())).collect());
    for end in [3, 7, 10] {
        let mut consumer = bus.subscribe("committed", "g").unwrap();
        consumer.commit(&[Position { partition: 0, offset: end }]).unwrap();
        drop(consumer);
        bus = if end == 7 { harness.reopen() } else { harness.kill() };
        assert_eq!(bus.committed("committed", "g").unwrap(), [Some(end)]);
        let mut consumer = bus.subscribe("committed", "g").unwrap();
        assert_eq!(read(&mut *consumer, 10 - end as usize).len(), 10 - end as usize);
        nothing_more(&mut *consumer);
    }
}

fn clean_end(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("clean", 1).unwrap();
    let (answer, answered) = mpsc::channel();
    for i in 0..300 {
        let answer = answer.clone();
        bus.produce("clean", entry(i.to_string()), Box::new(move |result| drop(answer.send(result))));
    }
    let bus = {
        drop(bus);
        harness.reopen()
    };
    drop(answer);
    let answers: Vec<_> = answered.iter().collect();
    assert_eq!(answers.len(), 300, "every producer is told");
    assert!(answers.iter().all(Result::is_ok));
    let mut consumer = bus.subscribe("clean", "g").unwrap();
    assert_eq!(texts(&read(&mut *consumer, 300)), (0..300).map(|i| i.to_string()).collect::<Vec<_>>());
}

fn many_lives(harness: &mut dyn Harness) {
    let mut bus = harness.fresh();
    bus.ensure_topic("lives", 1).unwrap();
    for life in 0..6 {
        assert_eq!(bus.ends("lives").unwrap(), [life * 20]);
        append_all(&*bus, "lives", (0..20).map(|i| entry(format!("{life}/{i}"))).collect());
        bus = if life % 2 == 0 { harness.kill() } else { harness.reopen() };
        assert_eq!(bus.ensure_topic("lives", 1).unwrap(), 1);
    }
    let mut consumer = bus.subscribe("lives", "g").unwrap();
    assert_eq!(read(&mut *consumer, 120).len(), 120);
}

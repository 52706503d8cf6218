//! Laws of consumer groups.

use std::collections::HashSet;

use whittle_bus::{BusError, Position};

use super::hands::*;
use super::{Harness, Law};

pub const LAWS: &[Law] = &[
    ("a group begins at the oldest record", begins_at_the_oldest),
    ("a group goes on from its commits", goes_on_from_commits),
    ("what was not committed comes again", uncommitted_comes_again),
    ("groups do not mind each other", groups_are_apart),
    ("members share the partitions", members_share),
    ("a member that lost a partition cannot commit it", fenced),
];

fn begins_at_the_oldest(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("oldest", 2).unwrap();
    append_all(&*bus, "oldest", (0..10).map(|i| entry_in(i % 2, i.to_string())).collect());
    assert_eq!(bus.committed("oldest", "g").unwrap(), [None, None]);
    let mut consumer = bus.subscribe("oldest", "g").unwrap();
    assert_eq!(read(&mut *consumer, 10).len(), 10);
    assert_eq!(bus.committed("oldest", "g").unwrap(), [None, None], "reading commits nothing");
    let assigned: HashSet<u32> = consumer.assignment().into_iter().collect();
    assert_eq!(assigned, HashSet::from([0, 1]));
}

fn goes_on_from_commits(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("commits", 1).unwrap();
    append_all(&*bus, "commits", (0..10).map(|i| entry(i.to_string())).collect());
    let mut consumer = bus.subscribe("commits", "g").unwrap();
    let frames = read(&mut *consumer, 10);
    consumer.commit(&behind(&frames[..4])).unwrap();
    assert_eq!(bus.committed("commits", "g").unwrap(), [Some(4)]);
    consumer.commit(&behind(&frames[..6])).unwrap();
    drop(consumer);
    let mut consumer = bus.subscribe("commits", "g").unwrap();
    assert_eq!(texts(&read(&mut *consumer, 4)), ["6", "7", "8", "9"]);
    nothing_more(&mut *consumer);
}

fn uncommitted_comes_again(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("again", 1).unwrap();
    append_all(&*bus, "again", (0..5).map(|i| entry(i.to_string())).collect());
    for _ in 0..3 {
        let mut consumer = bus.subscribe("again", "g").unwrap();
        assert_eq!(texts(&read(&mut *consumer, 5)), ["0", "1", "2", "3", "4"]);
    }
}

fn groups_are_apart(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("apart", 2).unwrap();
    append_all(&*bus, "apart", (0..20).map(|i| entry_in(i % 2, i.to_string())).collect());
    for group in ["one", "two/with: odd characters", "three"] {
        let mut consumer = bus.subscribe("apart", group).unwrap();
        let frames = read(&mut *consumer, 20);
        consumer.commit(&behind(&frames)).unwrap();
    }
    assert_eq!(bus.committed("apart", "two/with: odd characters").unwrap(), [Some(10), Some(10)]);
    assert_eq!(bus.committed("apart", "four").unwrap(), [None, None]);
}

fn members_share(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("share", 4).unwrap();
    let mut members = vec![bus.subscribe("share", "g").unwrap(), bus.subscribe("share", "g").unwrap()];
    // Until both have their part, records may go to either, and to both.
    read_together(&mut members, |_| true);
    let until = std::time::Instant::now() + super::PATIENCE;
    while members.iter().any(|m| m.assignment().len() != 2) {
        assert!(std::time::Instant::now() < until, "the partitions were not shared within the patience of the laws");
        members.iter_mut().for_each(|m| nothing_more(&mut **m));
    }
    append_all(&*bus, "share", (0..80).map(|i| entry_in(i % 4, i.to_string())).collect());
    let frames = read_together(&mut members, |frames| frames.iter().map(Vec::len).sum::<usize>() >= 80);
    let texts: HashSet<String> = frames.iter().flat_map(|f| texts(f)).collect();
    assert_eq!(texts.len(), 80, "each record goes to one");
    assert_eq!((frames[0].len(), frames[1].len()), (40, 40));

    members[0].commit(&behind(&frames[0])).unwrap();
    drop(members.remove(1)); // without a commit
    let taken_over = read_together(&mut members, |frames| frames[0].len() >= 40);
    let partitions: HashSet<u32> = taken_over[0].iter().map(|f| f.partition).collect();
    let left: HashSet<u32> = frames[1].iter().map(|f| f.partition).collect();
    assert_eq!(partitions, left, "what the other had not committed, and nothing else");
    assert_eq!(members[0].assignment().len(), 4);
}

fn fenced(harness: &mut dyn Harness) {
    let bus = harness.fresh();
    bus.ensure_topic("fence", 2).unwrap();
    append_all(&*bus, "fence", (0..10).map(|i| entry_in(i % 2, i.to_string())).collect());
    let mut first = bus.subscribe("fence", "g").unwrap();
    let frames = read(&mut *first, 10);
    let second = bus.subscribe("fence", "g").unwrap();
    let mut both = vec![first, second];
    let others = read_together(&mut both, |frames| frames[1].len() >= 5);
    let moved = others[1][0].partition;
    let position = Position { partition: moved, offset: 3 };
    let refused = both[0].commit(&[position]);
    assert!(matches!(refused, Err(BusError::Revoked(p)) if p == moved), "{refused:?}");
    assert_eq!(bus.committed("fence", "g").unwrap()[moved as usize], None);
    both[1].commit(&behind(&others[1])).unwrap();
    let kept: Vec<Position> = behind(&frames).into_iter().filter(|p| p.partition != moved).collect();
    both[0].commit(&kept).unwrap();
    assert_eq!(bus.committed("fence", "g").unwrap(), [Some(5), Some(5)]);
    assert!(matches!(both[0].seek(position), Err(BusError::Revoked(_))));
}

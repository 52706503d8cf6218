//! The ring against a plain list of all that was published.

use super::super::ring::{Heads, Ring};
use super::*;

/// Everything held, in order, as (number, partition, offset).
fn held(ring: &Ring) -> Vec<(u64, u32, u64)> {
    let (mut at, head) = (ring.tail(), ring.head());
    let mut found = Vec::new();
    while at < head {
        let mut pieces = Vec::new();
        assert_eq!(ring.read(at, head, &mut pieces), at);
        for piece in pieces {
            assert_eq!(piece.first, at, "pieces follow each other");
            found.extend(piece.rows().iter().zip(at..).map(|(row, number)| (number, row.partition, row.offset)));
            at += piece.rows().len() as u64;
        }
    }
    found
}

/// Batches of random size over a few partitions, some of them published twice.
fn published(ring: &Ring, random: &mut fastrand::Rng) -> Vec<(u32, u64)> {
    let mut next = [0_u64; 3];
    let mut all = Vec::new();
    let mut last: Option<Arc<Batch>> = None;
    for _ in 0..random.usize(1..60) {
        let mut rows = Vec::new();
        for _ in 0..random.usize(1..40) {
            let partition = random.u32(0..3);
            let offset = &mut next[partition as usize];
            // Offsets rise, not always by one.
            *offset += u64::from(random.u32(1..3));
            rows.push(Line { partition, ..line(*offset - 1) });
        }
        all.extend(rows.iter().map(|row| (row.partition, row.offset)));
        let batch = batch(&rows);
        assert_eq!(ring.push(&batch), rows.len() as u64);
        if let Some(again) = last.replace(batch).filter(|_| random.bool()) {
            assert_eq!(ring.push(&again), 0, "what was published is not new");
        }
    }
    all
}

#[test]
fn the_ring_holds_the_newest_and_finds_where_to_go_on() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let room = random.usize(1..500);
        let ring = Ring::new(room, 1 << 30);
        let all = published(&ring, &mut random);
        let held = held(&ring);
        let expected: Vec<(u64, u32, u64)> = (0_u64..).zip(&all).map(|(n, (p, o))| (n, *p, *o)).collect();
        assert_eq!(held, expected[expected.len() - held.len()..], "seed {seed}");
        assert!(held.len() >= room.min(all.len()) && held.len() < room + 40, "seed {seed}: {} of {room}", held.len());

        let (head, heads) = ring.position();
        assert_eq!(head, all.len() as u64);
        let wanted: Heads = heads.iter().map(|(partition, next)| (*partition, random.u64(0..=next + 1))).collect();
        let resumed = ring.resume(&wanted, head);
        let lost = &expected[..expected.len() - held.len()];
        for (partition, next) in &wanted {
            let first_held = held.iter().find(|(_, p, o)| p == partition && o >= next);
            if let Some((number, _, _)) = first_held {
                assert!(resumed.start <= *number, "seed {seed}: partition {partition} starts at {number}");
            }
            let gap = resumed.gaps.iter().find(|gap| gap.partition == *partition);
            let newest_lost = lost.iter().rev().find(|(_, p, o)| p == partition && o >= next);
            assert_eq!(gap.map(|gap| (gap.from, gap.to)), newest_lost.map(|(_, _, o)| (*next, *o)), "seed {seed}");
        }
        // No further back than needed, but for the batch it stands in.
        let needed = held.iter().find(|(_, p, o)| wanted.get(p).is_some_and(|next| o >= next));
        let needed = needed.map_or(head, |(number, _, _)| *number);
        assert!(resumed.start <= needed && needed - resumed.start < 40, "seed {seed}: {} {needed}", resumed.start);
    }
}

#[test]
fn bytes_bound_the_ring_too_and_one_batch_always_stays() {
    let ring = Ring::new(1 << 20, 100 << 10);
    let mut big = line(0);
    for offset in 0..100 {
        (big.offset, big.message) = (offset, "x".repeat(10 << 10));
        ring.push(&batch(std::slice::from_ref(&big)));
    }
    let held = ring.head() - ring.tail();
    assert!((8..=10).contains(&held), "{held} events of 10 KiB in 100 KiB");
    (big.offset, big.message) = (100, "x".repeat(1 << 20));
    ring.push(&batch(&[big]));
    assert_eq!(ring.head() - ring.tail(), 1);
}

#[test]
fn the_end_of_the_log_is_where_the_stream_begins() {
    let ring = Ring::new(100, 1 << 20);
    ring.begin_at(&Heads::from([(0, 10), (1, 4)]));
    let mixed: Vec<Line> = (0..12).flat_map(|o| [line(o), Line { partition: 1, ..line(o) }]).collect();
    assert_eq!(ring.push(&batch(&mixed)), 2 + 8);
    assert_eq!(held(&ring).first(), Some(&(0, 1, 4)));
    assert_eq!(ring.position().1, Heads::from([(0, 12), (1, 12)]));
    ring.push(&Arc::new(Batch::default()));
    assert_eq!(ring.head(), 10);
}

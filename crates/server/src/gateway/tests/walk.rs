//! Many clients of one feed, woken in every order: each gets each of its events once, in order, or counts it as lost.

use tokio::time::Instant;

use super::super::filter::{Filter, FilterKey, Levels};
use super::super::walk::{Taken, Walk};
use super::*;

struct Walker {
    walk: Walk,
    start: u64,
    found: Vec<u64>,
    lost: u64,
}

impl Walker {
    fn new(gateway: &Gateway, filter: &Filter, batch_ms: Option<u16>, now: Instant) -> Self {
        let start = gateway.ring.head();
        Walker { walk: Walk::new(gateway, filter.clone(), batch_ms, start, now), start, found: Vec::new(), lost: 0 }
    }

    /// Takes up to `turns` times; whether there was nothing left.
    fn take(&mut self, gateway: &Gateway, turns: usize, now: Instant) -> bool {
        for _ in 0..turns {
            let taken = self.walk.take(gateway, now);
            self.lost += self.walk.take_lost();
            match taken {
                Taken::Frames { bytes, events, .. } => {
                    let before = self.found.len();
                    self.found.extend(offsets(&bytes));
                    assert_eq!((self.found.len() - before) as u64, events);
                }
                Taken::Again => {}
                Taken::Nothing => return true,
            }
        }
        false
    }
}

/// The offsets of all events in some frames: every one stands in a `seq`.
fn offsets(frames: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(frames);
    let seqs = text.split("\"seq\":\"0-").skip(1);
    seqs.map(|rest| rest[..rest.find('"').unwrap()].parse().unwrap()).collect()
}

fn gateway(settings: GatewaySettings) -> Arc<Gateway> {
    Gateway::new(settings, Arc::new(Insights), &mut Registry::default(), CancellationToken::new())
}

fn rare_errors(offsets: std::ops::Range<u64>) -> Vec<Line> {
    let mut lines = lines(offsets);
    for line in lines.iter_mut().filter(|line| line.offset % 7 == 0) {
        line.level = Level::Error;
    }
    lines
}

fn walk_in_random_order(seed: u64, room: usize, filter: &Filter, batch_ms: Option<u16>) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let gateway = gateway(GatewaySettings { room_events: room, sample_above: 0, ..Default::default() });
    let start = Instant::now();
    let mut walkers = Vec::new();
    let mut next = 0;
    for turn in 0..80 {
        let now = start + Duration::from_millis(turn * 20);
        let count = random.u64(0..60);
        gateway.publish(&batch(&rare_errors(next..next + count)));
        next += count;
        if walkers.len() < 12 && random.bool() {
            walkers.push(Walker::new(&gateway, filter, batch_ms, now));
        }
        random.shuffle(&mut walkers);
        for walker in &mut walkers {
            // Some sleep for long.
            if random.u32(0..8) > 0 {
                walker.walk.aim(gateway.ring.head());
                walker.take(&gateway, random.usize(0..4), now);
            }
        }
    }
    for turn in 0..20_000 {
        let now = start + Duration::from_secs(10) + Duration::from_millis(turn * 50);
        let mut done = true;
        for walker in &mut walkers {
            walker.walk.aim(next);
            done &= walker.take(&gateway, 100, now) && walker.walk.place() == next;
        }
        if done {
            return check(&walkers, next, filter.is_open(), seed);
        }
    }
    panic!("seed {seed}: the walkers arrive");
}

/// Everything wanted was found once and in order, but for what was lost. Returns how much that is.
fn check(walkers: &[Walker], next: u64, all: bool, seed: u64) -> u64 {
    let mut lost = 0;
    for walker in walkers {
        assert!(walker.found.windows(2).all(|w| w[0] < w[1]), "seed {seed}: once and in order");
        let wanted = (walker.start..next).filter(|offset| all || offset % 7 == 0);
        let missing = wanted.filter(|offset| walker.found.binary_search(offset).is_err()).count() as u64;
        assert!(walker.found.iter().all(|offset| *offset >= walker.start && (all || offset % 7 == 0)));
        if all {
            assert_eq!(missing, walker.lost, "seed {seed}: what was not found was counted");
        } else {
            assert!(missing <= walker.lost, "seed {seed}: {missing} missing, {} counted", walker.lost);
        }
        lost += walker.lost;
    }
    lost
}

fn errors() -> Filter {
    Filter::new(FilterKey { levels: Levels::of([Level::Error]), ..FilterKey::default() }).unwrap()
}

#[test]
fn with_room_nothing_is_lost() {
    for seed in 0..8 {
        for filter in [Filter::default(), errors()] {
            for batch_ms in [None, Some(0), Some(20), Some(100)] {
                assert_eq!(walk_in_random_order(seed, 1 << 20, &filter, batch_ms), 0);
            }
        }
    }
}

#[test]
fn without_room_what_is_lost_is_counted() {
    let mut lost = 0;
    for seed in 0..8 {
        for filter in [Filter::default(), errors()] {
            lost += walk_in_random_order(seed, 100, &filter, None);
            lost += walk_in_random_order(seed, 100, &filter, Some(20));
        }
    }
    assert!(lost > 0, "the room is too small for the slowest");
}

#[test]
fn clients_that_walk_together_share_their_frames() {
    let gateway = gateway(GatewaySettings::default());
    let start = Instant::now();
    let mut walkers: Vec<Walk> = (0..10).map(|_| Walk::new(&gateway, Filter::default(), Some(100), 0, start)).collect();
    for tick in 1..20_u64 {
        let now = start + Duration::from_millis(100 * tick);
        let mut frames = Vec::new();
        for walk in &mut walkers {
            // Each sees a few more events than the one before.
            let head = gateway.ring.head();
            gateway.publish(&batch(&lines(head..head + 10)));
            walk.aim(gateway.ring.head());
            loop {
                match walk.take(&gateway, now) {
                    Taken::Frames { bytes, .. } => frames.push(bytes.as_ptr()),
                    Taken::Again => {}
                    Taken::Nothing => break,
                }
            }
        }
        assert_eq!(frames.len(), 10, "one frame a client and tick");
        assert!(frames.iter().all(|frame| *frame == frames[0]), "and the same for all");
    }
}

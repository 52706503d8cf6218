//! Power cuts at any moment: nothing acknowledged is lost.
//!
//! `WHITTLE_SEED=n` runs one seed alone, `WHITTLE_SEEDS=n` that many instead of 10,000.

use std::thread;

use crate::simulation::{Op, Simulation, script};

const SEEDS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name}={n} is no number")))
}

/// Runs a seed to its end; answers with how many entries were acknowledged.
fn run(seed: u64) -> u64 {
    let mut simulation = Simulation::new(seed);
    for op in script(seed, 60) {
        simulation.run(&op);
    }
    simulation.run(&Op::PowerCut);
    assert!(simulation.start(), "seed {seed}: it does not start");
    assert_eq!(simulation.refused, 0, "seed {seed}: the disk was in order");
    simulation.acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    if let Some(seed) = number("WHITTLE_SEED") {
        run(seed);
        return;
    }
    let seeds = number("WHITTLE_SEEDS").unwrap_or(SEEDS);
    let half = |first: u64| {
        move || {
            (first..seeds)
                .step_by(2)
                .map(|seed| {
                    let acknowledged = std::panic::catch_unwind(|| run(seed));
                    acknowledged.unwrap_or_else(|_| panic!("replay it with WHITTLE_SEED={seed}"))
                })
                .sum::<u64>()
        }
    };
    let other = thread::spawn(half(1));
    let acknowledged = half(0)() + other.join().expect("a seed failed");
    assert!(acknowledged > seeds * 5, "only {acknowledged} entries of {seeds} seeds were acknowledged");
}

//! `kill -9` at any moment: nothing acknowledged is lost, nothing stands twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use whittle_testkit::load::Load;
use whittle_testkit::numbered::query_of;
use whittle_testkit::oracle::Oracle;
use whittle_testkit::{Server, recent, wait};

use crate::{VISIBLE, ingestion, send, setup, storage};

/// Rounds, unless `WHITTLE_CRASH_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;
/// Clients that send at once.
const CLIENTS: u64 = 4;
/// Time for a clean end.
const END: Duration = Duration::from_secs(20);
/// Records that must have been acknowledged before the kill.
const LEAST: u64 = 50;
/// Time for them.
const FIRST_ANSWERS: Duration = Duration::from_secs(30);

fn number_from(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Loads the server, ends it at a random moment, starts it again. Now and then the start is killed too.
fn round(server: &mut Server, next: &Arc<AtomicU64>, rng: &mut Rng) -> Oracle {
    let load = Load::start(server.ingestion(), CLIENTS, next, rng.u64(..));
    let enough = rng.u64(0..LEAST);
    wait::until("the first acknowledgements", FIRST_ANSWERS, || (load.acknowledged() >= enough).then_some(()))
        .expect("the server takes records");
    // The moment is what is tested: nothing is waited for here.
    std::thread::sleep(Duration::from_micros(rng.u64(0..150_000)));
    if rng.u8(0..10) == 0 {
        // A clean end now and then: what it wrote is what the next kill finds.
        server.terminate(END).expect("it ends in time");
    } else {
        server.kill().expect("it runs");
    }
    let oracle = load.finish().expect("clients end");
    while rng.u8(0..5) == 0 {
        server.spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(rng.u64(0..300_000)));
        server.kill().expect("it can be killed while it starts");
    }
    server.spawn().expect("it starts");
    server.wait_ready().expect("it is ready again");
    oracle
}

/// Compares a range of numbers with the history.
fn judge(server: &Server, oracle: &Oracle, numbers: std::ops::Range<u64>, what: &str) {
    let rows = recent::all(&mut storage(server), &query_of(numbers.start, numbers.end)).expect("the history is read");
    let verdict = oracle.judge(&rows);
    assert!(verdict.is_clean(), "{what}: {verdict:?}; the server said:\n{}", server.said());
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_stands_twice() {
    let rounds = number_from("WHITTLE_CRASH_ROUNDS", ROUNDS);
    let seed = number_from("WHITTLE_CRASH_SEED", 1);
    let mut rng = Rng::with_seed(seed);
    let mut server = setup().start().expect("the server starts");
    let next = Arc::new(AtomicU64::new(0));
    let mut all = Oracle::default();
    for number in 0..rounds {
        let start = next.load(Ordering::Relaxed);
        let oracle = round(&mut server, &next, &mut rng);
        // Ready means that what was acknowledged before is visible: it is looked at once, not waited for.
        judge(&server, &oracle, start..next.load(Ordering::Relaxed), &format!("round {number} of seed {seed}"));
        all.extend(oracle);
    }
    judge(&server, &all, 0..next.load(Ordering::Relaxed), &format!("all rounds of seed {seed}"));
    send(&mut ingestion(&server), "fresh", "a fresh write");
    recent::wait_for(&mut storage(&server), "source=fresh", 1, VISIBLE).expect("a fresh write gets through");
    eprintln!("{rounds} kills: {} records acknowledged, none lost, none twice", all.acknowledged());
}

//! Real processes on the real disk, killed while they write: what they said was acknowledged is there.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use whittle_bus::{Bus, Entry, SegmentBus, Settings};
use whittle_disk::OsDisk;

const ROUNDS: u64 = 12;
/// Set for the process that writes until it is killed.
const VICTIM: &str = "WHITTLE_BUS_TEST_VICTIM";
const SAYS: &str = "acknowledged ";

fn open(dir: &Path) -> Arc<SegmentBus> {
    let settings = Settings { segment_bytes: 300_000, ..Settings::default() };
    let bus = SegmentBus::open(Arc::new(OsDisk), dir, settings).expect("the bus opens");
    bus.ensure_topic("t", 1).expect("the topic is made");
    bus
}

/// What stands at an offset.
fn body(offset: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(offset);
    let mut body = vec![0; rng.usize(0..3000)];
    rng.fill(&mut body);
    body
}

/// Writes and says what was acknowledged, until it is killed or nobody listens.
fn write_until_killed(dir: &Path) {
    let bus = open(dir);
    let first = bus.ends("t").unwrap()[0];
    let (answer, answered) = mpsc::channel();
    for offset in first.. {
        let answer = answer.clone();
        let entry = Entry { body: body(offset).into(), count: 1, ..Entry::default() };
        bus.produce("t", entry, Box::new(move |result| drop(answer.send(result))));
        if offset >= first + 20 {
            let position = answered.recv().expect("the producer is told").expect("the entry is taken");
            if writeln!(std::io::stdout(), "{SAYS}{}", position.offset).is_err() {
                return;
            }
        }
    }
}

#[test]
fn a_killed_process_has_lost_nothing_that_it_acknowledged() {
    if let Ok(dir) = std::env::var(VICTIM) {
        return write_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(11);
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::a_killed_process_has_lost_nothing_that_it_acknowledged", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the victim starts");
        let lines = BufReader::new(victim.stdout.take().expect("its output is a pipe")).lines();
        let mut left = rng.u32(1..400);
        for line in lines.map_while(Result::ok) {
            let Some((_, offset)) = line.split_once(SAYS) else { continue };
            acknowledged = acknowledged.max(offset.parse::<u64>().expect("an offset") + 1);
            left = left.saturating_sub(1);
            if left == 0 {
                victim.kill().expect("it can be killed"); // and what it still said before is read on
            }
        }
        victim.wait().expect("it has ended");
        check(dir.path(), acknowledged, round);
    }
    assert!(acknowledged > ROUNDS * 10, "{acknowledged}");
}

fn check(dir: &Path, acknowledged: u64, round: u64) {
    let bus = open(dir);
    let end = bus.ends("t").unwrap()[0];
    assert!(end >= acknowledged, "round {round}: {acknowledged} were acknowledged, {end} are there");
    let mut consumer = bus.subscribe("t", &format!("round {round}")).unwrap();
    let mut expected = 0;
    while expected < end {
        let frames = consumer.poll(1 << 20, Duration::ZERO).unwrap();
        assert!(!frames.is_empty(), "round {round}: nothing at {expected} of {end}");
        for frame in frames {
            assert_eq!(frame.base_offset, expected, "round {round}");
            assert!(frame.body == body(expected), "round {round}: another body at {expected}");
            expected += 1;
        }
    }
    assert_eq!(bus.stats().damaged_records, 0);
}

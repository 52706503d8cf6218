//! The power goes at any call, any call fails: what was said to be durable is there afterwards, once, with the state of
//! the stages that belongs to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use whittle_disk::sim::{Fault, Rule, SimDisk};
use whittle_history::{Budget, Filter, Positions, StageState, Total};

use crate::checks::pages;
use crate::files::Files;
use crate::harness::{Harness, Open};
use crate::laws::usual_lines;
use crate::model::Model;
use crate::rows::{Feeder, Placed};

/// Pseudo-random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// How many seeds are played: `PROPTEST_CASES`, as for the other random tests.
fn seeds() -> u64 {
    u64::from(proptest::test_runner::Config::default().cases)
}

/// A history on a disk that fails, and what it should hold.
struct Scene {
    files: Files,
    feeder: Feeder,
    /// All rows that the raw log holds.
    raw: Vec<Placed>,
    /// For each commit the positions as of it; the stages' state is its number.
    commits: Vec<Positions>,
}

impl Scene {
    fn new(disk: &SimDisk) -> Self {
        let mut files = Files::on(Arc::new(disk.clone()), PathBuf::from("/data/history"));
        files.settings.retry_after = Duration::from_millis(1);
        Scene { files, feeder: Feeder::default(), raw: Vec::new(), commits: Vec::new() }
    }

    fn on(&mut self, disk: &SimDisk) {
        self.files.disk = Arc::new(disk.clone());
    }

    /// The model of the rows below some positions.
    fn model(&self, positions: &Positions) -> Model {
        let is_below = |row: &&Placed| row.offset < positions.get(&row.line.partition).copied().unwrap_or(0);
        Model { rows: self.raw.iter().filter(is_below).cloned().collect(), catalog: self.feeder.catalog() }
    }

    /// Opens the history and compares what it holds with the commit that it says it is as of.
    fn open(&mut self, durable: &Positions) -> Result<Open, whittle_history::OpenError> {
        let open = self.files.try_open(self.feeder.catalog())?;
        let checkpoint = &open.checkpoint;
        for (partition, offset) in durable {
            assert!(checkpoint.positions.get(partition) >= Some(offset), "{durable:?} was durable, {checkpoint:?}");
        }
        let journal: Vec<u8> = checkpoint.journals.get("commits").map(|bytes| bytes.to_vec()).unwrap_or_default();
        match checkpoint.states.get("commit") {
            None => {
                assert_eq!((&checkpoint.positions, journal), (&Positions::new(), Vec::new()));
                self.commits.clear();
            }
            Some(number) => {
                let number = number[0];
                assert_eq!(checkpoint.positions, self.commits[usize::from(number)]);
                assert_eq!(journal, (0..=number).collect::<Vec<u8>>(), "the journal is as of the same commit");
                // Later ones went with the power.
                self.commits.truncate(usize::from(number) + 1);
            }
        }
        Ok(open)
    }

    fn state(&mut self, open: &Open) -> StageState {
        let number = self.commits.len() as u8;
        self.commits.push(open.reader.head());
        let mut state = StageState::default();
        state.states.insert("commit".to_owned(), Bytes::from(vec![number]));
        state.journals.insert("commits".to_owned(), Bytes::from(vec![number]));
        state
    }

    /// Appends what the raw log holds beyond the history, and new rows.
    fn append(&mut self, open: &mut Open, count: i64) {
        let placed = self.feeder.place(&usual_lines(count));
        self.raw.extend(placed);
        let head = open.reader.head();
        let is_new = |row: &&Placed| row.offset >= head.get(&row.line.partition).copied().unwrap_or(0);
        let new: Vec<Placed> = self.raw.iter().filter(is_new).cloned().collect();
        // A full backlog refuses; the rows stay in the raw log.
        let _ = open.writer.append(&self.feeder.batch(&new));
    }
}

/// One life: appends, commits, tidies, until the power is gone or enough was done.
fn live(scene: &mut Scene, open: &mut Open, disk: &SimDisk, random: &mut Random) {
    for _ in 0..12 {
        if disk.is_off() || scene.commits.len() > 200 {
            return;
        }
        match random.below(8) {
            0..=3 => scene.append(open, 1 + random.below(25) as i64),
            4 => {
                let state = scene.state(open);
                open.writer.commit(state).expect("a commit is only queued");
            }
            5 | 6 => {
                let state = scene.state(open);
                let done = open.writer.finish(state);
                assert!(done.is_ok() || disk.is_off(), "{done:?}");
                asked_under_faults(open, scene);
            }
            // With the power gone it ends with an error, as it should.
            _ => drop(scene.files.try_tidy()),
        }
    }
}

#[test]
fn what_was_durable_outlasts_power_cuts() {
    for seed in 0..seeds() {
        let mut random = Random(seed);
        let mut disk = SimDisk::new(seed);
        let mut scene = Scene::new(&disk);
        let mut durable = Positions::new();
        for _ in 0..4 {
            disk.power_off_after(random.below(160));
            match scene.open(&durable) {
                Ok(mut open) => {
                    live(&mut scene, &mut open, &disk, &mut random);
                    durable = open.durable();
                }
                Err(e) => assert!(disk.is_off(), "seed {seed}: {e}"),
            }
            disk = disk.power_cut();
            scene.on(&disk);
        }
        let mut open = scene.open(&durable).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let model = scene.model(&open.checkpoint.positions);
        pages(&*open.reader, &model, &Filter::default());
        scene.append(&mut open, 5);
        let state = scene.state(&open);
        open.writer.finish(state).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        scene.files.tidy();
        pages(&*open.reader, &scene.model(&open.reader.head()), &Filter::default());
        drop(open);
        let files = disk.files();
        let open = scene.open(&durable).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert!(files.len() as u64 <= open.reader.stats().files + 4, "seed {seed}: {files:?}");
    }
}

/// Does it again until it works; the disk heals before.
fn until<T>(what: &str, mut step: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(done) = step() {
            return done;
        }
        assert!(Instant::now() < deadline, "{what} does not work within 20 s of a healthy disk");
    }
}

/// A run with one fault at its `after`th call, healed once something was refused; whether the fault was met.
fn run_with(fault: Fault, after: u64, times: u64) -> bool {
    let disk = SimDisk::new(after);
    let mut scene = Scene::new(&disk);
    disk.inject(Rule { call: None, after, times, fault });
    let before = disk.calls();
    let mut open = match scene.open(&Positions::new()) {
        Ok(open) => open,
        Err(_) => {
            disk.heal();
            scene.open(&Positions::new()).expect("a healthy disk")
        }
    };
    for _ in 0..4 {
        scene.append(&mut open, 12);
        let state = scene.state(&open);
        if open.writer.finish(state).is_err() {
            asked_under_faults(&open, &scene);
            disk.heal();
            let positions = open.reader.head();
            until("the flush", || (open.durable() == positions).then_some(()));
        }
        if scene.files.try_tidy().is_err() {
            disk.heal();
            scene.files.tidy();
        }
    }
    asked_under_faults(&open, &scene);
    let met = disk.calls() - before > after;
    disk.heal();
    let model = scene.model(&open.reader.head());
    pages(&*open.reader, &model, &Filter::default());
    let durable = open.durable();
    drop(open);
    let open = scene.open(&durable).expect("a healthy disk");
    pages(&*open.reader, &model, &Filter::default());
    met
}

/// An answer is right, or says that it is not whole.
fn asked_under_faults(open: &Open, scene: &Scene) {
    let model = scene.model(&open.reader.head());
    let Ok(recent) = open.reader.recent(&Filter::default(), 1000, 0, &Budget::default()) else { return };
    match recent.total {
        Total::Exact(count) => {
            assert_eq!(count, model.rows.len() as u64);
            assert_eq!(recent.rows, model.found(&Filter::default()));
        }
        Total::AtLeast(count, reason) => assert!(count <= model.rows.len() as u64 && !reason.is_empty()),
    }
}

#[test]
fn any_call_may_fail_and_nothing_is_lost() {
    for fault in [Fault::NoSpace, Fault::Io] {
        for times in [1, 7] {
            let met = (0..).take_while(|&after| run_with(fault, after, times)).count();
            assert!(met > 60, "only {met} calls were made to fail");
        }
    }
}

#[test]
fn a_full_disk_is_said_and_outlived() {
    let disk = SimDisk::new(1);
    let mut scene = Scene::new(&disk);
    scene.files.settings.keep_free_percent = 5;
    let mut open = scene.open(&Positions::new()).expect("a healthy disk");
    scene.append(&mut open, 30);
    disk.set_capacity(disk.used() + disk.used() / 40);
    let state = scene.state(&open);
    let refused = open.writer.finish(state).expect_err("there is no room");
    assert!(refused.to_string().contains('%'), "{refused}");
    assert_eq!(open.reader.stats().tail_rows, 30, "they are still found");
    disk.set_capacity(1 << 40);
    let state = scene.state(&open);
    let positions = open.reader.head();
    open.writer.finish(state).expect("there is room again");
    assert_eq!(open.durable(), positions);
    pages(&*open.reader, &scene.model(&positions), &Filter::default());
}

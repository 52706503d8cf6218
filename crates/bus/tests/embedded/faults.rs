//! A disk that is full or fails, at every call: never a false acknowledgement, never an end of the process, and it goes on by
//! itself once the disk is in order.

use whittle_disk::sim::{Call, Fault, Rule};

use crate::simulation::{Op, Simulation, script};

/// Says which case it was when a test fails.
struct Case(String);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the case that failed: {}", self.0);
        }
    }
}

/// Runs a script; with `fault`, the calls from the n-th on fail so many times.
fn run(seed: u64, fault: Option<(u64, u64, Fault)>) -> Simulation {
    let mut simulation = Simulation::new(seed);
    if let Some((after, times, fault)) = fault {
        simulation.disk.inject(Rule { call: None, after, times, fault });
    }
    for op in script(seed, 80) {
        // Power cuts have their own test; here the script is to reach as many calls as it can.
        match op {
            Op::PowerCut | Op::PowerOff { .. } | Op::KillIn { .. } => simulation.run(&Op::Keep { seconds: 200 }),
            op => simulation.run(&op),
        }
    }
    simulation
}

#[test]
fn every_call_may_fail() {
    for seed in 0..3 {
        let calls = run(seed, None).disk.calls();
        assert!(calls > 100, "the script makes {calls} calls only");
        let mut failed = 0;
        for after in 0..calls {
            for fault in [Fault::NoSpace, Fault::Io] {
                for times in [1, 2, 20] {
                    let _case = Case(format!("seed {seed}, {fault:?} {times} times after {after} calls"));
                    let mut simulation = run(seed, Some((after, times, fault)));
                    failed += simulation.errors + simulation.refused;
                    simulation.must_recover();
                }
            }
        }
        assert!(failed > calls, "only {failed} of {calls} calls were felt");
    }
}

#[test]
fn a_kind_of_call_may_fail_for_long() {
    let kinds = [
        Call::Create,
        Call::Rename,
        Call::SyncDir,
        Call::Write,
        Call::Sync,
        Call::SetLen,
        Call::Remove,
        Call::Read,
        Call::Space,
    ];
    for kind in kinds {
        for fault in [Fault::NoSpace, Fault::Io] {
            for seed in 0..20 {
                let _case = Case(format!("seed {seed}, {fault:?} of {kind:?}"));
                let mut simulation = Simulation::new(seed);
                assert!(simulation.start());
                simulation.disk.inject(Rule { call: Some(kind), after: seed, times: u64::MAX, fault });
                for op in script(seed, 60) {
                    match op {
                        Op::PowerCut | Op::PowerOff { .. } | Op::KillIn { .. } => {}
                        op => simulation.run(&op),
                    }
                }
                simulation.must_recover();
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    for seed in 0..50 {
        let mut simulation = Simulation::new(seed);
        assert!(simulation.start());
        simulation.disk.set_capacity(simulation.disk.used() + 20_000);
        for i in 0..200 {
            simulation.run(&Op::Produce { partition: i % 2, count: 1, len: 1000 });
            simulation.run(&Op::Write);
        }
        assert!(simulation.refused > 100, "{} of 200 were refused", simulation.refused);
        simulation.must_recover();
    }
}

//! Any sequence of operations, against the model of the simulation, shrunk to the shortest that fails.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::simulation::{Op, PARTITIONS, Simulation};

fn op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![Just(440_usize), 0..50_usize, 0..9000_usize];
    prop_oneof![
        10 => (0..PARTITIONS, 1..5_u32, len).prop_map(|(partition, count, len)| Op::Produce { partition, count, len }),
        6 => Just(Op::Write),
        2 => (0..20_000_usize).prop_map(|bytes| Op::Poll { bytes }),
        2 => Just(Op::Commit),
        1 => Just(Op::Rejoin),
        1 => (0..400_i64).prop_map(|seconds| Op::Keep { seconds }),
        1 => Just(Op::Reopen),
        1 => Just(Op::Kill),
        1 => Just(Op::PowerCut),
        1 => (0..40_u64).prop_map(|calls| Op::PowerOff { calls }),
        1 => (0..40_u64).prop_map(|calls| Op::KillIn { calls }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_what_the_model_says(seed in 0..1000_u64, ops in vec(op(), 1..120)) {
        let mut simulation = Simulation::new(seed);
        for op in &ops {
            simulation.run(op);
        }
        prop_assert_eq!(simulation.refused, 0);
        simulation.must_recover();
    }
}

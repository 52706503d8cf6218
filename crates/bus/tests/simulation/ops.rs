//! What is done to the bus, by chance.

use super::PARTITIONS;

#[derive(Debug, Clone, Copy)]
pub enum Op {
    Produce {
        partition: u32,
        count: u32,
        len: usize,
    },
    /// One batch.
    Write,
    Poll {
        bytes: usize,
    },
    Commit,
    Rejoin,
    /// Time passes, and retention looks.
    Keep {
        seconds: i64,
    },
    Reopen,
    Kill,
    PowerCut,
    /// The power goes in the middle of what comes.
    PowerOff {
        calls: u64,
    },
    /// The process is killed in the middle of what comes.
    KillIn {
        calls: u64,
    },
}

/// The length of a body whose frame has 512 bytes: what is left of one batch then lies where a frame of the next ends.
pub const EVEN: usize = 512 - 64 - 8;

/// Some operations by chance.
pub fn script(seed: u64, len: usize) -> Vec<Op> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let even = rng.bool();
    (0..len).map(|_| op(&mut rng, even)).collect()
}

fn op(rng: &mut fastrand::Rng, even: bool) -> Op {
    match rng.u32(0..100) {
        0..45 if even => Op::Produce { partition: rng.u32(0..PARTITIONS), count: 1, len: EVEN },
        0..45 => {
            let longest = *rng.choice(&[50, 600, 3000, 9000]).unwrap_or(&50);
            Op::Produce { partition: rng.u32(0..PARTITIONS), count: rng.u32(1..5), len: rng.usize(0..longest) }
        }
        45..70 => Op::Write,
        70..78 => Op::Poll { bytes: rng.usize(0..20_000) },
        78..84 => Op::Commit,
        84..86 => Op::Rejoin,
        86..90 => Op::Keep { seconds: rng.i64(0..300) },
        90..92 => Op::Reopen,
        92..94 => Op::Kill,
        94..96 => Op::PowerCut,
        96..98 => Op::KillIn { calls: rng.u64(0..40) },
        _ => Op::PowerOff { calls: rng.u64(0..40) },
    }
}

//! Journals of patterns: no panic, whatever stands in the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_patterns::{Limits, Miner};

fuzz_target!(|journal: &[u8]| {
    let mut miner = Miner::new(Limits::default());
    let _ = miner.load(journal);
    let _ = miner.observe("a line after it", &mut Vec::new());
});

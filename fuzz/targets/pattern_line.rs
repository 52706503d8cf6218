//! Lines: no panic; form and variables give the line back, byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_patterns::{Scanner, Skeleton};

fuzz_target!(|line: &[u8]| {
    let mut vars = Vec::new();
    Scanner::new().scan_bytes(line, &mut vars);
    let values = vars.iter().map(|var| &line[var.range()]);
    let again = Skeleton::of(line, &vars).fill(values).expect("as many values as holes");
    assert_eq!(again, line);
});

//! Lines through the miner: form and variables give each line back, every order gives the same patterns, and so do a
//! restart and a merge.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_patterns::{FormId, Miner, PatternId};

/// Fewer lines than open a layout: where hundreds of forms become one, their ids lead there, but their number may vary.
const MOST: usize = 100;

fn mine<'a>(lines: impl Iterator<Item = &'a [u8]>) -> (Miner, Vec<FormId>) {
    let (mut miner, mut vars) = (Miner::default(), Vec::new());
    let forms = lines.map(|line| {
        vars.clear();
        let found = miner.observe_bytes("", line, &mut vars);
        let skeleton = miner.catalog().skeleton(found.form).expect("a form that was shown");
        let values = vars.iter().map(|var| &line[var.range()]);
        assert_eq!(skeleton.fill(values).as_deref(), Some(line));
        found.form
    });
    let forms = forms.collect();
    (miner, forms)
}

fn patterns(miner: &Miner, forms: &[FormId]) -> Vec<Option<PatternId>> {
    let catalog = miner.catalog();
    forms.iter().map(|form| catalog.pattern_of(*form)).collect()
}

fuzz_target!(|text: &[u8]| {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\r').take(MOST).collect();
    let (mut miner, forms) = mine(lines.iter().copied());
    let expected = patterns(&miner, &forms);
    let (backwards, mut forms_backwards) = mine(lines.iter().rev().copied());
    forms_backwards.reverse();
    assert_eq!(patterns(&backwards, &forms_backwards), expected);
    let mut again = Miner::default();
    again.load(&miner.drain_journal()).expect("an own journal can be read");
    assert_eq!(patterns(&again, &forms), expected);
    let (mut first, _) = mine(lines.iter().step_by(2).copied());
    let (second, _) = mine(lines.iter().skip(1).step_by(2).copied());
    first.merge(&second.catalog().export()).expect("an export can be read");
    assert_eq!(patterns(&first, &forms), expected);
});

//! A form that an older scanner found, as the scanner of today would: so that its lines meet today's.

use crate::scan::{Scanner, Var};
use crate::skeleton::Skeleton;
use crate::{Kind, MAX_VARS};

/// A value of the kind, for the scanner to look at.
fn example(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Int => b"7",
        Kind::Float => b"7.5",
        Kind::Hex => b"0x7f",
        Kind::Uuid => b"70293f72-844a-4b39-9ad6-fb0ad7e364e4",
        Kind::Address => b"10.0.0.1",
        Kind::Host => b"a.example.com",
        Kind::Time => b"12:00:00",
        Kind::Quantity => b"7ms",
        Kind::Path => b"/a/b",
        Kind::List => b"7,7",
        Kind::Text => b"7a",
    }
}

/// The skeleton with all that is variable to today's scanner; what was variable before stays so.
pub(crate) fn rescanned(skeleton: &Skeleton, scanner: &mut Scanner) -> Skeleton {
    let values: Vec<&[u8]> = skeleton.kinds().map(example).collect();
    let Some(line) = skeleton.fill(values.iter().copied()) else { return skeleton.clone() };
    let mut vars = Vec::new();
    scanner.scan_bytes(&line, &mut vars);
    let mut shift = 0;
    for (hole, value) in skeleton.holes().zip(&values) {
        vars.push(Var { start: (hole + shift) as u32, len: value.len() as u32 });
        shift += value.len();
    }
    let vars = joined(vars);
    if vars.len() > MAX_VARS { skeleton.clone() } else { Skeleton::of(&line, &vars) }
}

/// The stretches in order, those that touch as one.
fn joined(mut vars: Vec<Var>) -> Vec<Var> {
    vars.sort_unstable_by_key(|var| var.start);
    let mut out: Vec<Var> = Vec::with_capacity(vars.len());
    for var in vars {
        match out.last_mut() {
            Some(last) if var.start as usize <= last.end() => {
                last.len = last.len.max(var.start + var.len - last.start);
            }
            _ => out.push(var),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::Entry;
    use crate::{Miner, form_of};

    fn skeleton(line: &str) -> Skeleton {
        let mut vars = Vec::new();
        Scanner::new().scan(line, &mut vars);
        Skeleton::of(line.as_bytes(), &vars)
    }

    fn old_journal(skeletons: &[&Skeleton]) -> Vec<u8> {
        let mut journal = Vec::new();
        Entry::Head { format: crate::JOURNAL_VERSION, scanner: 0 }.encode(&mut journal);
        skeletons.iter().for_each(|skeleton| Entry::Form(skeleton.as_bytes()).encode(&mut journal));
        journal
    }

    #[test]
    fn what_an_older_scanner_took_for_text_leads_to_the_pattern_of_today() {
        let old = Skeleton::of(b"lease of worker took 17 ms", &[]);
        let mut miner = Miner::default();
        let loaded = miner.load(&old_journal(&[&old])).expect("an older state can be read");
        assert_eq!(loaded.scanner, 0);
        let today = miner.observe("lease of worker took 99 ms", &mut Vec::new());
        assert!(!today.new_form, "the state was scanned again");
        assert_eq!(miner.resolve(old.id().0), Some(today.pattern));
        assert_eq!(miner.resolve(today.form.0), Some(today.pattern));
    }

    #[test]
    fn the_link_survives_a_restart_and_a_merge() {
        let old = Skeleton::of(b"lease of worker took 17 ms", &[]);
        let mut journal = old_journal(&[&old]);
        let mut miner = Miner::default();
        miner.load(&journal).expect("an older state can be read");
        let today = miner.observe("lease of worker took 99 ms", &mut Vec::new());
        miner.observe("something else 1", &mut Vec::new());
        journal.extend(miner.drain_journal());
        let (mut again, mut other) = (Miner::default(), Miner::default());
        let loaded = again.load(&journal).expect("an own state can be read");
        assert_eq!((loaded.valid, loaded.scanner), (journal.len(), crate::SCANNER_VERSION));
        other.merge(&miner.catalog().export()).expect("an export can be read");
        for reader in [&again, &other] {
            assert_eq!(reader.resolve(old.id().0), Some(today.pattern));
            assert_eq!(reader.catalog().form_count(), miner.catalog().form_count());
        }
        assert!(again.drain_journal().is_empty(), "what was read is not written again");
    }

    proptest! {
        /// What the scanner of today found is left alone, or it would be linked to forms that no line has.
        #[test]
        fn rescanning_takes_nothing_away(line in r"([a-z]{1,6}|[0-9]{1,4}|[ :=/.,]|[a-z]+=[0-9.]+){0,30}") {
            let old = skeleton(&line);
            let new = rescanned(&old, &mut Scanner::new());
            prop_assert!(new.hole_count() <= MAX_VARS);
            prop_assert!(new.literal().len() <= old.literal().len());
            let (text, vars) = new.rendered();
            prop_assert_eq!(form_of(&text, &vars), Skeleton::of(&text, &vars).id());
        }
    }
}

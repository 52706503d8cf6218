//! After all of an input, the pattern of a line is the same: for every order, number of workers, after a restart,
//! and after merging states in any order.

mod lines;

use std::collections::BTreeMap;

use lines::{Numbers, sample};
use proptest::prelude::*;
use whittle_patterns::{FormId, JournalError, Miner};

/// The final pattern of each line.
type Answer = BTreeMap<String, u64>;

fn feed<'a>(miner: &mut Miner, lines: impl Iterator<Item = &'a String>) -> BTreeMap<String, FormId> {
    let mut vars = Vec::new();
    lines
        .map(|line| {
            vars.clear();
            (line.clone(), miner.observe(line, &mut vars).form)
        })
        .collect()
}

fn answer(miner: &Miner, forms: &BTreeMap<String, FormId>) -> Answer {
    forms.iter().map(|(line, form)| (line.clone(), miner.resolve(form.0).expect("a form that was shown").0)).collect()
}

fn straight(lines: &[String]) -> Answer {
    let mut miner = Miner::default();
    let forms = feed(&mut miner, lines.iter());
    answer(&miner, &forms)
}

/// Splits the lines among workers, then merges all states into the first, in a given order.
fn by_workers(lines: &[String], workers: usize, backwards: bool) -> Answer {
    let mut miners: Vec<Miner> = (0..workers).map(|_| Miner::default()).collect();
    let mut forms = BTreeMap::new();
    for (at, miner) in miners.iter_mut().enumerate() {
        forms.extend(feed(miner, lines.iter().skip(at).step_by(workers)));
    }
    let mut others: Vec<Vec<u8>> = miners[1..].iter().map(|miner| miner.catalog().export()).collect();
    if backwards {
        others.reverse();
    }
    let first = &mut miners[0];
    for other in others.iter().chain(others.iter().take(1)) {
        first.merge(other).expect("an export can be read");
    }
    answer(first, &forms)
}

#[test]
fn ids_do_not_depend_on_order_or_workers() {
    let mut lines = sample();
    let expected = straight(&lines);
    let mut numbers = Numbers::new(3);
    for _ in 0..4 {
        numbers.shuffle(&mut lines);
        assert!(straight(&lines) == expected, "another order");
    }
    for workers in [4, 16] {
        assert!(by_workers(&lines, workers, false) == expected, "{workers} workers");
        assert!(by_workers(&lines, workers, true) == expected, "{workers} workers, merged backwards");
    }
}

#[test]
fn ids_survive_restarts_at_any_line() {
    let lines = sample();
    let expected = straight(&lines);
    let (mut journal, mut forms) = (Vec::new(), BTreeMap::new());
    for part in lines.chunks(lines.len() / 7 + 1) {
        let mut miner = Miner::default();
        let loaded = miner.load(&journal).expect("an own journal can be read");
        assert_eq!(loaded.valid, journal.len());
        assert!(miner.drain_journal().is_empty(), "what was read is not written again");
        forms.extend(feed(&mut miner, part.iter()));
        journal.extend(miner.drain_journal());
    }
    let mut miner = Miner::default();
    miner.load(&journal).expect("an own journal can be read");
    assert!(answer(&miner, &forms) == expected);
}

#[test]
fn a_column_of_many_words_gives_the_same_id_for_every_order_and_restart() {
    let mut numbers = Numbers::new(5);
    let mut lines: Vec<String> =
        (0..900).map(|_| format!("Deleting the folder {} of that customer", numbers.word())).collect();
    lines.sort();
    lines.dedup();
    let expected = straight(&lines);
    let ids: std::collections::BTreeSet<u64> = expected.values().copied().collect();
    assert_eq!(ids.len(), 1);
    for workers in [1, 4, 16] {
        numbers.shuffle(&mut lines);
        let found = by_workers(&lines, workers, workers == 4);
        assert_eq!(found.values().copied().collect::<std::collections::BTreeSet<u64>>(), ids, "{workers} workers");
    }
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_is_read() {
    let mut miner = Miner::default();
    feed(&mut miner, sample().iter());
    let journal = miner.drain_journal();
    for cut in [0, 1, 7, 8, 20, journal.len() / 2, journal.len() - 1] {
        let mut again = Miner::default();
        let loaded = again.load(&journal[..cut]).expect("a torn journal is no error");
        assert!(loaded.valid <= cut);
        let mut third = Miner::default();
        assert_eq!(third.load(&journal[..loaded.valid]).expect("whole").valid, loaded.valid);
        assert_eq!(third.catalog().form_count(), again.catalog().form_count());
    }
    let mut damaged = journal.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x40;
    let loaded = Miner::default().load(&damaged).expect("damage ends what is read");
    assert!(loaded.valid <= middle);
}

#[test]
fn the_state_of_a_later_program_is_refused() {
    let content = [0u8, 99, 0, 1, 0];
    let journal = [&5u32.to_le_bytes()[..], &crc32c::crc32c(&content).to_le_bytes(), &content].concat();
    assert_eq!(Miner::default().load(&journal), Err(JournalError::Newer { found: 99 }));
}

#[test]
fn an_id_once_shown_resolves_for_ever() {
    let (mut miner, mut vars, mut shown) = (Miner::default(), Vec::new(), Vec::new());
    for line in sample() {
        let found = miner.observe(&line, &mut vars);
        shown.push((found.form, found.pattern));
    }
    let catalog = miner.catalog();
    for (form, pattern) in shown {
        let now = catalog.pattern_of(form);
        assert!(now.is_some());
        assert_eq!(catalog.resolve(pattern), now, "the id shown for the form then");
        let forms = catalog.forms(pattern);
        assert!(forms.contains(&form));
        assert!(now.is_some_and(|now| now == pattern || catalog.aliases(now).contains(&pattern)));
    }
    assert_eq!(catalog.list().len(), catalog.pattern_count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Few words in few layouts, so that every rule meets every other.
    #[test]
    fn any_small_input_gives_the_same_ids_for_every_order(
        lines in prop::collection::vec(r"(user|host|the|red|blue|tin|x=|a\.b|LOUD)( (user|red|blue|green|17|tin4|up|a/b|k=|k=v|name:80|3 KB|DONE)){1,4}", 1..40),
        seed in 1u64..1000,
    ) {
        let expected = straight(&lines);
        let mut other = lines.clone();
        Numbers::new(seed).shuffle(&mut other);
        prop_assert_eq!(&straight(&other), &expected);
        prop_assert_eq!(&by_workers(&other, 3, true), &expected);
    }

    /// The same for what the rules about quotes, capitals, lists, keys and sentence ends look at.
    #[test]
    fn any_input_of_the_other_rules_gives_the_same_ids_for_every_order(
        lines in prop::collection::vec(
            r#"(at|the|LOUD|eventType:)( (from|in|red|tin|IBM|SAP|AMD|ABB|HP|"red tin"|x="tin lamp"|\(red\)|\(tin\)|red,tin|a,b|do_it|be_it|go_it|eventType:|user_name=|vethd90c7cd|banner-7|17)){1,3}"#,
            1..60,
        ),
        seed in 1u64..1000,
    ) {
        let expected = straight(&lines);
        let mut other = lines.clone();
        Numbers::new(seed).shuffle(&mut other);
        prop_assert_eq!(&straight(&other), &expected);
        prop_assert_eq!(&by_workers(&other, 3, true), &expected);
    }

    #[test]
    fn any_bytes_load_or_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let loaded = Miner::default().load(&bytes).expect("noise has no head");
        prop_assert!(loaded.valid <= bytes.len());
    }
}

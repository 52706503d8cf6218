//! What a stranger sends costs neither memory nor ids, and comes back unchanged.

mod lines;

use lines::Numbers;
use proptest::prelude::*;
use whittle_patterns::{Limits, Match, Miner, Var};

/// Observes a line and checks that skeleton and variables are the line again.
fn lossless(miner: &mut Miner, line: &[u8]) -> Match {
    let mut vars: Vec<Var> = Vec::new();
    let found = miner.observe_bytes("s", line, &mut vars);
    let skeleton = miner.catalog().skeleton(found.form).expect("a form that was shown");
    let values = vars.iter().map(|var| &line[var.range()]);
    assert_eq!(skeleton.fill(values).as_deref(), Some(line), "{:?}", String::from_utf8_lossy(line));
    found
}

#[test]
fn a_position_with_many_values_opens() {
    let (mut miner, mut numbers) = (Miner::default(), Numbers::new(1));
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let line = format!("Customer asked for the page {} and left, session {}", numbers.word(), numbers.next());
        ids.insert(lossless(&mut miner, line.as_bytes()).form);
    }
    assert!(ids.len() < 200, "{} forms for one position with many words", ids.len());
    assert_eq!(miner.catalog().pattern_count(), 2, "this one, and the one of whatever finds no room");
}

#[test]
fn two_positions_with_many_values_open() {
    let (mut miner, mut numbers) = (Miner::default(), Numbers::new(2));
    let names: Vec<String> = (0..3000).map(|_| numbers.word()).collect();
    for _ in 0..40_000 {
        let [a, b] = [0, 1].map(|_| &names[(numbers.next() % 3000) as usize]);
        lossless(&mut miner, format!("moving folder {a} of customer {b} to the archive").as_bytes());
    }
    assert!(miner.catalog().form_count() < 40_000 / 4, "{} forms", miner.catalog().form_count());
}

#[test]
fn random_words_make_few_forms_and_leave_known_lines_alone() {
    let (mut miner, mut numbers) = (Miner::default(), Numbers::new(3));
    let known = lossless(&mut miner, b"the leader of this group left");
    for _ in 0..50_000 {
        let words: Vec<String> = (0..6).map(|_| numbers.word()).collect();
        lossless(&mut miner, words.join(" ").as_bytes());
    }
    assert!(miner.catalog().form_count() < 5000, "{} forms", miner.catalog().form_count());
    let again = lossless(&mut miner, b"the leader of this group left");
    assert_eq!(again, Match { new_form: false, new_pattern: false, ..known });
}

#[test]
fn a_source_brings_only_so_many_forms_and_others_go_on() {
    let limits = Limits { forms: 2000, forms_per_source: 300 };
    let (mut miner, mut numbers, mut vars) = (Miner::new(limits), Numbers::new(4), Vec::new());
    let marks = [":", ",", ";", "=", "(", "[", "|", "!"];
    for _ in 0..5000 {
        let line: String =
            (0..12).map(|_| format!("{}{}", numbers.word(), marks[(numbers.next() % 8) as usize])).collect();
        vars.clear();
        miner.observe_from("stranger", &line, &mut vars);
    }
    assert!(miner.catalog().form_count() <= 302);
    assert!(miner.observe_from("friend", "a line of a friend", &mut vars).new_form);
    for i in 0..4000 {
        let line: String =
            (0..12).map(|_| format!("{}{}", numbers.word(), marks[(numbers.next() % 8) as usize])).collect();
        vars.clear();
        miner.observe_from(&format!("source-{i}"), &line, &mut vars);
    }
    assert!(miner.catalog().form_count() <= 2001, "{} forms", miner.catalog().form_count());
    assert!(!miner.observe_from("friend", "a line of a friend", &mut vars).new_form);
}

#[test]
fn very_long_and_very_odd_lines_come_back() {
    let mut miner = Miner::default();
    let long = "x1 ".repeat(350_000);
    let odd: [&[u8]; 12] = [
        b"",
        b" ",
        b"\n",
        b"\0\x01\x02 a\x01b 1",
        b"\xff\xfe 12 \x80",
        b"====::::((((",
        "\u{202e}right to left 12 é\u{0301}".as_bytes(),
        b"a 1\nb 2\nCaused by: c 3\n d 4",
        br#"{"msg":"x \" 12","a":1}"#,
        br#"{"msg":"12"}"#,
        b"<*> <*> \x01",
        long.as_bytes(),
    ];
    for line in odd {
        lossless(&mut miner, line);
        lossless(&mut miner, line);
    }
    let start = std::time::Instant::now();
    for at in 0..100 {
        lossless(&mut miner, format!("{at} {long}").as_bytes());
    }
    // A hundred lines of a megabyte in an unoptimised build: seconds would mean that all of each is read word by word.
    assert!(start.elapsed().as_secs() < 20);
    assert!(miner.catalog().form_count() < 40);
}

#[test]
fn many_open_positions_cost_bounded_time() {
    let (mut miner, mut numbers) = (Miner::default(), Numbers::new(6));
    let words = ["alpha", "beta", "gamma", "delta"];
    let start = std::time::Instant::now();
    for _ in 0..3000 {
        let line: Vec<&str> = (0..40).map(|_| words[(numbers.next() % 4) as usize]).collect();
        lossless(&mut miner, line.join(" ").as_bytes());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert!(miner.catalog().form_count() < 5000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Form and variables of any line are the line, byte for byte, however many lines came before it.
    #[test]
    fn any_lines_come_back(lines in prop::collection::vec(prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        r#"(\{"msg":")?([a-z]{1,5}|[0-9a-f:./-]{1,9}|[ ="',()\n\t]|é|Caused by: ){0,40}("\})?"#.prop_map(String::into_bytes),
    ], 1..20)) {
        let mut miner = Miner::default();
        for line in lines.iter().chain(&lines) {
            lossless(&mut miner, line);
        }
    }

    /// Where many forms have become one wide form, the lines still come back.
    #[test]
    fn lines_of_wide_forms_come_back(seed in 1u64..1_000_000) {
        let (mut miner, mut numbers) = (Miner::default(), Numbers::new(seed));
        for _ in 0..300 {
            lossless(&mut miner, format!("folder {} of {} moved", numbers.word(), numbers.next() % 9).as_bytes());
        }
    }
}

#[test]
fn a_position_with_a_million_values_costs_one_pattern() {
    let (mut miner, mut numbers, mut vars) = (Miner::default(), Numbers::new(9), Vec::new());
    for _ in 0..1_000_000 {
        vars.clear();
        miner.observe(&format!("Customer asked for the page {} and left", numbers.word()), &mut vars);
    }
    assert!(miner.catalog().form_count() < 200, "{} forms", miner.catalog().form_count());
    assert!(miner.catalog().export().len() < 64 * 1024, "{} bytes of state", miner.catalog().export().len());
}

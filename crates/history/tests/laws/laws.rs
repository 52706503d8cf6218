//! The laws, each for any implementation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use whittle_domain::Level;
use whittle_domain::query::Query;
use whittle_history::{Budget, Filter, QueryError, StageState, StoredRow, Total};

use crate::checks::{pages, same_answers};
use crate::harness::{Harness, Open};
use crate::model::Model;
use crate::rows::{DAY, Feeder, HOUR, Line, MINUTE, NOON, line};

/// Lines as services write them: a few patterns, sources and levels over some minutes.
pub fn usual_lines(count: i64) -> Vec<Line> {
    (0..count)
        .map(|n| {
            let (source, level, message) = match n % 5 {
                0 => ("auth", Level::Info, format!("User u{n} signed in from 10.0.0.{}", n % 200)),
                1 => ("auth", Level::Warn, format!("token of user u{n} expires in {n} s")),
                2 => ("checkout", Level::Error, format!("payment {n} refused by bank-{} after {n}ms", n % 3)),
                3 => ("checkout", Level::Info, format!("order {n} placed")),
                _ => ("web", Level::Debug, format!("GET /api/item/{n} 200 in {}ms", n % 90)),
            };
            Line {
                context: format!(r#"{{"n":{n},"k":"v{}"}}"#, n % 4),
                ..line(NOON + n * 700_000, source, level, &message)
            }
        })
        .collect()
}

/// Appends lines as one batch, to history and model.
pub fn append(open: &mut Open, feeder: &mut Feeder, model: &mut Model, lines: &[Line]) {
    let placed = feeder.place(lines);
    open.writer.append(&feeder.batch(&placed)).expect("there is room");
    model.rows.extend(placed);
}

pub fn finish(open: &mut Open) {
    open.writer.finish(StageState::default()).expect("the disk takes the rows");
}

pub fn appended_rows_are_found_at_once(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut open = harness.open(feeder.catalog());
    let mut model = Model::new(feeder.catalog());
    assert_eq!(open.reader.stats().rows, 0);
    same_answers(&*open.reader, &model, &Filter::default());
    for lines in usual_lines(60).chunks(7) {
        append(&mut open, &mut feeder, &mut model, lines);
        assert_eq!(open.reader.stats().rows, model.rows.len() as u64);
        assert_eq!(open.reader.head(), model.head());
        pages(&*open.reader, &model, &Filter::default());
    }
    same_answers(&*open.reader, &model, &Filter::default());
    let filter = Filter { source: Some("checkout".to_owned()), from: Some(NOON + MINUTE / 2), ..Filter::default() };
    same_answers(&*open.reader, &model, &filter);
}

pub fn committed_rows_and_state_are_there_after_a_restart(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut journal = Vec::new();
    for round in 0..4u8 {
        let mut open = harness.open(feeder.catalog());
        assert_eq!(open.checkpoint.positions, model.head());
        if round > 0 {
            assert_eq!(open.checkpoint.states["alerts"], Bytes::from(vec![round; 3]));
            assert_eq!(open.checkpoint.states["first"], Bytes::from("kept"));
            assert_eq!(open.checkpoint.journals["patterns"], Bytes::from(journal.clone()));
        }
        same_answers(&*open.reader, &model, &Filter::default());
        append(&mut open, &mut feeder, &mut model, &usual_lines(40));
        let mut state = StageState::default();
        state.states.insert("alerts".to_owned(), Bytes::from(vec![round + 1; 3]));
        if round == 0 {
            state.states.insert("first".to_owned(), Bytes::from("kept"));
        }
        state.journals.insert("patterns".to_owned(), Bytes::from(vec![round; 5]));
        journal.extend([round; 5]);
        open.writer.finish(state).expect("the disk takes the rows");
        assert_eq!(open.durable(), model.head());
        assert_eq!(open.reader.stats().tail_rows, 0);
        same_answers(&*open.reader, &model, &Filter::default());
    }
}

pub fn a_replay_stores_nothing_twice(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let placed = feeder.place(&usual_lines(30));
    {
        let mut open = harness.open(feeder.catalog());
        open.writer.append(&feeder.batch(&placed[..20])).expect("there is room");
        finish(&mut open);
        // Not committed: gone with the process, and sent again from the raw log.
        open.writer.append(&feeder.batch(&placed[20..])).expect("there is room");
    }
    let mut open = harness.open(feeder.catalog());
    assert_eq!(open.checkpoint.positions, [(0, 20)].into());
    model.rows.extend(placed.clone());
    open.writer.append(&feeder.batch(&placed)).expect("there is room");
    open.writer.append(&feeder.batch(&placed[3..25])).expect("there is room");
    same_answers(&*open.reader, &model, &Filter::default());
    finish(&mut open);
    open.writer.append(&feeder.batch(&placed)).expect("there is room");
    same_answers(&*open.reader, &model, &Filter::default());
}

pub fn messages_come_back_byte_for_byte(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    let long = "x1 ".repeat(350_000);
    let hostile = [
        "\0",
        "a\0b 17\0 \u{1}\u{2}c\u{2} 99\u{1}",
        "\u{2}whole",
        "\u{1b}[31mred 5\u{1b}[0m\r\n\ttab",
        "Größe 12 ΑΒΓ 日本語 9\u{301} \u{202e}rtl 4\u{feff}",
        "\u{10ffff}1\u{10ffff}",
        " ",
        "0",
        "\n\n\n",
        "{\"message\":\"json 5 inside\",\"n\":7}",
        "Exception in thread \"main\" java.lang.Error: 5\n\tat a.b.C(C.java:17)\nCaused by: x: 8",
        &long,
        &long[..999_999],
    ];
    let lines: Vec<Line> = hostile
        .iter()
        .enumerate()
        .map(|(n, message)| {
            let text = if n % 2 == 0 { "" } else { "S\0EVERE" };
            let source = if n % 3 == 0 { "s" } else { "quelle-ä\0" };
            Line { level_text: text.to_owned(), ..line(NOON - n as i64, source, Level::ALL[n % 4], message) }
        })
        .collect();
    append(&mut open, &mut feeder, &mut model, &lines);
    pages(&*open.reader, &model, &Filter::default());
    finish(&mut open);
    pages(&*open.reader, &model, &Filter::default());
    drop(open);
    let open = harness.open(feeder.catalog());
    pages(&*open.reader, &model, &Filter::default());
}

pub fn queries_mean_what_the_table_says(harness: &mut dyn Harness) {
    let cases = whittle_domain::query::cases::cases().expect("the table parses");
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    let lines: Vec<Line> = cases
        .row
        .iter()
        .map(|row| Line { context: row.context.clone(), ..line(NOON, &row.source, row.level, &row.message) })
        .collect();
    append(&mut open, &mut feeder, &mut model, &lines);
    for committed in [false, true] {
        if committed {
            finish(&mut open);
        }
        for case in &cases.case {
            let query = Query::parse(&case.q).expect("a query of the table");
            let filter = Filter { query: Some(Arc::new(query)), ..Filter::default() };
            let found = open.reader.recent(&filter, 1000, 0, &Budget::default()).expect("an answer");
            let mut names: Vec<&str> =
                found.rows.iter().map(|row| cases.row[row.offset as usize].name.as_str()).collect();
            let mut expected: Vec<&str> = case.rows.iter().map(String::as_str).collect();
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected, "{} (committed: {committed})", case.q);
            assert_eq!(found.total, Total::Exact(expected.len() as u64), "{}", case.q);
        }
    }
}

pub fn pages_do_not_slide_under_until(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    append(&mut open, &mut feeder, &mut model, &usual_lines(50));
    let first = open.reader.recent(&Filter::default(), 10, 0, &Budget::default()).expect("an answer");
    let filter = Filter { until: Some(first.until.clone()), ..Filter::default() };
    let second: Vec<StoredRow> = model.found(&filter)[10..20].to_vec();
    let mut late = usual_lines(50);
    late.iter_mut().for_each(|line| line.timestamp -= HOUR / 60);
    append(&mut open, &mut feeder, &mut model, &late);
    for committed in [false, true] {
        if committed {
            finish(&mut open);
            harness.tidy();
        }
        let again = open.reader.recent(&filter, 10, 10, &Budget::default()).expect("an answer");
        assert_eq!((again.rows, again.total, again.until), (second.clone(), Total::Exact(50), first.until.clone()));
        same_answers(&*open.reader, &model, &filter);
    }
}

pub fn a_query_out_of_budget_says_so(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    append(&mut open, &mut feeder, &mut model, &usual_lines(100));
    finish(&mut open);
    let query = Query::parse("~e").expect("a query");
    let filter = Filter { query: Some(Arc::new(query)), ..Filter::default() };
    let nothing = Budget::new(Duration::ZERO, 1 << 20);
    let recent = open.reader.recent(&filter, 10, 0, &nothing).expect("an answer");
    assert!(matches!(&recent.total, Total::AtLeast(n, reason) if *n < 100 && !reason.is_empty()), "{:?}", recent.total);
    let cancelled = Budget::default();
    cancelled.cancel();
    assert_eq!(open.reader.recent(&filter, 10, 0, &cancelled), Err(QueryError::Cancelled));
}

pub fn merging_changes_nothing_but_files(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    for (n, lines) in usual_lines(150).chunks(10).enumerate() {
        let mut lines = lines.to_vec();
        // Some come late, in files of all sizes.
        lines.iter_mut().skip(n % 7 + 3).for_each(|line| line.timestamp -= n as i64 * HOUR);
        append(&mut open, &mut feeder, &mut model, &lines);
        finish(&mut open);
    }
    let before = open.reader.stats();
    harness.tidy();
    let after = open.reader.stats();
    assert!(after.files < before.files, "{} files, then {}", before.files, after.files);
    assert_eq!((after.rows, after.range, after.dropped_rows), (before.rows, before.range, 0));
    for restarted in [false, true] {
        if restarted {
            drop(open);
            open = harness.open(feeder.catalog());
        }
        same_answers(&*open.reader, &model, &Filter::default());
        let query = Query::parse("refused or \"signed in\" or 17").expect("a query");
        let filter = Filter { query: Some(Arc::new(query)), from: Some(NOON - 5 * HOUR), ..Filter::default() };
        same_answers(&*open.reader, &model, &filter);
        for row in model.rows.iter().step_by(29) {
            let around = open.reader.around(0, row.offset, 3, &Budget::default()).expect("an answer");
            assert_eq!(around, model.around(0, row.offset, 3));
        }
    }
}

pub fn old_rows_go_by_their_receipt(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    harness.set_now(NOON + DAY);
    let mut open = harness.open(feeder.catalog());
    let mut old = usual_lines(20);
    old.iter_mut().for_each(|line| line.received_at = NOON);
    append(&mut open, &mut feeder, &mut model, &old);
    finish(&mut open);
    let mut new = usual_lines(20);
    // As old by their own time, but received later.
    new.iter_mut().for_each(|line| line.received_at = NOON + 2 * DAY);
    let placed = feeder.place(&new);
    open.writer.append(&feeder.batch(&placed)).expect("there is room");
    finish(&mut open);
    harness.tidy();
    assert_eq!(open.reader.stats().rows, 40, "nothing is old yet");
    harness.set_now(NOON + 8 * DAY);
    harness.tidy();
    let stats = open.reader.stats();
    assert_eq!((stats.rows, stats.dropped_rows), (20, 20));
    model.rows = placed;
    same_answers(&*open.reader, &model, &Filter::default());
    drop(open);
    let open = harness.open(feeder.catalog());
    assert_eq!(open.checkpoint.positions, [(0, 40)].into(), "what was dropped is not taken in again");
    same_answers(&*open.reader, &model, &Filter::default());
}

pub fn files_whose_first_values_differ_in_kind_are_merged(harness: &mut dyn Harness) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    // One form: the first value that each file sees is a number, a time with a unit, an address.
    for value in ["17", "250ms", "10.0.0.7:5432"] {
        let lines = [line(NOON, "db", Level::Info, &format!("waited for {value} in vain"))];
        append(&mut open, &mut feeder, &mut model, &lines);
        finish(&mut open);
    }
    assert_eq!(feeder.catalog().pattern_of(model.rows[0].form), feeder.catalog().pattern_of(model.rows[2].form));
    harness.tidy();
    assert!(open.reader.stats().files < 3, "{:?}", open.reader.stats());
    same_answers(&*open.reader, &model, &Filter::default());
}

//! Random rows, filters, pages, restarts and tidying against the model.

use std::sync::Arc;

use proptest::prelude::*;
use whittle_domain::Level;
use whittle_domain::query::Query;
use whittle_history::{Budget, Filter, LevelSet};

use crate::checks::same_answers;
use crate::harness::Harness;
use crate::laws::{append, finish};
use crate::model::Model;
use crate::rows::{DAY, Feeder, HOUR, Line, MINUTE, NOON, SECOND};

/// What may happen to a history.
#[derive(Debug, Clone)]
pub enum Step {
    Append(Vec<Line>),
    Skip(u32, u64),
    Commit,
    Reopen,
    Tidy,
    Ask(Box<Asked>),
}

/// A question.
#[derive(Debug, Clone)]
pub struct Asked {
    levels: u8,
    source: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    /// The pattern of this row, if any.
    pattern: Option<prop::sample::Index>,
    query: Option<String>,
    /// Rows appended so far that count.
    until: Option<prop::sample::Index>,
}

fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (0..10 * MINUTE).prop_map(|t| NOON + t),
        2 => (0..40i64).prop_map(|t| NOON + t * MINUTE),
        1 => (0..30 * DAY).prop_map(|t| NOON - t),
        1 => prop_oneof![Just(0), Just(253_402_300_799 * SECOND + 999_999), Just(1)],
    ]
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..50u32, 0..3u32).prop_map(|(n, h)| format!("payment {n} refused by bank-{h} after {n}ms")),
        3 => (0..50u32).prop_map(|n| format!("user{n}00 signed in, session=s{n}")),
        2 => "(load|queue|disk) of (db|web)-[0-9] is (high|low)",
        1 => "[a-c \0\u{1}\u{2}0-9/=äİK]{1,20}",
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let source = prop_oneof!["auth|web|db", "[A-C]"];
    let context = prop_oneof![
        2 => Just(String::new()),
        1 => (0..4u8, any::<bool>()).prop_map(|(n, ok)| format!(r#"{{"k":"v{n}","n":{n},"ok":{ok}}}"#)),
        1 => (0..4u8).prop_map(|n| format!(r#"{{"k":{n}}}"#)),
    ];
    (timestamp(), 0..2 * HOUR, 0..3u32, 0..4usize, source, message(), context).prop_map(
        |(timestamp, delay, partition, level, source, message, context)| Line {
            partition,
            timestamp,
            received_at: NOON + delay,
            level: Level::ALL[level],
            level_text: if delay % 3 == 0 { format!("L{level}") } else { String::new() },
            source,
            message,
            context,
        },
    )
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..50u32).prop_map(|n| format!("{n}")),
        (0..50u32).prop_map(|n| format!("user{n}00")),
        Just("refused".to_owned()),
        Just("\"refused by\"".to_owned()),
        Just("\"by bank-1\"".to_owned()),
        Just("nowhere".to_owned()),
        Just("sess* -signed".to_owned()),
        Just("~ank-".to_owned()),
        Just("high or low level:error".to_owned()),
        Just("source:AUTH k:v1".to_owned()),
        Just("n>=2".to_owned()),
        Just("k or i".to_owned()),
        "[a-z0-9]{1,2}",
    ]
    .prop_filter("a query", |q| Query::parse(q).is_ok())
}

fn asked() -> impl Strategy<Value = Asked> {
    let some = |p| prop::option::weighted(p, any::<prop::sample::Index>());
    let at = || prop::option::weighted(0.3, timestamp());
    (
        prop_oneof![3 => Just(0b1111u8), 1 => 0..16u8],
        prop::option::weighted(0.2, "auth|web|db|A|none"),
        at(),
        at(),
        some(0.15),
        prop::option::weighted(0.4, query()),
        some(0.25),
    )
        .prop_map(|(levels, source, from, to, pattern, query, until)| Asked {
            levels,
            source,
            from,
            to,
            pattern,
            query,
            until,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop::collection::vec(line(), 1..40).prop_map(Step::Append),
        1 => (0..3u32, 1..50u64).prop_map(|(partition, offsets)| Step::Skip(partition, offsets)),
        3 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Tidy),
        4 => asked().prop_map(|asked| Step::Ask(Box::new(asked))),
    ]
}

fn filter(asked: &Asked, model: &Model) -> Filter {
    let row = |index: &prop::sample::Index| (!model.rows.is_empty()).then(|| index.get(&model.rows));
    let until = asked.until.as_ref().map(|index| {
        let count = index.index(model.rows.len() + 1);
        Model { rows: model.rows[..count].to_vec(), catalog: model.catalog.clone() }.head()
    });
    Filter {
        levels: LevelSet(asked.levels),
        source: asked.source.clone(),
        from: asked.from,
        to: asked.to,
        pattern: asked.pattern.as_ref().and_then(row).map(|row| whittle_patterns::PatternId(row.form.0)),
        query: asked.query.as_deref().map(|q| Arc::new(Query::parse(q).expect("a query"))),
        until,
    }
}

/// What a random run does: steps, and a last question.
pub fn run() -> impl Strategy<Value = (Vec<Step>, Asked)> {
    (prop::collection::vec(step(), 1..24), asked())
}

/// Does it, and compares each answer.
pub fn a_history_answers_as_its_model(harness: &mut dyn Harness, (steps, last): (Vec<Step>, Asked)) {
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = harness.open(feeder.catalog());
    for step in steps.into_iter().chain([Step::Commit, Step::Tidy, Step::Ask(Box::new(last))]) {
        match step {
            Step::Append(lines) => append(&mut open, &mut feeder, &mut model, &lines),
            Step::Skip(partition, offsets) => feeder.skip(partition, offsets),
            Step::Commit => finish(&mut open),
            Step::Tidy => harness.tidy(),
            Step::Reopen => {
                finish(&mut open);
                drop(open);
                open = harness.open(feeder.catalog());
            }
            Step::Ask(asked) => same_answers(&*open.reader, &model, &filter(&asked, &model)),
        }
    }
    for row in model.rows.iter().take(3) {
        let around = open.reader.around(row.line.partition, row.offset, 2, &Budget::default()).expect("an answer");
        assert_eq!(around, model.around(row.line.partition, row.offset, 2));
    }
}

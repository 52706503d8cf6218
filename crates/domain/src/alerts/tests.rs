use std::collections::HashMap;

use whittle_patterns::PatternId;

use super::*;
use crate::{Batch, BatchBuilder, Level, Row, Severity};

const SECOND: i64 = 1_000_000;

#[derive(Default)]
struct Facts {
    severities: HashMap<u64, Severity>,
    merged: HashMap<u64, u64>,
    version: u64,
}

impl PatternFacts for Facts {
    fn resolve(&self, id: PatternId) -> PatternId {
        PatternId(self.merged.get(&id.0).copied().unwrap_or(id.0))
    }
    fn severity(&self, id: PatternId, _: Level) -> Severity {
        self.severities.get(&id.0).copied().unwrap_or_default()
    }
    fn version(&self) -> u64 {
        self.version
    }
}

/// Rows of (level, source, pattern, received at in seconds), offsets from `base`.
fn batch(base: u64, rows: &[(Level, &str, u64, i64)]) -> Batch {
    let mut builder = BatchBuilder::default();
    for (i, (level, source, pattern, second)) in rows.iter().enumerate() {
        let (source, message) = (builder.push_text(source), builder.push_text("no space left"));
        builder.push_row(Row {
            partition: 0,
            offset: base + i as u64,
            event_id: 0,
            timestamp: second * SECOND,
            received_at: second * SECOND,
            level: *level,
            source,
            message,
            context: Default::default(),
            level_text: Default::default(),
            vars_start: 0,
            vars_len: 0,
            form: Default::default(),
            pattern: PatternId(*pattern),
        });
    }
    builder.finish()
}

fn engine(rules: Vec<AlertRule>) -> AlertEngine {
    AlertEngine::new(RuleSet::new(rules).expect("valid"), EngineState::default())
}

fn run(engine: &mut AlertEngine, batch: &Batch, facts: &Facts) -> Vec<Notice> {
    let mut out = Vec::new();
    engine.observe(batch, facts, &mut out);
    engine.tick(None, &mut out);
    out
}

#[test]
fn ten_thousand_equal_errors_are_one_notice_and_one_update() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let facts = Facts::default();
    let first = run(&mut engine, &batch(0, &[(Level::Error, "a", 1, 100); 4_000]), &facts);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].kind, first[0].count), (NoticeKind::Firing, 4_000));
    assert_eq!(run(&mut engine, &batch(4_000, &[(Level::Error, "a", 1, 101); 6_000]), &facts), vec![]);
    let mut last = Vec::new();
    engine.tick(Some(399 * SECOND), &mut last);
    assert_eq!(last, vec![]);
    engine.tick(Some(400 * SECOND), &mut last);
    assert_eq!(last.len(), 1);
    assert_eq!((last[0].kind, last[0].count, &last[0].key), (NoticeKind::Update, 10_000, &first[0].key));
    assert_eq!(engine.open_windows(), 0);
}

#[test]
fn a_first_notice_given_in_a_lost_run_is_followed_by_the_total() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let first = run(&mut engine, &batch(0, &[(Level::Error, "a", 1, 100); 9]), &Facts::default());
    assert_eq!(first[0].count, 9);
    assert!(engine.recall(&first[0], 4), "the lost run had said 4");
    let mut last = Vec::new();
    engine.tick(Some(400 * SECOND), &mut last);
    assert_eq!((last.len(), last[0].kind, last[0].count), (1, NoticeKind::Update, 9));
    assert!(!engine.recall(&first[0], 4), "the window is over");
    run(&mut engine, &batch(9, &[(Level::Error, "a", 1, 500)]), &Facts::default());
    assert!(!engine.recall(&first[0], 4), "the window is another");
}

#[test]
fn a_single_row_has_no_update() {
    let mut engine = engine(vec![AlertRule::errors()]);
    assert_eq!(run(&mut engine, &batch(0, &[(Level::Error, "a", 1, 0)]), &Facts::default()).len(), 1);
    let mut out = Vec::new();
    engine.tick(Some(1_000 * SECOND), &mut out);
    assert_eq!(out, vec![]);
}

#[test]
fn fingerprints_are_rule_pattern_and_source() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let rows =
        [(Level::Error, "a", 1, 0), (Level::Error, "b", 1, 0), (Level::Error, "a", 2, 0), (Level::Warn, "a", 3, 0)];
    assert_eq!(run(&mut engine, &batch(0, &rows), &Facts::default()).len(), 3);
    let merged = Facts { merged: HashMap::from([(9, 1)]), version: 1, ..Facts::default() };
    assert_eq!(run(&mut engine, &batch(4, &[(Level::Error, "a", 9, 1)]), &merged), vec![], "9 is 1 now");
}

#[test]
fn every_given_condition_must_hold() {
    let base = AlertRule { level: None, ..AlertRule::errors() };
    let id = "0000000000000001".to_owned();
    for (rule, fires) in [
        (AlertRule { level: Some(Level::Warn), ..base.clone() }, true),
        (AlertRule { level: Some(Level::Error), ..base.clone() }, false),
        (AlertRule { severity: Some(Severity::High), ..base.clone() }, true),
        (AlertRule { severity: Some(Severity::Critical), ..base.clone() }, false),
        (AlertRule { source: Some("a".into()), ..base.clone() }, true),
        (AlertRule { source: Some("A".into()), ..base.clone() }, false),
        (AlertRule { pattern: Some(id.clone()), ..base.clone() }, true),
        (AlertRule { pattern: Some("0000000000000002".into()), ..base.clone() }, false),
        (AlertRule { text: Some("SPACE".into()), ..base.clone() }, true),
        (AlertRule { text: Some("space".into()), source: Some("b".into()), ..base.clone() }, false),
        (AlertRule { level: Some(Level::Info), pattern: Some(id), text: Some("left".into()), ..base.clone() }, true),
    ] {
        let facts = Facts { severities: HashMap::from([(1, Severity::High)]), ..Facts::default() };
        let notices = run(&mut engine(vec![rule.clone()]), &batch(0, &[(Level::Warn, "a", 1, 0)]), &facts);
        assert_eq!(notices.len(), usize::from(fires), "{rule:?}");
    }
}

#[test]
fn a_severity_that_rises_is_seen() {
    let mut engine = engine(vec![AlertRule { level: None, severity: Some(Severity::High), ..AlertRule::errors() }]);
    let mut facts = Facts::default();
    assert_eq!(run(&mut engine, &batch(0, &[(Level::Info, "a", 1, 0)]), &facts), vec![]);
    facts.severities.insert(1, Severity::Critical);
    facts.version += 1;
    assert_eq!(run(&mut engine, &batch(1, &[(Level::Info, "a", 1, 0)]), &facts).len(), 1);
}

#[test]
fn backfill_makes_no_alert() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let mut rows = batch(0, &[(Level::Error, "a", 1, 7_300)]).rows()[0];
    let mut builder = BatchBuilder::default();
    rows.source = builder.push_text("a");
    rows.message = builder.push_text("late");
    rows.timestamp = 3_699 * SECOND;
    builder.push_row(rows);
    assert_eq!(run(&mut engine, &builder.finish(), &Facts::default()), vec![]);
    assert_eq!(engine.backfill, 1);
}

#[test]
fn going_on_from_a_state_gives_what_an_engine_that_never_stopped_gives() {
    let rules = || vec![AlertRule { window_seconds: 10, ..AlertRule::errors() }];
    let facts = Facts::default();
    let rows: Vec<_> = (0..60).map(|i| (Level::Error, ["a", "b"][i % 2], (i % 3) as u64, i as i64)).collect();
    let mut straight = engine(rules());
    let mut expected = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        expected.extend(run(&mut straight, &batch(i as u64, &[*row]), &facts));
    }
    for stop in [1, 17, 30, 59] {
        let mut engine = engine(rules());
        let mut got = Vec::new();
        for (i, row) in rows[..stop].iter().enumerate() {
            got.extend(run(&mut engine, &batch(i as u64, &[*row]), &facts));
        }
        let state = serde_json::to_string(&engine.state()).expect("writable");
        let state = serde_json::from_str(&state).expect("readable");
        let mut engine = AlertEngine::new(RuleSet::new(rules()).expect("valid"), state);
        // The replay starts earlier than the state: what was seen is skipped.
        for i in stop.saturating_sub(5)..rows.len() {
            got.extend(run(&mut engine, &batch(i as u64, &rows[i..=i]), &facts));
        }
        let sorted = |mut notices: Vec<Notice>| {
            notices.sort_by_key(|n| (n.key.clone(), n.kind == NoticeKind::Update));
            notices
        };
        assert_eq!(sorted(got), sorted(expected.clone()), "stopped after {stop}");
    }
}

#[test]
fn a_clock_that_jumps_ahead_and_back_does_not_keep_a_window_open() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let facts = Facts::default();
    let day = 86_400;
    assert_eq!(run(&mut engine, &batch(0, &[(Level::Error, "a", 1, 10 * day)]), &facts).len(), 1);
    assert_eq!(run(&mut engine, &batch(1, &[(Level::Error, "a", 1, 9 * day)]), &facts).len(), 1);
}

#[test]
fn fingerprints_without_room_are_counted() {
    let mut engine = engine(vec![AlertRule::errors()]);
    let rows: Vec<_> = (0..10_002).map(|i| (Level::Error, "a", i, 0)).collect();
    assert_eq!(run(&mut engine, &batch(0, &rows), &Facts::default()).len(), 10_000);
    assert_eq!((engine.overflowed, engine.open_windows()), (2, 10_000));
}

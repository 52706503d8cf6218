//! What readers see as knowledge grows, what survives a crash, and how patterns that become one are followed.

use std::sync::{Arc, LazyLock};

use whittle_disk::{Disk, OsDisk};
use whittle_domain::alerts::PatternFacts;
use whittle_domain::knowledge::Knowledge;
use whittle_domain::{Category, InsightStatus, Level, Severity};
use whittle_patterns::{Miner, PatternId};

use super::*;

fn knowledge() -> Arc<Knowledge> {
    static SHARED: LazyLock<Arc<Knowledge>> =
        LazyLock::new(|| Arc::new(Knowledge::builtin().expect("the rules compile")));
    SHARED.clone()
}

fn mine(miner: &mut Miner, line: &str) -> PatternId {
    miner.observe(line, &mut Vec::new()).pattern
}

fn words(pattern: PatternId, summary: &str) -> Words {
    Words {
        pattern,
        level: Level::Error,
        summary: summary.to_owned(),
        raise: true,
        category: Category::Dependency,
        remediation: Some("Look at it.".to_owned()),
        confidence: 0.8,
        model: "m".to_owned(),
        answered_at: 1,
    }
}

fn open(miner: &Miner, dir: &Path) -> Insights {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    Insights::open(knowledge(), miner.catalog(), true, disk, dir).expect("opens")
}

#[test]
fn local_knowledge_is_there_at_once() {
    let mut miner = Miner::default();
    let pattern = mine(&mut miner, "connect to 10.0.0.1 timed out");
    for (configured, status) in [(false, InsightStatus::NoKey), (true, InsightStatus::Pending)] {
        let insights = Insights::new(knowledge(), miner.catalog(), configured);
        let insight = insights.get(pattern, Level::Error);
        assert_eq!((insight.summary.as_str(), insight.confidence), ("analysis_failed", 0.0));
        assert_eq!((insight.status, insight.severity), (status, Severity::Medium));
        assert!(!insight.hint.is_empty());
        assert_eq!(insights.get(pattern, Level::Info).severity, Severity::Info);
        let json: serde_json::Value = serde_json::from_str(&insights.json(pattern, Level::Error)).expect("JSON");
        assert_eq!((&json["summary"], &json["confidence"]), (&"analysis_failed".into(), &0.0.into()));
        assert_eq!(insights.get(PatternId(77), Level::Warn).severity, Severity::Low, "an id that nobody knows");
    }
}

#[test]
fn words_are_joined_and_told_to_subscribers() {
    let mut miner = Miner::default();
    let pattern = mine(&mut miner, "connect to 10.0.0.1 timed out");
    let insights = Insights::new(knowledge(), miner.catalog(), true);
    let mut updates = insights.subscribe();
    let before = (insights.json(pattern, Level::Error), insights.version());
    insights.set(words(pattern, "It is slow.")).expect("memory alone");
    assert_ne!(insights.json(pattern, Level::Error), before.0);
    assert!(insights.version() > before.1);
    let insight = insights.get(pattern, Level::Error);
    assert_eq!((insight.summary.as_str(), insight.status), ("It is slow.", InsightStatus::Ok));
    assert_eq!((insight.severity, insight.category), (Severity::High, Category::Dependency));
    assert_eq!(PatternFacts::severity(&insights, pattern, Level::Info), Severity::Low, "one step at each level");
    let update = updates.try_recv().expect("an update");
    assert_eq!((update.pattern, update.level, update.insight), (pattern, Level::Error, insight));
    insights.set_state(pattern, Level::Error, InsightStatus::ModelFailed);
    assert!(updates.try_recv().is_err(), "what is known stays");
    assert_eq!(insights.get(pattern, Level::Error).status, InsightStatus::Ok);
}

#[test]
fn states_show_and_pass() {
    let mut miner = Miner::default();
    let pattern = mine(&mut miner, "x failed");
    let insights = Insights::new(knowledge(), miner.catalog(), true);
    assert_eq!(insights.get(pattern, Level::Warn).status, InsightStatus::Pending);
    for status in [InsightStatus::OverBudget, InsightStatus::ModelFailed, InsightStatus::Pending] {
        insights.set_state(pattern, Level::Warn, status);
        let insight = insights.get(pattern, Level::Warn);
        assert_eq!((insight.status, insight.summary.as_str(), insight.confidence), (status, "analysis_failed", 0.0));
    }
}

#[test]
fn paid_words_survive_and_the_last_ones_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut miner = Miner::default();
    let (one, two) = (mine(&mut miner, "alpha failed"), mine(&mut miner, "beta stopped working"));
    let insights = open(&miner, folder.path());
    for summary in ["first", "second"] {
        insights.set(words(one, summary)).expect("written");
    }
    insights.set(words(two, "other")).expect("written");
    drop(insights);
    let again = open(&miner, folder.path());
    assert_eq!(again.get(one, Level::Error).summary, "second");
    assert_eq!(again.get(two, Level::Error).summary, "other");
    assert_eq!((again.words_count(), again.has_words(one)), (2, true));
}

#[test]
fn a_torn_or_damaged_end_costs_its_entry_alone() {
    let mut miner = Miner::default();
    let patterns: Vec<PatternId> =
        ["alpha failed", "beta stopped working", "gamma ended early now"].map(|l| mine(&mut miner, l)).to_vec();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("insights.journal");
    let insights = open(&miner, folder.path());
    let mut ends = vec![std::fs::metadata(&path).expect("there").len()];
    for pattern in &patterns {
        insights.set(words(*pattern, "s")).expect("written");
        ends.push(std::fs::metadata(&path).expect("there").len());
    }
    drop(insights);
    let whole = std::fs::read(&path).expect("read");
    for cut in (0..=whole.len()).step_by(7).chain([whole.len()]) {
        std::fs::write(&path, &whole[..cut]).expect("written");
        let kept = ends.iter().skip(1).filter(|end| **end <= cut as u64).count();
        let insights = open(&miner, folder.path());
        assert_eq!(insights.words_count(), kept, "cut at {cut}");
        // What is appended after the cut is found again.
        insights.set(words(patterns[2], "again")).expect("written");
        assert_eq!(open(&miner, folder.path()).get(patterns[2], Level::Error).summary, "again", "cut at {cut}");
    }
    let mut flipped = whole.clone();
    let at = flipped.len() - 3;
    flipped[at] ^= 1;
    std::fs::write(&path, &flipped).expect("written");
    assert_eq!(open(&miner, folder.path()).words_count(), 2);
}

#[test]
fn the_journal_stays_small_and_refuses_what_it_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut miner = Miner::default();
    let pattern = mine(&mut miner, "alpha failed");
    let insights = open(&miner, folder.path());
    for n in 0..400 {
        insights.set(words(pattern, &format!("{n} {}", "x".repeat(1_000)))).expect("written");
    }
    let path = folder.path().join("insights.journal");
    let size = std::fs::metadata(&path).expect("there").len();
    assert!(size <= 64 << 10, "{size}");
    assert!(open(&miner, folder.path()).get(pattern, Level::Error).summary.starts_with("399 "));
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let mut newer = Vec::new();
    let head = b"whittle journal 2";
    newer.extend((head.len() as u32).to_le_bytes());
    newer.extend(crc32c::crc32c(head).to_le_bytes());
    newer.extend(head);
    for (bytes, says) in [(newer, "newer version"), (b"something else entirely, and long".to_vec(), "not a journal")] {
        std::fs::write(&path, bytes).expect("written");
        let error =
            Insights::open(knowledge(), miner.catalog(), true, disk.clone(), folder.path()).err().expect("refused");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn patterns_that_become_one_share_what_is_known() {
    let mut miner = Miner::default();
    let insights = Insights::new(knowledge(), miner.catalog(), true);
    let lines: Vec<String> = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]
        .iter()
        .map(|user| format!("session closed for user {user} after timeout"))
        .collect();
    let first = mine(&mut miner, &lines[0]);
    insights.refresh();
    assert_eq!(insights.get(first, Level::Info).status, InsightStatus::Pending);
    insights.set(words(first, "A session ended.")).expect("memory alone");
    let ids: Vec<PatternId> = lines.iter().map(|line| mine(&mut miner, line)).collect();
    let joined: Vec<PatternId> =
        ids.iter().copied().filter(|id| insights.resolve(*id) == insights.resolve(first)).collect();
    assert!(joined.iter().any(|id| *id != first) || insights.resolve(first) != first, "none of {ids:?} joined {first}");
    insights.refresh();
    for id in joined {
        assert_eq!(insights.get(id, Level::Info).summary, "A session ended.");
    }
}

#[test]
fn readers_and_writers_at_once_end_with_the_last_words() {
    let mut miner = Miner::default();
    let pattern = mine(&mut miner, "alpha failed");
    let insights = Insights::new(knowledge(), miner.catalog(), true);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    assert!(!insights.json(pattern, Level::Error).is_empty());
                }
            });
        }
        for n in 0..200 {
            insights.set(words(pattern, &n.to_string())).expect("memory alone");
        }
    });
    assert_eq!(insights.get(pattern, Level::Error).summary, "199");
}

//! How much an insight is worth, computed: a model's own figure says nothing.
//!
//! A heuristic, documented as one: base by source × share of checks passed × agreement with the line's level × evidence,
//! at most 0.95.

use crate::{Level, Severity};

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The rules that are built in.
    Local,
    /// A model.
    Model,
}

/// What speaks for an insight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Who says it.
    pub source: Source,
    /// Checks that it passed, and all of them.
    pub checks: (u32, u32),
    /// The level of the lines.
    pub level: Level,
    /// The severity that was found.
    pub severity: Severity,
    /// Lines that were seen.
    pub lines: u64,
}

/// 0 to 0.95.
pub fn confidence(evidence: &Evidence) -> f32 {
    let base = match evidence.source {
        Source::Local => 0.5,
        Source::Model => 0.8,
    };
    let (passed, all) = evidence.checks;
    let checks = if all == 0 { 1.0 } else { passed.min(all) as f32 / all as f32 };
    let agreement = if agrees(evidence.level, evidence.severity) { 1.0 } else { 0.7 };
    let lines = if evidence.lines < 5 { 0.6 } else { 1.0 };
    let value: f32 = base * checks * agreement * lines;
    // Two digits: more would claim a precision that is not there.
    (value.min(0.95) * 100.0).round() / 100.0
}

/// Whether a severity is what lines of a level usually deserve.
fn agrees(level: Level, severity: Severity) -> bool {
    match level {
        Level::Error => severity >= Severity::Medium,
        Level::Warn => (Severity::Low..=Severity::High).contains(&severity),
        Level::Info | Level::Debug => severity <= Severity::Low,
    }
}

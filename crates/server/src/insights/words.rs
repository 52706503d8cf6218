//! A model's words about a pattern, as they are kept.

use serde::{Deserialize, Serialize};
use whittle_domain::{Category, Level};
use whittle_patterns::PatternId;

/// What passed the checks of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The pattern that was asked about.
    pub pattern: PatternId,
    /// The highest level at which it had been seen.
    pub level: Level,
    /// One plain sentence.
    pub summary: String,
    /// Whether the severity is one step above that of local analysis.
    pub raise: bool,
    /// What it is about.
    pub category: Category,
    /// What to do.
    pub remediation: Option<String>,
    /// 0 to 0.95.
    pub confidence: f32,
    /// Which model said so.
    pub model: String,
    /// Milliseconds since 1970.
    pub answered_at: i64,
}

/// How they stand in the journal: fields that a later program adds are passed over.
#[derive(Serialize, Deserialize)]
struct Entry {
    pattern: String,
    level: Level,
    summary: String,
    raise: bool,
    category: Category,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    remediation: Option<String>,
    confidence: f32,
    model: String,
    answered_at: i64,
}

impl Words {
    pub(super) fn encode(&self) -> Vec<u8> {
        let entry = Entry {
            pattern: self.pattern.to_string(),
            level: self.level,
            summary: self.summary.clone(),
            raise: self.raise,
            category: self.category,
            remediation: self.remediation.clone(),
            confidence: self.confidence,
            model: self.model.clone(),
            answered_at: self.answered_at,
        };
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_vec(&entry).unwrap_or_default()
    }

    /// Reads words as they are kept.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Words> {
        let entry: Entry = serde_json::from_slice(bytes).ok()?;
        Some(Words {
            pattern: entry.pattern.parse().ok()?,
            level: entry.level,
            summary: entry.summary,
            raise: entry.raise,
            category: entry.category,
            remediation: entry.remediation,
            confidence: entry.confidence,
            model: entry.model,
            answered_at: entry.answered_at,
        })
    }
}

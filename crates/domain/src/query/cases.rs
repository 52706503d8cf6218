//! The table of what queries mean: rows, queries with the rows that they find, and queries that are refused.
//!
//! Every history that answers queries runs it, so that none of them reads one otherwise.

use serde::Deserialize;
use whittle_patterns::PatternId;

use super::RowView;
use crate::Level;

const TABLE: &str = include_str!("cases.toml");

/// The whole table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// The rows that are looked through.
    pub row: Vec<CaseRow>,
    /// What is found.
    pub case: Vec<Case>,
    /// What is refused.
    pub error: Vec<ErrorCase>,
}

/// A row of the table. Its pattern is whatever analysis makes of it; no case names one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRow {
    /// By which the cases name it.
    pub name: String,
    /// Who sent it.
    #[serde(default = "default_source")]
    pub source: String,
    /// One of the four.
    #[serde(default)]
    pub level: Level,
    /// What was sent.
    pub message: String,
    /// JSON object, or empty.
    #[serde(default)]
    pub context: String,
}

fn default_source() -> String {
    "web".to_owned()
}

/// A query and the names of the rows that it finds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The query.
    pub q: String,
    /// Exactly these rows, in any order.
    pub rows: Vec<String>,
}

/// A query that is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorCase {
    /// The query.
    pub q: String,
    /// The character that the error points at.
    pub at: usize,
    /// Part of its words.
    pub says: String,
}

/// The table.
///
/// # Errors
/// When it is not the TOML that is expected, which a test rules out.
pub fn cases() -> Result<Cases, toml::de::Error> {
    toml::from_str(TABLE)
}

impl CaseRow {
    /// The row as a query sees it.
    pub fn view(&self, pattern: PatternId) -> RowView<'_> {
        RowView { source: &self.source, level: self.level, message: &self.message, context: &self.context, pattern }
    }
}

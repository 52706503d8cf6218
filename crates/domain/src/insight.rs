//! What is known about a pattern in plain words.

use serde::{Deserialize, Serialize};

/// How much a pattern matters to the person on call, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    #[default]
    Info,
    /// Worth a look some day.
    Low,
    /// Worth a look today.
    Medium,
    /// Someone should look now.
    High,
    /// Users are harmed, or data are at risk.
    Critical,
}

/// What kind of thing a pattern tells of: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Category {
    Availability,
    Configuration,
    Data,
    Database,
    Dependency,
    Network,
    Performance,
    Resource,
    Security,
    Storage,
    Code,
    Traffic,
    Lifecycle,
    #[default]
    Other,
}

/// Where an insight stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsightStatus {
    /// The model answered and the answer passed every check.
    Ok,
    /// The model will be asked.
    Pending,
    /// No model is configured: local analysis alone.
    #[default]
    NoKey,
    /// The budget of calls, tokens or money is spent.
    OverBudget,
    /// The model could not be reached or did not answer usably.
    ModelFailed,
    /// The model's answer broke a rule.
    Rejected,
    /// A person wrote it.
    Edited,
}

/// The summary of an insight without a model's words.
pub const ANALYSIS_FAILED: &str = "analysis_failed";

/// The `insight` of rows and events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    /// One plain sentence, or [`ANALYSIS_FAILED`].
    pub summary: String,
    /// 0 to 1; 0 without a model's words.
    pub confidence: f32,
    /// Where it stands.
    pub status: InsightStatus,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// What to look at, found without a model; empty when there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub hint: String,
    /// What to do, in the model's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remediation: Option<String>,
    /// Which model said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
}

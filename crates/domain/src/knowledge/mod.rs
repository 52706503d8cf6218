//! What can be said of a pattern without a model: severity, category and a hint for the well-known families.
//!
//! The rules are data (`rules.toml`), each with examples that are its tests.
//! They are asked once for each pattern and level, so they may be slow; what
//! they say must be right, because it is what everybody sees who has no key.

#[cfg(test)]
mod tests;

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::{Category, Level, Severity};

const RULES: &str = include_str!("rules.toml");

/// Bytes that the automaton of all expressions may take. It is built as templates come; in a tenth of it they take a
/// hundred times as long, because what was built is thrown away again and again.
const AUTOMATON_BYTES: usize = 8 << 20;

/// What local analysis says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Local {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub category: Category,
    /// What to look at; empty when there is nothing to say.
    pub hint: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[cfg_attr(not(test), allow(dead_code, reason = "names the rule in the file and in its tests"))]
    name: String,
    any: Vec<String>,
    severity: Severity,
    category: Category,
    #[serde(default)]
    sure: bool,
    hint: String,
    #[cfg_attr(not(test), allow(dead_code, reason = "the rule's tests"))]
    examples: Vec<String>,
}

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// It is not the TOML that is expected.
    #[error("rules of local analysis: {0}")]
    File(#[from] toml::de::Error),
    /// An expression does not compile.
    #[error("expressions of local analysis: {0}")]
    Expression(#[from] regex::Error),
}

/// The compiled rules. Takes some milliseconds to build; share one.
#[derive(Debug)]
pub struct Knowledge {
    rules: Vec<Rule>,
    /// All expressions of all rules.
    expressions: RegexSet,
    /// For each expression the rule that it belongs to; rises.
    owners: Vec<usize>,
}

impl Knowledge {
    /// The rules that are built in.
    ///
    /// # Errors
    /// When they do not compile, which a test rules out.
    pub fn builtin() -> Result<Self, KnowledgeError> {
        let file: RuleFile = toml::from_str(RULES)?;
        let expressions = file.rule.iter().flat_map(|rule| &rule.any);
        let owners = file.rule.iter().enumerate().flat_map(|(i, rule)| vec![i; rule.any.len()]).collect();
        let expressions = RegexSetBuilder::new(expressions)
            .case_insensitive(true)
            .unicode(false)
            .size_limit(64 << 20)
            .dfa_size_limit(AUTOMATON_BYTES)
            .build()?;
        Ok(Knowledge { rules: file.rule, expressions, owners })
    }

    /// Severity, category and hint of a pattern's template for rows of a level.
    pub fn assess(&self, template: &str, level: Level) -> Local {
        match self.rule(template) {
            Some(rule) => Local {
                severity: severity_at(rule, level),
                category: rule.category,
                // At info a word of trouble is most often a setting or a recovery; a hint would be noise.
                hint: if level >= Level::Warn || rule.sure { rule.hint.clone() } else { String::new() },
            },
            None => Local { severity: severity_of_level(level), ..Local::default() },
        }
    }

    fn rule(&self, template: &str) -> Option<&Rule> {
        let first = self.expressions.matches(template.as_bytes()).iter().map(|at| self.owners[at]).min()?;
        self.rules.get(first)
    }
}

fn severity_of_level(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Medium,
        Level::Warn => Severity::Low,
        Level::Info | Level::Debug => Severity::Info,
    }
}

fn severity_at(rule: &Rule, level: Level) -> Severity {
    match level {
        _ if rule.sure => rule.severity,
        Level::Error => rule.severity,
        Level::Warn => match rule.severity {
            Severity::Critical => Severity::High,
            Severity::High => Severity::Medium,
            _ => Severity::Low,
        },
        Level::Info | Level::Debug => Severity::Info,
    }
}

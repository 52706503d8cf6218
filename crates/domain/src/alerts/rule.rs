//! What an alert rule asks of a row.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use whittle_patterns::PatternId;

use super::PatternFacts;
use crate::{Batch, Level, Row, Severity};

/// One `[[alerts.rules]]` of the settings file. Every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Name in notifications; unique.
    pub name: String,
    /// The row's level or above.
    #[serde(default)]
    pub level: Option<Level>,
    /// The severity of the row's insight or above.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The row's source, exactly.
    #[serde(default)]
    pub source: Option<String>,
    /// The row's pattern: 16 lower-case hex digits; any id that the pattern was ever shown under.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Text that stands in the message, in any case of ASCII letters.
    #[serde(default)]
    pub text: Option<String>,
    /// Seconds for which rows of one pattern and source are one notification.
    #[serde(default = "default_window")]
    pub window_seconds: u32,
}

fn default_window() -> u32 {
    300
}

impl AlertRule {
    /// The rule that holds when none is configured: rows of level error.
    pub fn errors() -> Self {
        AlertRule {
            name: "errors".into(),
            level: Some(Level::Error),
            severity: None,
            source: None,
            pattern: None,
            text: None,
            window_seconds: default_window(),
        }
    }
}

/// Why rules cannot be used: to be shown to whoever wrote them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// There are more than fit.
    #[error("{0} rules are too many; at most 64")]
    TooMany(usize),
    /// A rule has no name, or one that is taken.
    #[error("rule {0} needs a name of its own of 1 to 100 characters")]
    Name(usize),
    /// A rule that would fire on every row.
    #[error("rule '{0}' has no condition; give it a level, severity, source, pattern or text")]
    Empty(String),
    /// A pattern that is no id.
    #[error("rule '{0}': pattern '{1}' is not 16 lower-case hex digits")]
    Pattern(String, String),
    /// A source or text that is empty.
    #[error("rule '{0}': source and text may not be empty; leave them out instead")]
    EmptyText(String),
    /// A window of no or absurd length.
    #[error("rule '{0}': window_seconds = {1}; give 1 to 86400")]
    Window(String, u32),
}

/// Rules that passed every check.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<AlertRule>,
    patterns: Vec<Option<PatternId>>,
}

impl RuleSet {
    /// Checks the rules.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(rules: Vec<AlertRule>) -> Result<Self, RuleError> {
        if rules.len() > 64 {
            return Err(RuleError::TooMany(rules.len()));
        }
        let mut patterns = Vec::with_capacity(rules.len());
        for (i, rule) in rules.iter().enumerate() {
            let taken = rules[..i].iter().any(|other| other.name == rule.name);
            if rule.name.trim().is_empty() || rule.name.chars().count() > 100 || taken {
                return Err(RuleError::Name(i + 1));
            }
            patterns.push(check(rule)?);
        }
        Ok(RuleSet { rules, patterns })
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[AlertRule] {
        &self.rules
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Which rules a row of this level may match, whatever the rest is: bit n for rule n.
    pub(super) fn by_level(&self, level: Level) -> u64 {
        self.bits(|_, rule| rule.level.is_none_or(|least| level >= least))
    }

    /// Which rules rows of a pattern may match, as far as pattern and severity say.
    pub(super) fn by_pattern(&self, severity: Severity, resolved: impl Fn(PatternId) -> bool) -> u64 {
        self.bits(|i, rule| {
            rule.severity.is_none_or(|least| severity >= least) && self.patterns[i].is_none_or(&resolved)
        })
    }

    /// Whether a rule's source and text match.
    pub(super) fn by_text(&self, index: usize, source: &str, message: &str) -> bool {
        let rule = &self.rules[index];
        rule.source.as_ref().is_none_or(|wanted| wanted == source)
            && rule.text.as_ref().is_none_or(|wanted| contains_ignoring_case(message, wanted))
    }

    fn bits(&self, holds: impl Fn(usize, &AlertRule) -> bool) -> u64 {
        let matching = self.rules.iter().enumerate().filter(|(i, rule)| holds(*i, rule));
        matching.fold(0, |bits, (i, _)| bits | 1 << i)
    }
}

/// Tells rows that some rule matches from the many that none does, where the engine that counts them is elsewhere.
#[derive(Debug)]
pub struct Sieve {
    rules: RuleSet,
    by_level: [u64; 4],
}

impl Sieve {
    /// A sieve of these rules.
    pub fn new(rules: RuleSet) -> Self {
        let by_level = Level::ALL.map(|level| rules.by_level(level));
        Sieve { rules, by_level }
    }

    /// Whether the engine would count a row.
    pub fn takes(&self, batch: &Batch, row: &Row, facts: &dyn PatternFacts) -> bool {
        let mut candidates = self.by_level[row.level as usize];
        if candidates == 0 {
            return false;
        }
        let pattern = facts.resolve(row.pattern);
        let severity = facts.severity(pattern, row.level);
        candidates &= self.rules.by_pattern(severity, |wanted| facts.resolve(wanted) == pattern);
        let text = batch.text(row);
        let matches = |rule: usize| candidates & 1 << rule != 0 && self.rules.by_text(rule, text.source, text.message);
        (0..self.rules.rules().len()).any(matches)
    }
}

fn check(rule: &AlertRule) -> Result<Option<PatternId>, RuleError> {
    let name = || rule.name.clone();
    let nothing = rule.level.is_none() && rule.severity.is_none();
    if nothing && rule.source.is_none() && rule.pattern.is_none() && rule.text.is_none() {
        return Err(RuleError::Empty(name()));
    }
    if rule.source.as_deref() == Some("") || rule.text.as_deref() == Some("") {
        return Err(RuleError::EmptyText(name()));
    }
    if !(1..=86_400).contains(&rule.window_seconds) {
        return Err(RuleError::Window(name(), rule.window_seconds));
    }
    let parse = |id: &String| PatternId::from_str(id).map_err(|_| RuleError::Pattern(name(), id.clone()));
    rule.pattern.as_ref().map(parse).transpose()
}

fn contains_ignoring_case(text: &str, wanted: &str) -> bool {
    text.len() >= wanted.len()
        && text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: impl Fn(&mut AlertRule)) -> AlertRule {
        let mut rule = AlertRule::errors();
        change(&mut rule);
        rule
    }

    #[test]
    fn each_mistake_has_its_message() {
        for (rule, message) in [
            (rule(|r| r.name = " ".into()), "rule 1 needs a name of its own of 1 to 100 characters"),
            (
                rule(|r| r.level = None),
                "rule 'errors' has no condition; give it a level, severity, source, pattern or text",
            ),
            (rule(|r| r.pattern = Some("XYZ".into())), "rule 'errors': pattern 'XYZ' is not 16 lower-case hex digits"),
            (
                rule(|r| r.text = Some(String::new())),
                "rule 'errors': source and text may not be empty; leave them out instead",
            ),
            (rule(|r| r.window_seconds = 0), "rule 'errors': window_seconds = 0; give 1 to 86400"),
        ] {
            assert_eq!(RuleSet::new(vec![rule]).expect_err("wrong").to_string(), message);
        }
        let twice = RuleSet::new(vec![AlertRule::errors(), AlertRule::errors()]);
        assert_eq!(twice.expect_err("same name"), RuleError::Name(2));
        assert_eq!(RuleSet::new(vec![AlertRule::errors(); 65]).expect_err("many"), RuleError::TooMany(65));
    }

    #[test]
    fn reads_from_the_settings_file_and_names_unknown_keys() {
        let good: AlertRule = toml::from_str("name='x'\nlevel='warn'\nseverity='high'\ntext='Disk'").expect("valid");
        assert_eq!((good.level, good.severity, good.window_seconds), (Some(Level::Warn), Some(Severity::High), 300));
        let bad = toml::from_str::<AlertRule>("name='x'\nlevle='warn'").expect_err("typo");
        assert!(bad.to_string().contains("levle"), "{bad}");
    }

    #[test]
    fn text_is_found_in_any_case() {
        assert!(contains_ignoring_case("No space left on DEVICE", "device"));
        assert!(!contains_ignoring_case("dev", "device"));
    }
}

//! What a client opts into: in the query string of the upgrade, or in a `subscribe` message, which replaces what was before.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use serde::Deserialize;
use whittle_domain::Level;
use whittle_patterns::PatternId;

use super::filter::{Filter, FilterKey, Levels};
use super::ring::Heads;

/// The longest that events may be gathered for a frame.
const MAX_BATCH_MS: u16 = 1000;
/// Partitions that a client may name.
const MAX_PARTITIONS: usize = 4096;

/// A subscription that was understood. The default is the plain stream: every event, one frame each, and nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscription {
    pub filter: Filter,
    /// Frames of many events, gathered for so many milliseconds.
    pub batch_ms: Option<u16>,
    /// By partition the next offset wanted.
    pub resume: Option<Heads>,
    pub metrics: bool,
    pub insights: bool,
    pub drops: bool,
}

/// The words of a subscription, from either place.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Words {
    #[serde(rename = "type")]
    kind: String,
    batch_ms: Option<u64>,
    levels: Option<Vec<String>>,
    source: Option<String>,
    q: Option<String>,
    pattern: Option<String>,
    resume: Option<Resume>,
    metrics: Option<bool>,
    insights: Option<bool>,
    drops: Option<bool>,
}

/// Where a client goes on: by partition the next offset that it wants, as an object or in text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Resume {
    Offsets(BTreeMap<String, u64>),
    Text(String),
}

impl Subscription {
    /// Reads a message of a client.
    ///
    /// # Errors
    /// Says what is wrong and what is taken.
    pub fn from_message(text: &str) -> Result<Self, String> {
        let example = r#"send {"type":"subscribe","levels":["error"],"batchMs":100}"#;
        let words: Words = serde_json::from_str(text).map_err(|e| format!("not understood: {e}; {example}"))?;
        if words.kind != "subscribe" {
            return Err(format!("type: 'subscribe' is the only one; {example}"));
        }
        words.check()
    }

    /// Reads the query string of an upgrade. Nothing when it names none of our keys: then the client gets the plain stream.
    ///
    /// # Errors
    /// Says what is wrong and what is taken.
    pub fn from_query(query: &str) -> Result<Option<Self>, String> {
        let mut words = Words::default();
        let mut named = false;
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // An empty value counts as not given.
            named |= !value.is_empty() && words.take(&key, &value)?;
        }
        if named { words.check().map(Some) } else { Ok(None) }
    }
}

impl Words {
    /// Takes a key of the query string; whether it is one of ours.
    fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "batchMs" => self.batch_ms = Some(number(key, value)?),
            "levels" => self.levels = Some(value.split(',').map(|l| l.trim().to_owned()).collect()),
            "source" => self.source = Some(value.to_owned()),
            "q" => self.q = Some(value.to_owned()),
            "pattern" => self.pattern = Some(value.to_owned()),
            "resume" => self.resume = Some(Resume::Text(value.to_owned())),
            "metrics" => self.metrics = Some(flag(key, value)?),
            "insights" => self.insights = Some(flag(key, value)?),
            "drops" => self.drops = Some(flag(key, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn check(self) -> Result<Subscription, String> {
        let given = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
        let pattern = given(self.pattern).map(|p| PatternId::from_str(&p)).transpose();
        let key = FilterKey {
            levels: levels(self.levels.unwrap_or_default())?,
            source: self.source.filter(|s| !s.is_empty()),
            pattern: pattern.map_err(|e| format!("pattern: {e}"))?,
            q: given(self.q),
        };
        let batch_ms = match self.batch_ms {
            Some(ms) if ms > u64::from(MAX_BATCH_MS) => return Err(format!("batchMs: give 0 to {MAX_BATCH_MS}")),
            ms => ms.map(|ms| ms as u16),
        };
        Ok(Subscription {
            filter: Filter::new(key)?,
            batch_ms,
            resume: self.resume.map(Resume::heads).transpose()?.filter(|heads| !heads.is_empty()),
            metrics: self.metrics.unwrap_or_default(),
            insights: self.insights.unwrap_or_default(),
            drops: self.drops.unwrap_or_default(),
        })
    }
}

fn levels(names: Vec<String>) -> Result<Levels, String> {
    let levels = names
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| Level::from_payload(name).ok_or_else(|| "levels: give any of debug, info, warn, error".to_owned()));
    Ok(Levels::of(levels.collect::<Result<Vec<_>, _>>()?))
}

impl Resume {
    fn heads(self) -> Result<Heads, String> {
        let offsets = match self {
            Resume::Offsets(offsets) => offsets,
            Resume::Text(text) if text.is_empty() => BTreeMap::new(),
            Resume::Text(text) => positions(&text)?,
        };
        if offsets.len() > MAX_PARTITIONS {
            return Err(format!("resume: at most {MAX_PARTITIONS} partitions"));
        }
        let head = |(partition, next): (String, u64)| match partition.parse::<u32>() {
            Ok(partition) => Ok((partition, next)),
            Err(_) => Err("resume: give the next offset by partition, like {\"0\": 1234}".to_owned()),
        };
        offsets.into_iter().map(head).collect()
    }
}

/// `<partition>-<offset>`, separated by commas, or by dots as in `X-Until`: what follows an answer of the history.
fn positions(value: &str) -> Result<BTreeMap<String, u64>, String> {
    let position = |text: &str| {
        let (partition, next) = text.trim().split_once('-')?;
        Some((partition.to_owned(), next.parse().ok()?))
    };
    let found = value.split([',', '.']).map(position).collect::<Option<_>>();
    found.ok_or_else(|| "resume: give <partition>-<offset>, comma-separated, or an X-Until unchanged".to_owned())
}

fn number(key: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{key}: give a whole number"))
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(format!("{key}: give 1 or 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_and_messages_say_the_same() {
        let query =
            "batchMs=100&levels=warn,error&source=pay&pattern=00000000000000ff&resume=0-12,3-4&metrics=1&drops=1&x=y";
        let message = r#"{"type":"subscribe","batchMs":100,"levels":["warn","error"],"source":"pay","pattern":"00000000000000ff",
            "resume":{"0":12,"3":4},"metrics":true,"drops":true,"insights":null,"x":"y"}"#;
        let from_query = Subscription::from_query(query).unwrap().expect("our keys are named");
        let from_message = Subscription::from_message(message).unwrap();
        for s in [from_query, from_message] {
            assert_eq!(s.batch_ms, Some(100));
            assert_eq!(s.filter.key.levels, Levels::of([Level::Warn, Level::Error]));
            assert_eq!(s.filter.key.source.as_deref(), Some("pay"));
            assert_eq!(s.filter.key.pattern, Some(PatternId(255)));
            assert_eq!(s.resume, Some(Heads::from([(0, 12), (3, 4)])));
            assert!(s.metrics && s.drops && !s.insights);
        }
    }

    #[test]
    fn an_answer_of_the_history_says_where_to_go_on() {
        let until = "0-12.3-4";
        let from_query = Subscription::from_query(&format!("resume={until}")).unwrap().expect("a key of ours");
        let message = format!(r#"{{"type":"subscribe","resume":"{until}"}}"#);
        for s in [from_query, Subscription::from_message(&message).unwrap()] {
            assert_eq!(s.resume, Some(Heads::from([(0, 12), (3, 4)])));
        }
        assert!(Subscription::from_message(r#"{"type":"subscribe","resume":""}"#).unwrap().resume.is_none());
    }

    #[test]
    fn what_is_empty_or_unknown_is_not_given() {
        for query in ["", "token=1&utm=2", "levels=&q=&resume=&metrics=&source="] {
            assert!(Subscription::from_query(query).unwrap().is_none(), "{query}");
        }
        let s =
            Subscription::from_message(r#"{"type":"subscribe","levels":[],"q":" ","source":"","pattern":""}"#).unwrap();
        assert!(s.filter.is_open());
        assert!(s.batch_ms.is_none() && s.resume.is_none());
    }

    #[test]
    fn bad_words_are_named() {
        for (message, word) in [
            ("", "not understood"),
            ("subscribe", "not understood"),
            ("[]", "type"),
            ("[1]", "not understood"),
            ("null", "not understood"),
            ("{}", "type"),
            (r#"{"type":"unsubscribe"}"#, "type"),
            (r#"{"type":"subscribe","batchMs":1001}"#, "batchMs"),
            (r#"{"type":"subscribe","batchMs":-1}"#, "not understood"),
            (r#"{"type":"subscribe","batchMs":"100"}"#, "not understood"),
            (r#"{"type":"subscribe","levels":["fatal"]}"#, "levels"),
            (r#"{"type":"subscribe","levels":"error"}"#, "not understood"),
            (r#"{"type":"subscribe","pattern":"xyz"}"#, "pattern"),
            (r#"{"type":"subscribe","resume":{"a":1}}"#, "resume"),
            (r#"{"type":"subscribe","resume":{"0":-1}}"#, "not understood"),
            (r#"{"type":"subscribe","resume":"0-1;2-3"}"#, "resume"),
            (r#"{"type":"subscribe","q":"\"open"}"#, "q:"),
        ] {
            let error = Subscription::from_message(message).expect_err(message);
            assert!(error.contains(word), "{message}: {error}");
        }
        for (query, word) in [
            ("batchMs=soon", "batchMs"),
            ("batchMs=99999999999999999999", "batchMs"),
            ("levels=error,banana", "levels"),
            ("pattern=FF", "pattern"),
            ("resume=12", "resume"),
            ("resume=0-x", "resume"),
            ("metrics=yes", "metrics"),
        ] {
            let error = Subscription::from_query(query).expect_err(query);
            assert!(error.contains(word), "{query}: {error}");
        }
    }
}

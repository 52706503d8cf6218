//! The query string of a question: what is known is read strictly, what is not known is named and ignored.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use whittle_domain::query::Query;
use whittle_domain::{Level, timestamp};
use whittle_history::{Filter, LevelSet, Positions};
use whittle_patterns::PatternId;

use crate::http::Refusal;

/// Largest number that a client in JavaScript can hold.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The parameters of one request, taken out one by one.
#[derive(Debug)]
pub(super) struct Params {
    given: BTreeMap<String, Vec<String>>,
}

impl Params {
    /// Reads a query string. An empty value counts as not given.
    pub(super) fn parse(query: Option<&str>) -> Self {
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or("").as_bytes()) {
            if !value.is_empty() {
                given.entry(key.into_owned()).or_default().push(value.into_owned());
            }
        }
        Params { given }
    }

    /// The text of a parameter.
    ///
    /// # Errors
    /// 400 when it is given twice: which one is meant? Of what nobody asks for it does not matter.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        let mut values = self.given.remove(key).unwrap_or_default();
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(bad(key, "given twice; give it once")),
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn integer(&mut self, key: &str, default: u64, least: u64, most: u64) -> Result<u64, Refusal> {
        let Some(text) = self.text(key)? else { return Ok(default) };
        let number = text.parse::<u64>().ok().filter(|n| (least..=most).contains(n));
        number.ok_or_else(|| bad(key, &format!("give a whole number from {least} to {most}")))
    }

    /// How many to skip.
    pub(super) fn offset(&mut self) -> Result<u64, Refusal> {
        self.integer("offset", 0, 0, MAX_INTEGER)
    }

    /// One of some words.
    pub(super) fn one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)], default: T) -> Result<T, Refusal> {
        let Some(text) = self.text(key)? else { return Ok(default) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            bad(key, &format!("give one of {}", words.join(", ")))
        })
    }

    /// The filter that all questions share.
    pub(super) fn filter(&mut self, now: i64) -> Result<Filter, Refusal> {
        let since = self.since(now)?;
        let from = self.time("from")?;
        let from = match (since, from) {
            (Some(since), Some(from)) => Some(since.max(from)),
            (since, from) => since.or(from),
        };
        Ok(Filter {
            levels: self.levels()?,
            source: self.text("source")?,
            from,
            to: self.time("to")?,
            pattern: self.pattern()?,
            query: self.query()?,
            until: self.until()?,
        })
    }

    fn levels(&mut self) -> Result<LevelSet, Refusal> {
        let Some(text) = self.text("levels")? else { return Ok(LevelSet::ALL) };
        let mut set = LevelSet(0);
        for name in text.split(',') {
            let level = Level::from_payload(name.trim());
            let level = level.ok_or_else(|| bad("levels", "give debug, info, warn, error, separated by commas"))?;
            set.0 |= 1 << level as u8;
        }
        Ok(set)
    }

    fn since(&mut self, now: i64) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text("sinceMinutes")? else { return Ok(None) };
        let minutes = text.parse::<f64>().ok().filter(|n| *n > 0.0 && n.is_finite());
        let minutes = minutes.ok_or_else(|| bad("sinceMinutes", "give a number of minutes above 0"))?;
        Ok(Some(now.saturating_sub((minutes * 60e6) as i64)))
    }

    fn time(&mut self, key: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let time = timestamp::parse(&text);
        time.map(Some).ok_or_else(|| bad(key, "give a time like 2026-03-02T14:00:00Z, between the years 1970 and 9999"))
    }

    fn pattern(&mut self) -> Result<Option<PatternId>, Refusal> {
        let Some(text) = self.text("pattern")? else { return Ok(None) };
        PatternId::from_str(&text).map(Some).map_err(|error| bad("pattern", &error.to_string()))
    }

    fn query(&mut self) -> Result<Option<Arc<Query>>, Refusal> {
        let Some(text) = self.text("q")? else { return Ok(None) };
        match Query::parse(&text) {
            Ok(query) => Ok(Some(Arc::new(query))),
            Err(error) => Err(bad("q", &error.message).at(error.at)),
        }
    }

    fn until(&mut self) -> Result<Option<Positions>, Refusal> {
        let Some(text) = self.text("until")? else { return Ok(None) };
        let positions = parse_until(&text);
        positions.map(Some).ok_or_else(|| bad("until", "give the X-Until of an earlier answer, unchanged"))
    }

    /// The names of what was not understood, for `X-Ignored-Parameters`.
    pub(super) fn ignored(self) -> Vec<String> {
        self.given.into_keys().map(|key| shown(&key)).take(20).collect()
    }
}

fn bad(key: &str, fix: &str) -> Refusal {
    Refusal::bad_parameter(format!("{key}: {fix}"))
}

/// A parameter's name as it may stand in a header.
fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    key.chars().take(64).map(|c| if plain(c) { c } else { '?' }).collect()
}

/// The `X-Until` of positions.
pub(super) fn until_token(positions: &Positions) -> String {
    let parts: Vec<String> = positions.iter().map(|(partition, offset)| format!("{partition}-{offset}")).collect();
    if parts.is_empty() { "0-0".to_owned() } else { parts.join(".") }
}

fn parse_until(text: &str) -> Option<Positions> {
    let part = |part: &str| {
        let (partition, offset) = part.split_once('-')?;
        Some((partition.parse().ok()?, offset.parse().ok()?))
    };
    text.split('.').map(part).collect()
}

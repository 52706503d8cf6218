//! `GET /patterns` and `GET /patterns/{id}`: what kinds of lines there are.

use std::cmp::Reverse;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use whittle_domain::{Insight, Level, timestamp};
use whittle_history::{
    Budget, Filter, Histogram, PatternCount, Patterns, QueryError, Reader, Recent, SplitBy, Total, Trends,
};
use whittle_patterns::PatternId;

use super::asking::Parts;
use super::params::Params;
use super::recent::{ignored_header, known, total_headers, worse};
use super::stats::{FacetValue, ended, partial_headers};
use super::{Storage, render};
use crate::http::Refusal;
use crate::http::refusal::json;

/// Time after the very first stored row in which patterns count as having been there all along.
const WARM_UP: i64 = 10 * 60 * 1_000_000;
/// Buckets of the trend of a pattern in full.
const TREND: usize = 60;
/// Most buckets of the trends in a list.
const MAX_TREND: u64 = 100;
/// Example rows of a pattern.
const EXAMPLES: usize = 10;

/// Order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Count,
    Recent,
}

#[derive(Debug, Serialize)]
struct LevelCounts {
    debug: u64,
    info: u64,
    warn: u64,
    error: u64,
}

impl From<[u64; 4]> for LevelCounts {
    fn from([debug, info, warn, error]: [u64; 4]) -> Self {
        LevelCounts { debug, info, warn, error }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: String,
    template: String,
    count: u64,
    share: f64,
    levels: LevelCounts,
    sources: usize,
    first_seen: String,
    last_seen: String,
    is_new: bool,
    insight: Arc<Insight>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<Vec<u64>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    id: String,
    aliases: Vec<String>,
    template: String,
    count: u64,
    levels: LevelCounts,
    sources: Vec<FacetValue>,
    first_seen: Option<String>,
    last_seen: Option<String>,
    insight: Arc<Insight>,
    trend: Vec<u64>,
    examples: Box<RawValue>,
}

/// The level that a pattern's insight is told for: the highest that it has.
fn highest(levels: &[u64; 4]) -> Level {
    Level::ALL.into_iter().rev().find(|level| levels[*level as usize] > 0).unwrap_or_default()
}

pub(super) async fn list(State(storage): State<Arc<Storage>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let limit = params.integer("limit", 100, 0, 1000)? as usize;
    let offset = params.offset()? as usize;
    let sort = params.one_of("sort", &[("count", Sort::Count), ("recent", Sort::Recent)], Sort::Count)?;
    let trend = params.integer("trend", 0, 0, MAX_TREND)? as usize;
    let now = (storage.clock)();
    let filter = params.filter(now)?;
    let from = filter.from;
    let question = move |reader: &dyn Reader, budget: &Budget| {
        let parts = Parts::of(budget);
        let mut found = reader.patterns(&filter, &parts.rest())?;
        if sort == Sort::Recent {
            found.patterns.sort_by_key(|p| (Reverse(p.seen.1), p.pattern));
        }
        let listed = found.patterns.len() as u64;
        found.patterns = found.patterns.into_iter().skip(offset).take(limit).collect();
        let trends = (trend > 0).then(|| trends(reader, filter, &found.patterns, now, trend, &parts)).transpose()?;
        Ok((found, listed, trends))
    };
    let (found, listed, trends) = storage.ask(question).await?;
    let trend = |place: usize| trends.as_ref().map(|trends| trends.counts.get(place).cloned().unwrap_or_default());
    let listing = found.patterns.iter().enumerate();
    let body: Vec<Summary> = listing.map(|(at, pattern)| summary(&storage, &found, pattern, from, trend(at))).collect();
    let mut response = json(StatusCode::OK, &body);
    let counted = trends.iter().fold(found.total.clone(), |total, trends| worse(total, &trends.total));
    let total = match counted {
        Total::Exact(_) => Total::Exact(listed),
        Total::AtLeast(_, reason) => Total::AtLeast(listed, reason),
    };
    total_headers(response.headers_mut(), &total);
    ignored_header(response.headers_mut(), params);
    Ok(response)
}

/// The courses of the patterns of a page. A range without an end ends now.
fn trends(
    reader: &dyn Reader,
    filter: Filter,
    page: &[PatternCount],
    now: i64,
    buckets: usize,
    parts: &Parts<'_>,
) -> Result<Trends, QueryError> {
    let patterns: Vec<PatternId> = page.iter().map(|counted| counted.pattern).collect();
    let (filter, ahead) = ended(reader, filter, now, &parts.rest())?;
    let mut trends = reader.trends(&filter, &patterns, buckets, &parts.rest())?;
    trends.total = worse(trends.total, &ahead);
    Ok(trends)
}

fn summary(
    storage: &Storage,
    found: &Patterns,
    pattern: &PatternCount,
    from: Option<i64>,
    trend: Option<Vec<u64>>,
) -> Summary {
    let count: u64 = pattern.levels.iter().sum();
    let all = known(&found.total).max(1);
    let warm = found.oldest.map_or(i64::MAX, |oldest| oldest.saturating_add(WARM_UP));
    Summary {
        id: pattern.pattern.to_string(),
        template: storage.catalog.template(pattern.pattern).unwrap_or_default(),
        count,
        share: count as f64 / all as f64,
        levels: pattern.levels.into(),
        sources: pattern.sources.len(),
        first_seen: timestamp::to_string(pattern.first_ever),
        last_seen: timestamp::to_string(pattern.seen.1),
        is_new: pattern.first_ever >= warm && from.is_none_or(|from| pattern.first_ever >= from),
        insight: storage.insights.get(pattern.pattern, highest(&pattern.levels)),
        trend,
    }
}

pub(super) async fn detail(
    State(storage): State<Arc<Storage>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let asked = PatternId::from_str(&id).map_err(|error| Refusal::bad_parameter(format!("id: {error}")))?;
    let unknown = || Refusal::not_found("unknown_pattern", format!("no pattern has the id {asked}"));
    let pattern = storage.catalog.resolve(asked).ok_or_else(unknown)?;
    let mut params = Params::parse(query.as_deref());
    let now = (storage.clock)();
    let filter = Filter { pattern: Some(pattern), ..params.filter(now)? };
    let found = storage.ask(move |reader, budget| of_pattern(reader, filter, pattern, now, budget)).await?;
    let total = found.total();
    let mut response = json(StatusCode::OK, &detail_of(&storage, pattern, found));
    partial_headers(&mut response, &total, params);
    Ok(response)
}

/// What the history says of one pattern.
struct Found {
    counts: Patterns,
    trend: Histogram,
    examples: Recent,
    /// Of all that is stored, where no row of the range is the pattern's.
    ever: Option<Patterns>,
}

impl Found {
    fn total(&self) -> Total {
        let known = worse(worse(self.counts.total.clone(), &self.trend.total), &self.examples.total);
        self.ever.iter().fold(known, |known, ever| worse(known, &ever.total))
    }
}

fn of_pattern(
    reader: &dyn Reader,
    filter: Filter,
    pattern: PatternId,
    now: i64,
    budget: &Budget,
) -> Result<Found, QueryError> {
    let parts = Parts::of(budget);
    let counts = reader.patterns(&filter, &parts.rest())?;
    let examples = reader.recent(&filter, EXAMPLES, 0, &parts.rest())?;
    let (filter, _) = ended(reader, filter, now, &parts.rest())?;
    let trend = reader.histogram(&filter, TREND, SplitBy::Level, &parts.rest())?;
    let all = Filter { pattern: Some(pattern), ..Filter::default() };
    let is_there = counts.patterns.iter().any(|counted| counted.pattern == pattern);
    let ever = (!is_there).then(|| reader.patterns(&all, &parts.rest())).transpose()?;
    Ok(Found { counts, trend, examples, ever })
}

fn detail_of(storage: &Storage, id: PatternId, found: Found) -> Detail {
    let of_id = |patterns: Patterns| patterns.patterns.into_iter().find(|p| p.pattern == id);
    let counted = of_id(found.counts);
    let first_ever = counted.as_ref().map(|p| p.first_ever).or_else(|| Some(of_id(found.ever?)?.first_ever));
    let last_seen = counted.as_ref().map(|p| p.seen.1);
    let (levels, sources) = counted.map(|p| (p.levels, p.sources)).unwrap_or_default();
    let rows =
        String::from_utf8(render::rows(&found.examples.rows, &*storage.reader, &storage.insights)).unwrap_or_default();
    let source = |(value, count)| FacetValue { value, count, template: None };
    Detail {
        id: id.to_string(),
        aliases: storage.catalog.aliases(id).iter().map(PatternId::to_string).collect(),
        template: storage.catalog.template(id).unwrap_or_default(),
        count: levels.iter().sum(),
        levels: levels.into(),
        sources: sources.into_iter().map(source).collect(),
        first_seen: first_ever.map(timestamp::to_string),
        last_seen: last_seen.map(timestamp::to_string),
        insight: storage.insights.get(id, highest(&levels)),
        trend: found.trend.sums(),
        examples: RawValue::from_string(rows).unwrap_or_default(),
    }
}

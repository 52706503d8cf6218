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
use whittle_history::{Filter, Histogram, PatternCount, Patterns, Recent, SplitBy, Total};
use whittle_patterns::PatternId;

use super::asking::Parts;
use super::params::Params;
use super::recent::{ignored_header, known, total_headers, worse};
use super::stats::{FacetValue, partial_headers};
use super::{Storage, render};
use crate::http::Refusal;
use crate::http::refusal::json;

/// Time after the very first stored row in which patterns count as having been there all along.
const WARM_UP: i64 = 10 * 60 * 1_000_000;
/// Buckets of a pattern's trend.
const TREND: usize = 60;
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
    first_seen: String,
    last_seen: String,
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
    let filter = params.filter((storage.clock)())?;
    let from = filter.from;
    let mut found = storage.ask(move |reader, budget| reader.patterns(&filter, budget)).await?;
    if sort == Sort::Recent {
        found.patterns.sort_by_key(|p| (Reverse(p.seen.1), p.pattern));
    }
    let page = found.patterns.iter().skip(offset).take(limit);
    let body: Vec<Summary> = page.map(|pattern| summary(&storage, &found, pattern, from)).collect();
    let mut response = json(StatusCode::OK, &body);
    let listed = found.patterns.len() as u64;
    let total = match &found.total {
        Total::Exact(_) => Total::Exact(listed),
        Total::AtLeast(_, reason) => Total::AtLeast(listed, reason.clone()),
    };
    total_headers(response.headers_mut(), &total);
    ignored_header(response.headers_mut(), params);
    Ok(response)
}

fn summary(storage: &Storage, found: &Patterns, pattern: &PatternCount, from: Option<i64>) -> Summary {
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
    let filter = Filter { pattern: Some(pattern), ..params.filter((storage.clock)())? };
    let found = storage
        .ask(move |reader, budget| {
            let parts = Parts::of(budget);
            let counts = reader.patterns(&filter, &parts.rest())?;
            let trend = reader.histogram(&filter, TREND, SplitBy::Level, &parts.rest())?;
            let examples = reader.recent(&filter, EXAMPLES, 0, &parts.rest())?;
            Ok((counts, trend, examples))
        })
        .await?;
    let (counts, trend, examples) = &found;
    let total = worse(worse(counts.total.clone(), &trend.total), &examples.total);
    let mut response = json(StatusCode::OK, &detail_of(&storage, pattern, found));
    partial_headers(&mut response, &total, params);
    Ok(response)
}

fn detail_of(storage: &Storage, id: PatternId, found: (Patterns, Histogram, Recent)) -> Detail {
    let (counts, trend, examples) = found;
    let none = PatternCount { pattern: id, levels: [0; 4], sources: Vec::new(), seen: (0, 0), first_ever: 0 };
    let counted = counts.patterns.into_iter().find(|p| p.pattern == id).unwrap_or(none);
    let mut sums = vec![0; TREND];
    for (_, counts) in &trend.series {
        // Fewer buckets than asked for stand at the end: the newest.
        let shift = TREND.saturating_sub(counts.len());
        sums.iter_mut().skip(shift).zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let rows = String::from_utf8(render::rows(&examples.rows, &storage.insights)).unwrap_or_default();
    let source = |(value, count)| FacetValue { value, count, template: None };
    Detail {
        id: id.to_string(),
        aliases: storage.catalog.aliases(id).iter().map(PatternId::to_string).collect(),
        template: storage.catalog.template(id).unwrap_or_default(),
        count: counted.levels.iter().sum(),
        levels: counted.levels.into(),
        sources: counted.sources.into_iter().map(source).collect(),
        first_seen: timestamp::to_string(counted.first_ever),
        last_seen: timestamp::to_string(counted.seen.1),
        insight: storage.insights.get(id, highest(&counted.levels)),
        trend: sums,
        examples: RawValue::from_string(rows).unwrap_or_default(),
    }
}

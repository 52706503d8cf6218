//! `GET /stats/histogram`, `GET /stats/facets` and `GET /analysis`: numbers.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use whittle_domain::timestamp;
use whittle_history::{Budget, FacetField, Filter, Histogram, QueryError, Reader, SplitBy, Total};
use whittle_patterns::PatternId;

use super::Storage;
use super::asking::Parts;
use super::params::Params;
use super::recent::{ignored_header, known, total_headers, worse};
use crate::http::Refusal;
use crate::http::refusal::json;

/// Fields of one question about facets.
const MAX_FIELDS: usize = 20;

#[derive(Serialize)]
struct Series {
    key: String,
    counts: Vec<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistogramBody {
    from: String,
    to: String,
    bucket_ms: u64,
    by: &'static str,
    series: Vec<Series>,
    total: u64,
}

/// Says that an answer is not whole; a whole one needs no header.
pub(super) fn partial_headers(response: &mut Response, total: &Total, params: Params) {
    if matches!(total, Total::AtLeast(..)) {
        total_headers(response.headers_mut(), total);
    }
    ignored_header(response.headers_mut(), params);
}

pub(super) async fn histogram(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let buckets = params.integer("buckets", 60, 1, 500)? as usize;
    let by = params.one_of("by", &[("level", SplitBy::Level), ("source", SplitBy::Source)], SplitBy::Level)?;
    let now = (storage.clock)();
    let filter = params.filter(now)?;
    let found = storage.ask(move |reader, budget| counts(reader, filter, now, buckets, by, budget)).await?;
    let width = found.series.first().map_or(0, |(_, counts)| counts.len()) as i64;
    let body = HistogramBody {
        from: timestamp::to_string(found.from),
        to: timestamp::to_string(found.from.saturating_add(found.bucket.saturating_mul(width))),
        bucket_ms: (found.bucket / 1000).max(1) as u64,
        by: if by == SplitBy::Level { "level" } else { "source" },
        series: found.series.into_iter().map(|(key, counts)| Series { key, counts }).collect(),
        total: known(&found.total),
    };
    let mut response = json(StatusCode::OK, &body);
    partial_headers(&mut response, &found.total, params);
    Ok(response)
}

/// Counts over the range that is asked for. A range without an end ends now, also where nothing came since; but the clock
/// of a client may be ahead, and what is newer than now belongs to it as it does in the list of rows.
fn counts(
    reader: &dyn Reader,
    filter: Filter,
    now: i64,
    buckets: usize,
    by: SplitBy,
    budget: &Budget,
) -> Result<Histogram, QueryError> {
    let parts = Parts::of(budget);
    let (filter, ahead) = ended(reader, filter, now, &parts.rest())?;
    let mut found = reader.histogram(&filter, buckets, by, &parts.rest())?;
    found.total = worse(found.total, &ahead);
    Ok(found)
}

/// The filter with the end of its range, and what is known of the rows beyond now.
pub(super) fn ended(
    reader: &dyn Reader,
    mut filter: Filter,
    now: i64,
    budget: &Budget,
) -> Result<(Filter, Total), QueryError> {
    let (Some(from), None) = (filter.from, filter.to) else { return Ok((filter, Total::Exact(0))) };
    let ahead = Filter { from: Some(from.max(now)), ..filter.clone() };
    let ahead = reader.recent(&ahead, 1, 0, budget)?;
    filter.to = Some(ahead.rows.first().map_or(now, |newest| newest.timestamp.saturating_add(1)));
    Ok((filter, ahead.total))
}

/// One value of a field, with how often it stands there.
#[derive(Debug, Serialize)]
pub(super) struct FacetValue {
    pub value: String,
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

#[derive(Serialize)]
struct FacetsBody {
    total: u64,
    fields: BTreeMap<String, Vec<FacetValue>>,
}

pub(super) async fn facets(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let limit = params.integer("limit", 20, 1, 1000)? as usize;
    let names = params.text("fields")?.unwrap_or_else(|| "source,level".to_owned());
    let (names, fields) = fields(&names)?;
    let filter = params.filter((storage.clock)())?;
    let found = storage.ask(move |reader, budget| reader.facets(&filter, &fields, limit, budget)).await?;
    let value = |field: &FacetField, value: String, count: u64| {
        let id = if *field == FacetField::Pattern { PatternId::from_str(&value).ok() } else { None };
        FacetValue { template: id.and_then(|id| storage.catalog.template(id)), value, count }
    };
    let fields = names.into_iter().zip(found.fields).map(|(name, (field, values))| {
        let values = values.into_iter().map(|(text, count)| value(&field, text, count)).collect();
        (name, values)
    });
    let body = FacetsBody { total: known(&found.total), fields: fields.collect() };
    let mut response = json(StatusCode::OK, &body);
    partial_headers(&mut response, &found.total, params);
    Ok(response)
}

/// The names that are asked for, each once, and the fields that they stand for. A field of the context that is called like
/// one of the record's own is asked for as `context.source`: the answer goes by the names of the question.
fn fields(text: &str) -> Result<(Vec<String>, Vec<FacetField>), Refusal> {
    let field = |name: &String| match name.as_str() {
        "source" => FacetField::Source,
        "level" => FacetField::Level,
        "pattern" => FacetField::Pattern,
        other => FacetField::Context(other.strip_prefix("context.").unwrap_or(other).to_owned()),
    };
    let mut names: Vec<String> = Vec::new();
    for name in text.split(',').map(str::trim) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let fields: Vec<FacetField> = names.iter().map(field).collect();
    let empty = fields.contains(&FacetField::Context(String::new()));
    if empty || fields.len() > MAX_FIELDS {
        return Err(Refusal::bad_parameter(format!("fields: give 1 to {MAX_FIELDS} names, separated by commas")));
    }
    Ok((names, fields))
}

pub(super) async fn analysis(State(storage): State<Arc<Storage>>) -> Response {
    json(StatusCode::OK, &storage.model.state())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_answer_to_the_names_they_were_asked_by() {
        let (names, found) = fields("source, context.source,host,context.host,source").expect("reads");
        assert_eq!(names, ["source", "context.source", "host", "context.host"]);
        let context = |name: &str| FacetField::Context(name.to_owned());
        assert_eq!(found, [FacetField::Source, context("source"), context("host"), context("host")]);
        for bad in [",", "source,", "context."] {
            assert_eq!(fields(bad).expect_err(bad).word, "bad_parameter");
        }
    }
}

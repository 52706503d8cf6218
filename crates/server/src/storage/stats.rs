//! `GET /stats/histogram`, `GET /stats/facets` and `GET /analysis`: numbers.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use whittle_domain::timestamp;
use whittle_history::{FacetField, SplitBy, Total};
use whittle_patterns::PatternId;

use super::Storage;
use super::params::Params;
use super::recent::{ignored_header, total_headers};
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

/// What is known of a total, as a number.
pub(super) fn known(total: &Total) -> u64 {
    match total {
        Total::Exact(count) | Total::AtLeast(count, _) => *count,
    }
}

/// Says that an answer is not whole; a whole one needs no header.
fn partial_headers(response: &mut Response, total: &Total, params: Params) {
    if matches!(total, Total::AtLeast(..)) {
        total_headers(response.headers_mut(), total);
    }
    ignored_header(response.headers_mut(), params);
}

pub(super) async fn histogram(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref())?;
    let buckets = params.integer("buckets", 60, 1, 500)? as usize;
    let by = params.one_of("by", &[("level", SplitBy::Level), ("source", SplitBy::Source)], SplitBy::Level)?;
    let now = (storage.clock)();
    let mut filter = params.filter(now)?;
    if filter.from.is_some() && filter.to.is_none() {
        // A range that began some minutes ago ends now, also where nothing came since.
        filter.to = Some(now);
    }
    let found = storage.ask(move |reader, budget| reader.histogram(&filter, buckets, by, budget)).await?;
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
    let mut params = Params::parse(query.as_deref())?;
    let limit = params.integer("limit", 20, 1, 1000)? as usize;
    let fields = fields(&params.text("fields").unwrap_or_else(|| "source,level".to_owned()))?;
    let filter = params.filter((storage.clock)())?;
    let found = storage.ask(move |reader, budget| reader.facets(&filter, &fields, limit, budget)).await?;
    let value = |field: &FacetField, value: String, count: u64| {
        let id = if *field == FacetField::Pattern { PatternId::from_str(&value).ok() } else { None };
        FacetValue { template: id.and_then(|id| storage.catalog.template(id)), value, count }
    };
    let fields = found.fields.into_iter().map(|(field, values)| {
        let values = values.into_iter().map(|(text, count)| value(&field, text, count)).collect();
        (name(&field), values)
    });
    let body = FacetsBody { total: known(&found.total), fields: fields.collect() };
    let mut response = json(StatusCode::OK, &body);
    partial_headers(&mut response, &found.total, params);
    Ok(response)
}

fn fields(text: &str) -> Result<Vec<FacetField>, Refusal> {
    let field = |name: &str| match name.trim() {
        "source" => FacetField::Source,
        "level" => FacetField::Level,
        "pattern" => FacetField::Pattern,
        other => FacetField::Context(other.strip_prefix("context.").unwrap_or(other).to_owned()),
    };
    let fields: Vec<FacetField> = text.split(',').map(field).collect();
    let empty = fields.contains(&FacetField::Context(String::new()));
    if empty || fields.len() > MAX_FIELDS {
        return Err(Refusal::bad_parameter(format!("fields: give 1 to {MAX_FIELDS} names, separated by commas")));
    }
    Ok(fields)
}

fn name(field: &FacetField) -> String {
    match field {
        FacetField::Source => "source".to_owned(),
        FacetField::Level => "level".to_owned(),
        FacetField::Pattern => "pattern".to_owned(),
        FacetField::Context(name) => name.clone(),
    }
}

pub(super) async fn analysis(State(storage): State<Arc<Storage>>) -> Response {
    json(StatusCode::OK, &storage.model.state())
}

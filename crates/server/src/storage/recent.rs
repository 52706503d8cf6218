//! `GET /recent` and `GET /around`: rows.
//!
//! Around a row stand the rows of its own source in the order of arrival, whatever the filters and whatever times clients
//! claim: what that program said just before and after.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use whittle_history::{StoredRow, Total};

use super::params::{Params, until_token};
use super::{Storage, render};
use crate::http::Refusal;

/// Rows of a page at most.
const MAX_LIMIT: u64 = 1000;

/// Says how many rows match, or that this is not known in full.
pub(super) fn total_headers(headers: &mut HeaderMap, total: &Total) {
    match total {
        Total::Exact(count) => {
            headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(*count));
        }
        Total::AtLeast(count, reason) => {
            headers.insert(HeaderName::from_static("x-total-at-least"), HeaderValue::from(*count));
            let reason = HeaderValue::from_str(reason).unwrap_or(HeaderValue::from_static("budget"));
            headers.insert(HeaderName::from_static("x-partial"), reason);
        }
    }
}

/// What is known of a count, beside another count of the same rows or some of them: exact only if both are.
pub(super) fn worse(one: Total, other: &Total) -> Total {
    match (one, other) {
        (Total::AtLeast(count, reason), other) => Total::AtLeast(count.max(known(other)), reason),
        (Total::Exact(count), Total::Exact(_)) => Total::Exact(count),
        (Total::Exact(count), Total::AtLeast(other, reason)) => Total::AtLeast(count.max(*other), reason.clone()),
    }
}

/// What is known of a total, as a number.
pub(super) fn known(total: &Total) -> u64 {
    match total {
        Total::Exact(count) | Total::AtLeast(count, _) => *count,
    }
}

/// Names the parameters that were not understood.
pub(super) fn ignored_header(headers: &mut HeaderMap, params: Params) {
    let ignored = params.ignored();
    if let Ok(value) = HeaderValue::from_str(&ignored.join(", "))
        && !ignored.is_empty()
    {
        headers.insert(HeaderName::from_static("x-ignored-parameters"), value);
    }
}

pub(super) async fn recent(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let limit = params.integer("limit", 100, 0, MAX_LIMIT)? as usize;
    let offset = params.offset()?;
    let filter = params.filter((storage.clock)())?;
    let found = storage.ask(move |reader, budget| reader.recent(&filter, limit, offset, budget)).await?;
    let mut response = json_rows(&found.rows, &storage);
    let headers = response.headers_mut();
    total_headers(headers, &found.total);
    if let Ok(until) = HeaderValue::from_str(&until_token(&found.until)) {
        headers.insert(HeaderName::from_static("x-until"), until);
    }
    ignored_header(headers, params);
    Ok(response)
}

fn json_rows(rows: &[StoredRow], storage: &Storage) -> Response {
    let body = render::rows(rows, &*storage.reader, &storage.insights);
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

pub(super) async fn around(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let each = params.integer("each", 20, 0, 500)? as usize;
    let seq = params.text("seq")?.and_then(|seq| parse_seq(&seq));
    let (partition, offset) = seq.ok_or_else(|| Refusal::bad_parameter("seq: give the seq of a row, like 0-42"))?;
    let rows = storage.ask(move |reader, budget| reader.around(partition, offset, each, budget)).await?;
    if rows.is_empty() {
        let message = format!("no stored record has the seq {partition}-{offset}; it may be older than what is kept");
        return Err(Refusal::not_found("unknown_seq", message));
    }
    let mut response = json_rows(&rows, &storage);
    ignored_header(response.headers_mut(), params);
    Ok(response)
}

fn parse_seq(seq: &str) -> Option<(u32, u64)> {
    let (partition, offset) = seq.split_once('-')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_as_good_as_the_worst_of_it() {
        let cut = |count, reason: &str| Total::AtLeast(count, reason.to_owned());
        for (one, other, both) in [
            (Total::Exact(5), Total::Exact(5), Total::Exact(5)),
            (Total::Exact(5), cut(2, "late"), cut(5, "late")),
            (cut(2, "late"), Total::Exact(5), cut(5, "late")),
            (cut(2, "first"), cut(3, "second"), cut(3, "first")),
        ] {
            assert_eq!(worse(one, &other), both);
        }
    }
}

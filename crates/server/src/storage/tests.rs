//! Parameters by table: what is taken, what is refused, what is ignored; and what answers say of themselves.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use tower::ServiceExt as _;
use whittle_history::{LevelSet, Positions};
use whittle_patterns::Miner;

use super::params::{Params, until_token};
use super::testing::{NOW, Rows, storage_over, storage_with};
use super::{Storage, routes};
use crate::http::Refusal;

fn filter(query: &str) -> Result<whittle_history::Filter, Refusal> {
    Params::parse(Some(query)).filter(NOW)
}

#[test]
fn bad_values_are_refused_and_never_bent() {
    for query in [
        "levels=info,fatal",
        "levels=,",
        "sinceMinutes=0",
        "sinceMinutes=-5",
        "sinceMinutes=abc",
        "sinceMinutes=NaN",
        "sinceMinutes=inf",
        "from=yesterday",
        "to=0000-01-01T00:00:00Z",
        "pattern=XYZ",
        "pattern=ABCDEF0123456789",
        "until=12",
        "until=a-b",
        "q=(",
        "source=a&source=b",
    ] {
        let refusal = filter(query).expect_err(query);
        assert_eq!((refusal.status, refusal.word), (StatusCode::BAD_REQUEST, "bad_parameter"), "{query}");
    }
    for (key, value) in [("limit", "1001"), ("limit", "-1"), ("limit", "1e3"), ("limit", "99999999999999999999")] {
        let mut params = Params::parse(Some(&format!("{key}={value}")));
        assert!(params.integer(key, 100, 0, 1000).is_err(), "{value}");
    }
}

#[test]
fn an_error_in_q_points_at_its_character() {
    let refusal = filter("q=disk+(full").expect_err("open bracket");
    assert!(refusal.at.is_some(), "{refusal:?}");
}

#[test]
fn empty_values_count_as_not_given_and_unknown_names_are_told() {
    let mut params = Params::parse(Some("limit=&levels=&q=&colour=red&%3Cscript%3E=1"));
    assert_eq!(params.integer("limit", 100, 0, 1000).expect("default"), 100);
    let filter = params.filter(NOW).expect("empty");
    assert_eq!(filter.levels, LevelSet::ALL);
    assert!(filter.query.is_none());
    assert_eq!(params.ignored(), ["?script?", "colour"]);
}

#[test]
fn what_nobody_asks_for_may_stand_twice() {
    let mut params = Params::parse(Some("utm=1&utm=2&source=a&source=&limit=1&limit=1"));
    assert_eq!(params.filter(NOW).expect("an empty value counts as not given").source.as_deref(), Some("a"));
    let refusal = params.integer("limit", 100, 0, 1000).expect_err("which one is meant?");
    assert_eq!((refusal.word, refusal.message.as_str()), ("bad_parameter", "limit: given twice; give it once"));
    assert_eq!(params.ignored(), ["utm"]);
}

#[test]
fn since_has_no_upper_bound_and_meets_from() {
    let minute = 60_000_000;
    let since = filter("sinceMinutes=2.5").expect("reads");
    assert_eq!((since.from, since.to), (Some(NOW - minute * 5 / 2), None));
    assert_eq!(filter("sinceMinutes=1e300").expect("reads").from, Some(NOW.saturating_sub(i64::MAX)));
    let both = filter("sinceMinutes=1&from=1970-01-01T00:00:00Z").expect("reads");
    assert_eq!(both.from, Some(NOW - minute), "the later of the two");
}

#[test]
fn the_anchor_comes_back_as_it_was_given() {
    for positions in [Positions::from([(0, 42)]), Positions::from([(0, 1), (3, 9)])] {
        let token = until_token(&positions);
        assert_eq!(filter(&format!("until={token}")).expect("reads").until, Some(positions));
    }
}

async fn get(storage: Arc<Storage>, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    routes(storage).oneshot(request).await.expect("routes do not fail")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn a_pattern_of_which_any_part_is_cut_says_so() {
    let mut miner = Miner::default();
    let pattern = miner.observe("disk 7 is full", &mut Vec::new()).pattern;
    for (trend_cut, partial) in [(None, None), (Some("out of time"), Some("out of time"))] {
        let reader = Rows { trend_cut, ..Rows::at([NOW, NOW - 1]) };
        let storage = storage_with(Arc::new(reader), miner.catalog());
        let response = get(storage, &format!("/patterns/{pattern}?colour=red")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "x-partial"), partial);
        assert_eq!(header(&response, "x-total-at-least"), partial.map(|_| "2"));
        assert_eq!(header(&response, "x-ignored-parameters"), Some("colour"));
    }
}

async fn body(response: Response) -> serde_json::Value {
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

#[tokio::test]
async fn a_list_comes_with_courses_where_they_are_asked_for() {
    let storage = storage_over(Arc::new(Rows::at([NOW, NOW - 1, NOW - 2])));
    let plain = body(get(storage.clone(), "/patterns").await).await;
    assert_eq!((&plain[0]["count"], plain[0].get("trend")), (&3.into(), None));
    let with_trend = body(get(storage.clone(), "/patterns?trend=30").await).await;
    assert_eq!(with_trend[0]["trend"], serde_json::json!([3]));
    assert_eq!(get(storage, "/patterns?trend=101").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_pattern_without_rows_in_the_range_was_not_seen_in_it() {
    let mut miner = Miner::default();
    let pattern = miner.observe("disk 7 is full", &mut Vec::new()).pattern;
    let mut rows = Rows::at([NOW, NOW - 60_000_000]);
    rows.rows.iter_mut().for_each(|row| row.pattern = pattern);
    let storage = storage_with(Arc::new(rows), miner.catalog());
    let now = whittle_domain::timestamp::to_string(NOW);
    let first = whittle_domain::timestamp::to_string(NOW - 60_000_000);
    let found = body(get(storage.clone(), &format!("/patterns/{pattern}")).await).await;
    assert_eq!((&found["firstSeen"], &found["lastSeen"]), (&first.clone().into(), &now.clone().into()));
    let found = body(get(storage, &format!("/patterns/{pattern}?to=1999-01-01T00:00:00Z")).await).await;
    assert_eq!((&found["firstSeen"], &found["lastSeen"]), (&first.into(), &serde_json::Value::Null));
    let none = storage_with(Arc::new(Rows::default()), miner.catalog());
    let found = body(get(none, &format!("/patterns/{pattern}")).await).await;
    assert_eq!((&found["firstSeen"], &found["lastSeen"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

#[tokio::test]
async fn a_chart_without_an_end_holds_the_rows_of_clocks_that_are_ahead() {
    let minute = 60_000_000;
    for (times, total) in [(vec![NOW + minute, NOW, NOW - 1, NOW - 2 * minute], 3), (vec![NOW - 1], 1), (vec![], 0)] {
        let response = get(storage_over(Arc::new(Rows::at(times))), "/stats/histogram?sinceMinutes=1").await;
        let body = body(response).await;
        assert_eq!(body["total"], total, "{body}");
    }
}

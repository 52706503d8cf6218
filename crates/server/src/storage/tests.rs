//! Parameters by table: what is taken, what is refused, what is ignored.

use axum::http::StatusCode;
use whittle_history::{LevelSet, Positions};

use super::params::{Params, until_token};
use crate::http::Refusal;

const NOW: i64 = 1_800_000_000_000_000;

fn filter(query: &str) -> Result<whittle_history::Filter, Refusal> {
    Params::parse(Some(query))?.filter(NOW)
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
        let mut params = Params::parse(Some(&format!("{key}={value}"))).expect("reads");
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
    let mut params = Params::parse(Some("limit=&levels=&q=&colour=red&%3Cscript%3E=1")).expect("reads");
    assert_eq!(params.integer("limit", 100, 0, 1000).expect("default"), 100);
    let filter = params.filter(NOW).expect("empty");
    assert_eq!(filter.levels, LevelSet::ALL);
    assert!(filter.query.is_none());
    assert_eq!(params.ignored(), ["?script?", "colour"]);
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

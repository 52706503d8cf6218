//! What is never gone beyond, and how that shows.

use serde_json::{Value, json};
use whittle_domain::{InsightStatus, Level};
use whittle_testkit::fake_model::Reply;

use super::{rig, rig_in};
use crate::model::{Gauge, ModelSettings};

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_holds_with_calls_at_once_and_over_a_restart() {
    let limit = |s: &mut ModelSettings| {
        (s.batch, s.concurrency, s.tokens_per_day, s.hold_error_ms) = (1, 8, 12_000, 1);
    };
    let mut rig = rig(limit).await;
    rig.fake.always(Reply::Unpriced);
    let words = [
        "alpha", "broker", "cache", "disk", "engine", "filter", "gateway", "header", "index", "journal", "kernel",
        "lock",
    ];
    let lines: Vec<String> =
        words.iter().enumerate().map(|(i, word)| format!("{word} {} broke", words[(i * 5 + 3) % 12])).collect();
    let seen: Vec<(Level, &str)> = lines.iter().map(|line| (Level::Error, line.as_str())).collect();
    let patterns = rig.see(&seen);
    rig.until("a spent budget", |rig| rig.worker.status.state().skipped.over_budget > 0).await;
    rig.until("no call in flight", |rig| rig.worker.status.state().waiting.in_flight == 0).await;
    let state = rig.worker.status.state();
    let tokens = state.budget.tokens.expect("a limit");
    assert!(tokens.used <= tokens.limit, "{tokens:?}");
    let statuses: Vec<InsightStatus> = patterns.iter().map(|p| rig.insights.get(*p, Level::Error).status).collect();
    let over = statuses.iter().filter(|s| **s == InsightStatus::OverBudget).count();
    assert!(over > 0, "{statuses:?}");
    assert_eq!(state.model.state, "ok", "a spent budget is no failure of the model");
    let (fake, folder) = rig.end().await;
    let calls = fake.calls();
    assert!((1..8).contains(&calls), "{calls} calls within 12,000 tokens");
    let mut again = rig_in(fake, folder, limit);
    again.see(&seen);
    again.until("a spent budget", |rig| rig.worker.status.state().skipped.over_budget > 0).await;
    let kept = again.worker.status.state().budget.tokens.expect("a limit");
    assert!(kept.used >= tokens.used && kept.used <= kept.limit, "{kept:?} after {tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_has_no_more_calls_than_are_allowed() {
    let mut rig = rig(|s| (s.batch, s.calls_per_minute, s.concurrency) = (1, 3, 4)).await;
    let lines = [
        "alpha broke now",
        "queue of orders full",
        "disk sda failed hard",
        "leader is lost",
        "parse of header failed badly",
    ];
    let lines: Vec<(Level, &str)> = lines.iter().map(|line| (Level::Error, *line)).collect();
    rig.see(&lines);
    rig.until("three insights, and two patterns that wait", |rig| {
        let state = rig.worker.status.state();
        state.patterns.explained == 3 && state.waiting.held + state.waiting.in_flight == 2
    })
    .await;
    let state = rig.worker.status.state();
    assert_eq!(rig.fake.calls(), 3);
    assert_eq!(state.budget.calls.expect("a limit"), Gauge { used: 3.0, limit: 3.0 });
    assert!(rig.fake.most_in_flight() <= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_a_limit_where_prices_are_set() {
    let mut rig = rig(|s| (s.price_in, s.price_out, s.usd_per_day, s.batch) = (100.0, 100.0, 0.3, 1)).await;
    rig.error("disk sda failed hard");
    rig.until("an insight", |rig| rig.worker.status.state().patterns.explained == 1).await;
    rig.error("leader of shard lost");
    rig.until("two insights", |rig| rig.worker.status.state().patterns.explained == 2).await;
    let pattern = rig.error("worker 1 died");
    rig.status(pattern, InsightStatus::OverBudget).await;
    let usd = rig.worker.status.state().budget.usd.expect("a limit");
    assert!(usd.used <= 0.3, "{usd:?}");
    let reason = rig.worker.status.state().model.reason.expect("a reason");
    assert!(reason.contains("money"), "{reason}");
    assert_eq!(rig.fake.calls(), 2, "a third one might go beyond the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_counted_and_waited_for_by_nobody() {
    let mut rig = rig(|s| (s.queue, s.concurrency) = (1, 1)).await;
    rig.fake.always(Reply::Hang);
    let lines: Vec<String> = ["alpha", "broker", "cache", "disk", "engine"]
        .iter()
        .flat_map(|a| ["full", "lost", "stuck", "gone"].iter().map(move |b| format!("{a} {b} {a}")))
        .collect();
    let lines: Vec<(Level, &str)> = lines.iter().map(|line| (Level::Error, line.as_str())).collect();
    for _ in 0..200 {
        rig.see(&lines);
    }
    rig.until("lines left out", |rig| rig.worker.status.state().skipped.queue_full > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_and_the_metrics_show_what_happened() {
    let mut rig = rig(|s| (s.price_in, s.price_out) = (1.0, 2.0)).await;
    let pattern = rig.error("worker 1 died");
    rig.status(pattern, InsightStatus::Ok).await;
    rig.until("no call in flight", |rig| rig.worker.status.state().waiting.in_flight == 0).await;
    let state = serde_json::to_value(rig.worker.status.state()).expect("JSON");
    let contract: Value = serde_json::from_str(include_str!("../../../../../docs/api/openapi.json")).expect("JSON");
    let schema = &contract["components"]["schemas"]["Analysis"];
    assert_fits(&state, schema, "analysis");
    let off = serde_json::to_value(crate::model::ModelStatus::off().state()).expect("JSON");
    assert_fits(&off, schema, "analysis");
    assert_eq!(state["model"], json!({ "configured": true, "name": "test-model", "state": "ok", "form": "schema" }));
    assert_eq!(state["budget"]["tokens"], json!({ "used": 760.0, "limit": 200_000.0 }));
    assert_eq!(state["budget"]["usd"], json!({ "used": 0.00082, "limit": 1.0 }));
    assert_eq!(state["patterns"]["explained"], 1);
    assert_eq!(state["skipped"], json!({ "queueFull": 0, "heldFull": 0, "overBudget": 0 }));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &rig.registry).expect("written");
    for line in [
        "whittle_model_calls_total{outcome=\"answered\"} 1",
        "whittle_model_tokens_total{direction=\"sent\"} 700",
        "whittle_model_patterns_total{outcome=\"explained\"} 1",
        "whittle_model_held 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("sk-test-key"));
}

/// Every field of a value is described in a schema, and every required one is there.
fn assert_fits(value: &Value, schema: &Value, path: &str) {
    let Some(fields) = value.as_object() else { return };
    for (name, inner) in fields {
        let described = &schema["properties"][name];
        assert!(described.is_object(), "{path}.{name} is not described");
        // A limit and how much of it is used has a schema of its own.
        if described.get("allOf").is_none() {
            assert_fits(inner, described, &format!("{path}.{name}"));
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(fields.contains_key(name), "{path}.{name} is missing");
    }
}

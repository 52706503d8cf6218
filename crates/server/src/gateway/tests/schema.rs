//! Every message against its schema in `docs/api/openapi.json`: required keys, types, constants and ranges.

use super::super::messages;
use super::super::ring::{Gap, Heads};
use super::super::tally::Second;
use super::*;

fn schemas() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");
    let text = std::fs::read_to_string(path).expect("the contract lies in the repository");
    serde_json::from_str::<Value>(&text).unwrap()["components"]["schemas"].take()
}

/// What is wrong with a value under a schema: the part of JSON Schema that the `Ws…` schemas use.
fn wrong(all: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return wrong(all, &all[name.rsplit('/').next().unwrap()], value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| wrong(all, choice, value).is_none()).count();
        return (fitting != 1).then(|| format!("{fitting} schemas fit {value}"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let constant = schema.get("const").is_none_or(|c| c == value);
    let listed = schema["enum"].as_array().is_none_or(|list| list.contains(value));
    let enough = schema["minimum"].as_f64().is_none_or(|least| value.as_f64().is_some_and(|v| v >= least));
    let pattern = schema["pattern"].as_str().map(|p| regex_lite(p, value.as_str().unwrap_or_default()));
    if !fits || !constant || !listed || !enough || pattern == Some(false) {
        return Some(format!("{value} does not fit {schema}"));
    }
    wrong_inside(all, schema, value)
}

fn wrong_inside(all: &Value, schema: &Value, value: &Value) -> Option<String> {
    let required = schema["required"].as_array().into_iter().flatten();
    if let Some(missing) = required.filter_map(Value::as_str).find(|key| value.get(key).is_none()) {
        return Some(format!("{missing} is missing in {value}"));
    }
    let items = value.as_array().into_iter().flatten().find_map(|item| wrong(all, &schema["items"], item));
    let properties = value.as_object().into_iter().flatten().find_map(|(key, value)| {
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => wrong(all, schema, value),
            (None, more @ Value::Object(_)) => wrong(all, more, value),
            (None, Value::Bool(true)) => None,
            (None, _) => Some(format!("{key} is not in the schema")),
        }
    });
    items.or(properties)
}

/// The two patterns of the contract: of `seq` and of ids.
fn regex_lite(pattern: &str, text: &str) -> bool {
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    match pattern {
        "^[0-9]+-[0-9]+$" => text.split_once('-').is_some_and(|(a, b)| digits(a) && digits(b)),
        "^[0-9a-f]{16}$" => text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        other => panic!("teach this test the pattern {other}"),
    }
}

/// The text of a frame of ours.
fn text(frame: &[u8]) -> Value {
    assert_eq!(frame[0], 0x81, "a whole text message");
    let head = match frame[1] {
        127 => 10,
        126 => 4,
        _ => 2,
    };
    serde_json::from_slice(&frame[head..]).unwrap()
}

#[tokio::test]
async fn every_message_fits_its_schema() {
    let all = schemas();
    let second = Second { second: 1, counts: vec![("a\"\n".into(), Level::Warn, 3), ("Other".into(), Level::Info, 1)] };
    let mut messages = vec![
        ("WsSubscribed", text(&messages::subscribed(&Heads::from([(0, 12), (7, 0)])))),
        ("WsSubscribed", text(&messages::subscribed(&Heads::new()))),
        ("WsError", text(&messages::error("what \" is\u{0} wrong"))),
        ("WsGap", text(&messages::gap(&Gap { partition: 1, from: 2, to: 3 }))),
        ("WsDropped", text(&messages::dropped(5))),
        ("WsInsight", text(&messages::insight(PatternId(255), INSIGHT))),
        ("WsMetrics", text(&messages::metrics(&messages::second(&second), 9))),
        ("WsMetrics", text(&messages::metrics(&messages::second(&Second { second: 1, counts: vec![] }), 0))),
    ];
    let served = Served::new(GatewaySettings { sample_above: 1, ..Default::default() }).await;
    let mut plain = served.connect("/").await;
    let mut batched = served.connect("/").await;
    batched.subscribe(json!({"batchMs": 0})).await;
    served.publish(&lines(0..20));
    messages.push(("WsEvent", plain.json().await));
    let sampled = batched.json().await;
    assert!(sampled["sampled"].as_u64().unwrap() > 1);
    messages.push(("WsEvents", sampled));
    for (name, message) in messages {
        assert_eq!(wrong(&all, &all[name], &message), None, "{name}");
        assert_eq!(wrong(&all, &all["WsServerMessage"], &message), None, "{name} among all messages");
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let all = schemas();
    for message in [
        json!({"topic": "whittle.dropped", "payload": {}}),
        json!({"topic": "whittle.dropped", "payload": {"count": -1}}),
        json!({"topic": "whittle.drop", "payload": {"count": 1}}),
        json!({"topic": "whittle.dropped", "payload": {"count": 1}, "more": 1}),
    ] {
        assert!(wrong(&all, &all["WsDropped"], &message).is_some(), "{message}");
    }
}

//! Every message against its schema in `docs/api/openapi.json`: required keys, types, constants and ranges.

use whittle_testkit::Contract;

use super::super::messages;
use super::super::ring::{Gap, Heads};
use super::super::tally::Second;
use super::*;

fn contract() -> Contract {
    Contract::read().expect("the contract lies in the repository")
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
    let contract = contract();
    let second = Second { second: 1, counts: vec![("a\"\n".into(), Level::Warn, 3), ("Other".into(), Level::Info, 1)] };
    let mut messages = vec![
        ("WsSubscribed", text(&messages::subscribed(&Heads::from([(0, 12), (7, 0)]), Some(&Heads::from([(0, 3)]))))),
        ("WsSubscribed", text(&messages::subscribed(&Heads::new(), None))),
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
        assert_eq!(contract.wrong(contract.schema(name), &message), None, "{name}");
        assert_eq!(contract.wrong(contract.schema("WsServerMessage"), &message), None, "{name} among all messages");
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let contract = contract();
    for message in [
        json!({"topic": "whittle.dropped", "payload": {}}),
        json!({"topic": "whittle.dropped", "payload": {"count": -1}}),
        json!({"topic": "whittle.drop", "payload": {"count": 1}}),
        json!({"topic": "whittle.dropped", "payload": {"count": 1}, "more": 1}),
    ] {
        assert!(contract.wrong(contract.schema("WsDropped"), &message).is_some(), "{message}");
    }
}

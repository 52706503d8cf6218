//! What becomes of a record's fields on the way from `/ingest` to `/recent`.

use serde_json::{Value, json};
use whittle_testkit::recent;

use crate::{VISIBLE, ingestion, server, storage};

/// Sends each record alone and gives the rows in the same order.
fn through(records: &[String]) -> Vec<Value> {
    let server = server();
    let mut connection = ingestion(&server);
    for record in records {
        let response = connection.post("/ingest", "application/json", record.as_bytes()).expect("ingestion answers");
        assert_eq!(response.status, 202, "{record}: {}", response.text());
    }
    let mut history = storage(&server);
    recent::wait_for(&mut history, "", records.len() as u64, VISIBLE).expect("all are visible");
    let mut rows = recent::all(&mut history, "").expect("the history is read");
    rows.sort_by_key(|row| row["id"].as_u64());
    rows
}

#[test]
fn messages_come_back_byte_for_byte() {
    let messages = [
        "\u{0}NUL\u{0}",
        "\u{1b}[31mred\u{1b}[0m",
        "tab\t\r\nnewline\n",
        " spaces around ",
        "\"quoted\" \\ back",
        "日本語 😀 e\u{301}",
        "\u{feff}mark",
        "\u{202e}reversed",
        "<*> <script>alert(1)</script> ${x} %s {}",
        "0",
        "-1.50e+10",
        "null",
        "a",
        "\u{7f}\u{80}\u{9f}",
        "at com.shop.Cart.get(Cart.java:17)\n\tat x.y.Z(Z.java:1)",
    ];
    let long = "word 12345 ".repeat(90_000);
    let messages: Vec<&str> = messages.into_iter().chain([long.as_str()]).collect();
    let record = |message: &&str| json!({ "source": "text", "level": "info", "message": message }).to_string();
    let rows = through(&messages.iter().map(record).collect::<Vec<_>>());
    for (row, message) in rows.iter().zip(messages) {
        assert!(row["message"] == message, "{:.60} came back as {:.60}", message.escape_debug(), row["message"]);
    }
}

#[test]
fn levels_of_all_families_become_four() {
    let levels = [
        (json!("info"), "info"),
        (json!("WARNING"), "warn"),
        (json!("fatal"), "error"),
        (json!("E"), "error"),
        (json!("trace"), "debug"),
        (json!(3), "error"),
        (json!(4), "warn"),
        (json!(30), "info"),
        (json!(17), "error"),
        (json!("banana"), "info"),
        (json!(""), "info"),
    ];
    let record = |(level, _): &(Value, &str)| json!({ "source": "l", "message": "m", "level": level }).to_string();
    let mut records: Vec<String> = levels.iter().map(record).collect();
    records.push(json!({ "source": "l", "message": "no level" }).to_string());
    let rows = through(&records);
    for (row, (sent, level)) in rows.iter().zip(&levels) {
        assert_eq!(row["level"], *level, "{sent}");
    }
    assert_eq!(rows[levels.len()]["level"], "info");
}

#[test]
fn times_of_all_forms_become_utc() {
    let times = [
        (json!("2025-11-30T20:10:00.000Z"), "2025-11-30T20:10:00.000Z"),
        (json!("2025-11-30T20:10:00+02:00"), "2025-11-30T18:10:00.000Z"),
        (json!("2025-11-30T20:10:00.123456Z"), "2025-11-30T20:10:00.123456Z"),
        (json!("2025-11-30T20:10:00"), "2025-11-30T20:10:00.000Z"),
        (json!(1_764_533_400), "2025-11-30T20:10:00.000Z"),
        (json!(1_764_533_400_123_i64), "2025-11-30T20:10:00.123Z"),
        (json!(1_764_533_400_123_456_i64), "2025-11-30T20:10:00.123456Z"),
        (json!(1_764_533_400_123_456_789_i64), "2025-11-30T20:10:00.123456Z"),
        (json!("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00.000Z"),
        (json!("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59.000Z"),
    ];
    let record = |(time, _): &(Value, &str)| json!({ "source": "t", "message": "m", "timestamp": time }).to_string();
    let mut records: Vec<String> = times.iter().map(record).collect();
    records.push(json!({ "source": "t", "message": "no time" }).to_string());
    let rows = through(&records);
    for (row, (sent, time)) in rows.iter().zip(&times) {
        assert_eq!(row["timestamp"], *time, "{sent}");
    }
    let last = &rows[times.len()];
    assert_eq!(last["timestamp"], last["receivedAt"], "absent: the time of receipt");
}

#[test]
fn the_last_of_duplicate_keys_wins_and_unknown_fields_are_kept() {
    let rows = through(&[
        r#"{"source":"a","source":"b","message":"x","message":"y","level":"info","level":"error","context":{"n":1},"context":{"n":2}}"#.into(),
        json!({ "source": "a", "message": "m", "host": "h1", "user": { "id": 7 }, "context": { "host": "h2" } }).to_string(),
    ]);
    let first = &rows[0];
    assert_eq!((&first["source"], &first["message"], &first["level"]), (&json!("b"), &json!("y"), &json!("error")));
    assert_eq!(first["context"], json!({ "n": 2 }));
    assert_eq!(rows[1]["context"], json!({ "host": "h2", "field.host": "h1", "user": { "id": 7 } }));
}

#[test]
fn rows_and_events_have_what_the_contract_names() {
    let server = server();
    let mut events = server.listen("/").expect("the gateway listens");
    crate::send(&mut ingestion(&server), "shop", "Order 4711 placed");
    let mut history = storage(&server);
    recent::wait_for(&mut history, "", 1, VISIBLE).expect("it is visible");
    let row = recent::all(&mut history, "").expect("the history is read").remove(0);
    let event = events.next_text(VISIBLE).expect("the gateway stays").expect("an event comes");
    let event: Value = serde_json::from_str(&event).expect("an event is JSON");
    assert_eq!(event["topic"], "logs.insights");
    for field in ["source", "level", "message", "timestamp", "seq", "patternId"] {
        assert_eq!(row[field], event["payload"][field], "{field}");
    }
    for holder in [&row, &event["payload"]] {
        assert_eq!(holder["insight"]["summary"], "analysis_failed");
        assert_eq!(holder["insight"]["confidence"].as_f64(), Some(0.0));
        assert_eq!(holder["insight"]["status"], "no_key");
        let pattern = holder["patternId"].as_str().expect("a pattern id");
        assert!(
            pattern.len() == 16 && pattern.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{pattern}"
        );
    }
    assert!(row["id"].as_u64().is_some_and(|id| id < 1 << 53), "{}", row["id"]);
    assert!(row["receivedAt"].is_string() && row["context"].is_object() | row["context"].is_null(), "{row}");
}

//! Real log lines come back byte for byte, from the history and on the WebSocket.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use whittle_testkit::ws::WsClient;
use whittle_testkit::{Connection, loghub, recent};

use crate::{VISIBLE, ingestion, server, storage};

/// Lines of a request.
const BATCH: usize = 500;
/// Time for the next event; longer means that none comes any more.
const NEXT_EVENT: Duration = Duration::from_secs(30);

/// How often each message of each source came, with its positions.
type Messages = BTreeMap<(String, String), Vec<String>>;

fn note(messages: &mut Messages, row: &Value) {
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    messages.entry((text("source"), text("message"))).or_default().push(text("seq"));
}

fn sorted(mut messages: Messages) -> Messages {
    messages.values_mut().for_each(|seqs| seqs.sort());
    messages
}

/// Each system in another form, so that all ways in are walked by real lines.
fn send(connection: &mut Connection, form: usize, records: &[Value]) {
    let lines = records.iter().map(Value::to_string).collect::<Vec<_>>();
    let ndjson = lines.join("\n");
    let plain = "application/x-ndjson";
    let response = match form % 4 {
        0 => connection.post("/ingest", "application/json", json!(records).to_string().as_bytes()),
        1 => connection.post("/ingest", plain, ndjson.as_bytes()),
        2 => connection.request(
            "POST",
            "/ingest",
            &[("content-type", plain), ("content-encoding", "gzip")],
            &crate::bad_input::gzip(ndjson.as_bytes()),
        ),
        _ => connection.request(
            "POST",
            "/ingest",
            &[("content-type", plain), ("content-encoding", "zstd")],
            &zstd::encode_all(ndjson.as_bytes(), 3).expect("zstd packs"),
        ),
    };
    let response = response.expect("ingestion answers");
    assert_eq!(response.status, 202, "{}", response.text());
    assert_eq!(response.json()["accepted"], records.len());
}

/// Reads events until as many came as were sent.
fn collect(mut events: WsClient, wanted: usize) -> Messages {
    let mut messages = Messages::new();
    for got in 0..wanted {
        let text = events.next_text(NEXT_EVENT).expect("the gateway stays");
        let text = text.unwrap_or_else(|| panic!("only {got} of {wanted} events came"));
        let event: Value = serde_json::from_str(&text).expect("an event is JSON");
        assert_eq!(event["topic"], "logs.insights");
        note(&mut messages, &event["payload"]);
    }
    messages
}

#[test]
fn every_line_comes_back_unchanged() {
    let systems = loghub::systems();
    if systems.is_empty() {
        return;
    }
    let server = server();
    let events = server.listen("/").expect("the gateway listens");
    let wanted = systems.iter().map(|system| system.lines.len()).sum();
    let events = std::thread::spawn(move || collect(events, wanted));
    let mut connection = ingestion(&server);
    let mut expected: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (form, system) in systems.iter().enumerate() {
        for lines in system.lines.chunks(BATCH) {
            let record = |line: &String| json!({ "source": system.name, "level": "info", "message": line });
            send(&mut connection, form, &lines.iter().map(record).collect::<Vec<_>>());
        }
        for line in &system.lines {
            *expected.entry((system.name.clone(), line.clone())).or_default() += 1;
        }
    }
    let mut history = storage(&server);
    recent::wait_for(&mut history, "", wanted as u64, VISIBLE).expect("all lines are visible");
    let mut stored = Messages::new();
    for row in recent::all(&mut history, "").expect("the history is read") {
        note(&mut stored, &row);
    }
    let counts = |messages: &Messages| messages.iter().map(|(key, seqs)| (key.clone(), seqs.len())).collect();
    assert!(expected == counts(&stored), "the history has other lines than were sent");
    let streamed = events.join().expect("events are read");
    assert!(sorted(stored) == sorted(streamed), "the WebSocket had other lines, or other positions, than the history");
}

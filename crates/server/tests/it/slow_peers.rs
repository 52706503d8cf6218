//! Peers that hang: browsers that never read, webhooks that never answer. Nobody waits for them.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use whittle_testkit::{Connection, recent};

use crate::{VISIBLE, ingestion, server, setup, storage};

/// Records sent: enough to fill the buffers of a client that never reads.
const RECORDS: usize = 40_000;
const BATCH: usize = 1_000;

fn send_many(connection: &mut Connection, records: usize, level: &str) {
    for batch in 0..records / BATCH {
        let record = |i: usize| {
            let message = format!("event {} with some text to fill the buffers of whoever reads", batch * BATCH + i);
            json!({ "source": "s", "level": level, "message": message }).to_string()
        };
        let body = (0..BATCH).map(record).collect::<Vec<_>>().join("\n");
        let response = connection.post("/ingest", "application/x-ndjson", body.as_bytes()).expect("ingestion answers");
        assert_eq!(response.status, 202, "{}", response.text());
    }
}

#[test]
fn a_browser_that_never_reads_slows_nobody() {
    let server = server();
    let idle: Vec<_> = (0..3).map(|_| server.listen("/").expect("the gateway listens")).collect();
    let mut reader = server.listen("/").expect("the gateway listens");
    let events = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < RECORDS && reader.next_text(Duration::from_secs(30)).expect("the gateway stays").is_some() {
            seen += 1;
        }
        seen
    });
    send_many(&mut ingestion(&server), RECORDS, "info");
    recent::wait_for(&mut storage(&server), "", RECORDS as u64, VISIBLE).expect("the history has all");
    assert_eq!(events.join().expect("events are read"), RECORDS, "a reader that keeps up misses nothing");
    drop(idle);
}

#[test]
fn a_webhook_that_hangs_holds_nothing_up() {
    // Connections are taken by the kernel and never answered.
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hook", hanging.local_addr().expect("bound"));
    let config =
        format!("[[alerts.webhooks]]\nname = 'hangs'\nurl = '{url}'\nallow_private = true\ntimeout_ms = 60000\n");
    let mut server = setup().config(&config).start().expect("the server starts");
    let mut events = server.listen("/").expect("the gateway listens");
    send_many(&mut ingestion(&server), 5_000, "error");
    recent::wait_for(&mut storage(&server), "levels=error", 5_000, VISIBLE).expect("the history has all");
    for _ in 0..5_000 {
        let event = events.next_text(VISIBLE).expect("the gateway stays").expect("every event comes");
        let event: Value = serde_json::from_str(&event).expect("an event is JSON");
        assert_eq!(event["payload"]["level"], "error");
    }
    let status = server.terminate(Duration::from_secs(10)).expect("a delivery that hangs holds the end up by no more");
    assert!(status.success(), "{status}; it said:\n{}", server.said());
}

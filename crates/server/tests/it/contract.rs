//! The answers of `POST /ingest`, row by row as the contract lists them.

use std::time::Duration;

use serde_json::json;
use whittle_testkit::{Connection, Response, recent};

use crate::{VISIBLE, ingestion, server, setup, storage};

fn post(connection: &mut Connection, headers: &[(&str, &str)], body: &str) -> Response {
    connection.request("POST", "/ingest", headers, body.as_bytes()).expect("ingestion answers")
}

fn record(message: &str) -> String {
    json!({ "source": "c", "level": "info", "message": message }).to_string()
}

#[test]
fn one_record_an_array_and_ndjson_are_queued() {
    let server = server();
    let mut connection = ingestion(&server);
    let one = post(&mut connection, &[], &record("no content type"));
    assert_eq!((one.status, one.json()), (202, json!({ "status": "queued" })));
    let utf8 = post(&mut connection, &[("content-type", "Application/JSON; charset=utf-8")], &record("a charset"));
    assert_eq!((utf8.status, utf8.json()), (202, json!({ "status": "queued" })));
    let array = format!("[{},{}]", record("one"), record("two"));
    let array = post(&mut connection, &[("content-type", "application/json")], &array);
    assert_eq!((array.status, array.json()), (202, json!({ "status": "queued", "accepted": 2 })));
    let lines = format!("\n{}\r\n\n{}\n{}\n", record("one"), record("two"), record("three"));
    let lines = post(&mut connection, &[("content-type", "application/x-ndjson")], &lines);
    assert_eq!((lines.status, lines.json()), (202, json!({ "status": "queued", "accepted": 3 })));
    recent::wait_for(&mut storage(&server), "", 7, VISIBLE).expect("all are visible");
}

#[test]
fn one_bad_record_keeps_the_whole_request_out() {
    let server = server();
    let mut connection = ingestion(&server);
    let array = format!("[{},{{\"source\":\"\"}},{}]", record("one"), record("three"));
    let response = post(&mut connection, &[], &array);
    assert_eq!(response.status, 400);
    let error = &response.json()["error"];
    assert!(error["formErrors"].as_array().is_some_and(Vec::is_empty), "{error}");
    assert!(error["fieldErrors"]["1.source"].is_array() && error["fieldErrors"]["1.message"].is_array(), "{error}");
    let single = post(&mut connection, &[], r#"{"source":"c"}"#).json();
    assert!(single["error"]["fieldErrors"]["message"].is_array(), "a single record's keys have no index: {single}");
    crate::send(&mut connection, "c", "a good one");
    recent::wait_for(&mut storage(&server), "", 1, VISIBLE).expect("the good one alone is there");
}

#[test]
fn a_client_that_sends_too_often_is_told_when_to_come_again() {
    let server = setup().env("WHITTLE_RATE_LIMIT", 2).start().expect("the server starts");
    let mut connection = ingestion(&server);
    let refused = (0..200).map(|_| post(&mut connection, &[], &record("m"))).find(|response| response.status != 202);
    let refused = refused.expect("200 requests at once are more than 2 a second");
    assert_eq!((refused.status, refused.json()["error"].as_str()), (429, Some("rate_limited")));
    assert!(refused.header("retry-after").is_some_and(|v| v.parse::<u32>().is_ok()), "Retry-After");
}

#[test]
fn requests_beyond_the_memory_set_aside_are_refused_before_their_body() {
    let server = setup().env("WHITTLE_MAX_INFLIGHT_BYTES", 100_000).start().expect("the server starts");
    let mut slow = ingestion(&server);
    // Half a body: its bytes are counted for as long as the rest does not come.
    let body = record(&"x".repeat(90_000));
    let request = Connection::render("POST", "/ingest", &[], body.as_bytes());
    slow.send(&request[..request.len() / 2]).expect("half a request is taken");
    let refused = whittle_testkit::wait::until("a request to be refused", Duration::from_secs(20), || {
        let mut other = ingestion(&server);
        let length = 60_000.to_string();
        let head =
            Connection::render("POST", "/ingest", &[("content-length", &length), ("expect", "100-continue")], b"");
        other.send(&head).ok()?;
        let mut response = Response::default();
        // Where the body is waited for there is no answer yet: the slow request had not arrived.
        other.send(&vec![b' '; 60_000]).ok()?;
        other.read_response(&mut response).ok()?;
        (response.status == 429).then_some(response)
    });
    let refused = refused.expect("the limit holds");
    assert_eq!(refused.json()["error"], "overloaded");
    assert!(refused.header("retry-after").is_some(), "Retry-After");
    slow.send(&request[request.len() / 2..]).expect("the rest is taken");
    let mut response = Response::default();
    slow.read_response(&mut response).expect("the slow one is answered");
    assert_eq!(response.status, 202, "{}", response.text());
    crate::send(&mut ingestion(&server), "c", "room again");
}

#[test]
fn foreign_pages_and_hosts_are_kept_out() {
    let server = server();
    let mut connection = ingestion(&server);
    for origin in ["http://localhost:5173", "http://127.0.0.1:9999", "http://[::1]:5173"] {
        let response = post(&mut connection, &[("origin", origin)], &record("from a page of this machine"));
        assert_eq!(response.status, 202, "{origin}: {}", response.text());
    }
    for headers in [[("origin", "https://evil.example")], [("origin", "null")], [("host", "evil.example")]] {
        for address in [server.ingestion(), server.storage()] {
            let mut connection = server.connect(address).expect("it listens");
            let response = connection.request("POST", "/ingest", &headers, record("m").as_bytes()).expect("an answer");
            assert!((400..500).contains(&response.status), "{headers:?}: {}", response.status);
        }
        let mut connection = server.connect(server.storage()).expect("storage listens");
        let response = connection.request("GET", "/recent", &headers, b"").expect("an answer");
        assert!((400..500).contains(&response.status), "{headers:?}: {}", response.status);
    }
    recent::wait_for(&mut storage(&server), "", 3, VISIBLE).expect("nothing of a foreign page is there");
}

#[test]
fn every_port_tells_how_it_is() {
    let server = server();
    for address in [server.ingestion(), server.storage(), server.gateway(), server.dashboard()] {
        let mut connection = server.connect(address).expect("it listens");
        for path in ["/livez", "/readyz", "/metrics"] {
            let response = connection.get(path).expect("an answer");
            assert_eq!(response.status, 200, "{address}{path}: {}", response.text());
        }
    }
}

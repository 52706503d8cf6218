//! What no client should send: each gets its answer, none is kept, and the server goes on.

use std::io::Write;

use serde_json::{Value, json};
use whittle_testkit::{Connection, Response, recent};

use crate::{VISIBLE, ingestion, send, server, storage};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// One bad request.
struct Case {
    name: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    status: u16,
    /// What the answer must name.
    says: &'static str,
}

fn case(name: &'static str, kind: &'static str, body: impl Into<Vec<u8>>, status: u16, says: &'static str) -> Case {
    Case { name, headers: vec![("content-type", kind)], body: body.into(), status, says }
}

fn packed(name: &'static str, encoding: &'static str, body: Vec<u8>, status: u16, says: &'static str) -> Case {
    Case { name, headers: vec![("content-type", NDJSON), ("content-encoding", encoding)], body, status, says }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn record(message: &str) -> String {
    json!({ "source": "bad", "level": "info", "message": message }).to_string()
}

fn with(field: &str, value: Value) -> String {
    let mut record = json!({ "source": "bad", "level": "info", "message": "m" });
    record[field] = value;
    record.to_string()
}

/// Bodies that are no records.
fn malformed() -> Vec<Case> {
    vec![
        case("no body", JSON, "", 400, "formErrors"),
        case("blank NDJSON", NDJSON, "\n\n", 400, "formErrors"),
        case("empty array", JSON, "[]", 400, "formErrors"),
        case("a number", JSON, "5", 400, "formErrors"),
        case("null", JSON, "null", 400, "formErrors"),
        case("broken JSON", JSON, "{\"source\":", 400, "invalid JSON"),
        case("text after the record", JSON, format!("{} x", record("m")), 400, "formErrors"),
        case("a broken line among good ones", NDJSON, format!("{}\n{{\n{}", record("a"), record("b")), 400, "record 1"),
        case("an array in an array", JSON, format!("[[{}]]", record("m")), 400, "formErrors"),
        case("invalid UTF-8", JSON, b"{\"source\":\"bad\",\"message\":\"\xff\xfe\"}".to_vec(), 400, "formErrors"),
        case("a raw control character", JSON, "{\"source\":\"bad\",\"message\":\"a\u{1}b\"}", 400, "formErrors"),
        case("half a surrogate pair", JSON, r#"{"source":"bad","message":"\ud800"}"#, 400, "Errors"),
        case(
            "half a pair in the context",
            JSON,
            r#"{"source":"bad","message":"m","context":{"a":"\udc00"}}"#,
            400,
            "context",
        ),
        case("a hundred thousand brackets", JSON, "[".repeat(100_000), 400, "formErrors"),
        case("a list of a million numbers", JSON, format!("[{}0]", "0,".repeat(1_000_000)), 400, "record 0"),
        case("a record of 30,000 fields", JSON, fields(30_000), 400, "unknown fields"),
        case("deep context", JSON, deep(10_000), 400, "nested"),
    ]
}

fn fields(count: usize) -> String {
    let fields: String = (0..count).map(|i| format!(",\"k{i}\":0")).collect();
    format!("{{\"source\":\"bad\",\"message\":\"m\"{fields}}}")
}

fn deep(levels: usize) -> String {
    let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
    format!("{{\"source\":\"bad\",\"message\":\"m\",\"context\":{open}1{close}}}")
}

/// Records whose fields are wrong.
fn wrong_fields() -> Vec<Case> {
    vec![
        case("no fields", JSON, "{}", 400, "Required"),
        case("no source", JSON, r#"{"message":"m"}"#, 400, "source"),
        case("no message", JSON, r#"{"source":"bad"}"#, 400, "message"),
        case("empty source", JSON, with("source", json!("")), 400, "source"),
        case("empty message", JSON, with("message", json!("")), 400, "message"),
        case("a number for a message", JSON, with("message", json!(5)), 400, "received number"),
        case("an object for a source", JSON, with("source", json!({})), 400, "received object"),
        case("null for a message", JSON, with("message", json!(null)), 400, "message"),
        case("true for a level", JSON, with("level", json!(true)), 400, "level"),
        case("a list for a context", JSON, with("context", json!([1])), 400, "context"),
        case("a long source", JSON, with("source", json!("s".repeat(257))), 400, "source"),
        case(
            "the third of three",
            NDJSON,
            format!("{}\n\n{}\n{{\"source\":\"bad\"}}", record("a"), record("b")),
            400,
            "2.message",
        ),
        case("year 0", JSON, with("timestamp", json!("0000-01-01T00:00:00Z")), 400, "timestamp"),
        case("year 99999", JSON, with("timestamp", json!("99999-01-01T00:00:00Z")), 400, "timestamp"),
        case("no year at all", JSON, with("timestamp", json!(1e300)), 400, "timestamp"),
        case("before 1970", JSON, with("timestamp", json!(-5)), 400, "timestamp"),
        case("a month 13", JSON, with("timestamp", json!("2026-13-01T00:00:00Z")), 400, "timestamp"),
        case("no time at all", JSON, with("timestamp", json!("yesterday")), 400, "timestamp"),
        case("an infinite time", JSON, r#"{"source":"bad","message":"m","timestamp":1e999}"#, 400, "Errors"),
    ]
}

/// Bodies that are too large, or grow too large.
fn too_large() -> Vec<Case> {
    let many = |count: usize| format!("{}\n", record("m")).repeat(count);
    let zeros = vec![b' '; 128 << 20];
    vec![
        case("100 MB", NDJSON, vec![b'x'; 100_000_000], 413, "payload_too_large"),
        case("100,000 records", NDJSON, many(100_000), 413, "payload_too_large"),
        case("one record too many", NDJSON, many(50_001), 413, "payload_too_large"),
        case("a record of 2 MB", JSON, record(&"x".repeat(2_000_000)), 413, "payload_too_large"),
        packed("a gzip bomb", "gzip", gzip(&zeros), 413, "payload_too_large"),
        packed("a zstd bomb", "zstd", zstd::encode_all(&zeros[..], 3).expect("zstd packs"), 413, "payload_too_large"),
    ]
}

/// What is sent in a form that is not taken, or broken.
fn wrong_form() -> Vec<Case> {
    let good = record("m").into_bytes();
    let (gzipped, zstded) = (gzip(&good), zstd::encode_all(&good[..], 3).expect("zstd packs"));
    let mut flipped = gzipped.clone();
    flipped[12] ^= 0x55;
    vec![
        case("plain text", "text/plain", "hello", 415, "unsupported_media_type"),
        case("a form", "multipart/form-data", good.clone(), 415, "unsupported_media_type"),
        packed("brotli", "br", good.clone(), 415, "unsupported_media_type"),
        packed("plain bytes called gzip", "gzip", good.clone(), 400, "packed body"),
        packed("plain bytes called zstd", "zstd", good, 400, "packed body"),
        packed("gzip cut off", "gzip", gzipped[..gzipped.len() / 2].to_vec(), 400, "packed body"),
        packed("zstd cut off", "zstd", zstded[..zstded.len() / 2].to_vec(), 400, "packed body"),
        packed("gzip with a flipped bit", "gzip", flipped, 400, "packed body"),
    ]
}

/// What is wrong with a body is told by field; every other refusal by a word.
fn check_form(response: &Response, name: &str) {
    let answer = response.json();
    if response.status == 400 {
        let errors = &answer["error"];
        let told = errors["formErrors"].as_array().map_or(0, Vec::len)
            + errors["fieldErrors"].as_object().map_or(0, serde_json::Map::len);
        assert!(errors["formErrors"].is_array() && errors["fieldErrors"].is_object() && told > 0, "{name}: {answer}");
    } else {
        assert!(answer["error"].is_string() && answer["message"].is_string(), "{name}: {answer}");
    }
}

/// Sends one bad request on a connection of its own.
fn answer(connection: &mut Connection, case: &Case) -> Response {
    let sent = connection.request("POST", "/ingest", &case.headers, &case.body);
    sent.unwrap_or_else(|error| panic!("{}: no answer: {error}", case.name))
}

#[test]
fn every_bad_request_is_answered_and_none_is_kept() {
    let server = server();
    let mut good = 0;
    for case in [malformed(), wrong_fields(), too_large(), wrong_form()].into_iter().flatten() {
        let response = answer(&mut ingestion(&server), &case);
        let text = response.text();
        assert_eq!(response.status, case.status, "{}: {text}", case.name);
        assert!(text.contains(case.says), "{}: {text}", case.name);
        assert!(text.len() < 64 << 10, "{}: the answer has {} bytes", case.name, text.len());
        check_form(&response, case.name);
        send(&mut ingestion(&server), "good", case.name);
        good += 1;
    }
    recent::wait_for(&mut storage(&server), "", good, VISIBLE).expect("the good records alone are there");
}

#[test]
fn a_body_without_a_length_is_cut_at_the_cap() {
    let server = server();
    let mut connection = ingestion(&server);
    connection
        .send(b"POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("the head is taken");
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    // Sending stops early when the server has closed; the answer is what counts.
    let _ = (0..100).try_for_each(|_| connection.send(&chunk));
    let mut response = Response::default();
    match connection.read_response(&mut response) {
        Ok(()) => assert_eq!(response.status, 413, "{}", response.text()),
        // A hundred times the drained length: the kernel may have thrown the answer away with the connection.
        Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "the server must not wait for the rest"),
    }
    send(&mut ingestion(&server), "good", "still there");
}

#[test]
fn bytes_that_are_no_http_harm_nothing() {
    let server = server();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"POST /ingest HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(),
        b"POST /ingest HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n".to_vec(),
        b"POST /ingest HTTP/9.9\r\n\r\n".to_vec(),
        [b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'y'; 1 << 20], b"\r\n\r\n"].concat(),
        vec![0; 100_000],
    ] {
        for address in [server.ingestion(), server.storage(), server.gateway(), server.dashboard()] {
            let mut connection = server.connect(address).expect("it listens");
            let mut response = Response::default();
            if connection.send(&bytes).is_ok() && connection.read_response(&mut response).is_ok() {
                assert!((400..600).contains(&response.status), "{}", response.text());
            }
        }
    }
    send(&mut ingestion(&server), "good", "still there");
}

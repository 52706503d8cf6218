//! Parameters that no page would send to `/recent` and its like.

use whittle_testkit::Connection;

use crate::{VISIBLE, ingestion, percent, send, server, storage};

/// Values that are 400, never clamped, never an error of the server.
const BAD: &[&str] = &[
    "limit=-1",
    "limit=1001",
    "limit=abc",
    "limit=1.5",
    "limit=99999999999999999999999",
    "limit=0x10",
    "limit=%20",
    "offset=-1",
    "offset=abc",
    "offset=99999999999999999999999",
    "offset=1e3",
    "levels=banana",
    "levels=info,banana",
    "sinceMinutes=0",
    "sinceMinutes=-5",
    "sinceMinutes=abc",
    "sinceMinutes=NaN",
    "sinceMinutes=inf",
    "from=yesterday",
    "to=never",
    "from=99999-01-01T00:00:00Z",
    "pattern=xyz",
    "pattern=0123",
    "until=garbage",
    "until=%00",
    "q=%22never%20closed",
    "q=(a",
];

/// Values that are taken, though odd.
const ODD: &[&str] = &[
    "",
    "limit=0",
    "limit=",
    "levels=",
    "source=",
    "q=",
    "limit=1000",
    "offset=9007199254740991",
    "levels=error,error",
    "source=%00",
    "source=nobody",
    "source=%F0%9F%98%80",
    "sinceMinutes=0.5",
    "sinceMinutes=1000000",
    "from=2030-01-01T00:00:00Z&to=2020-01-01T00:00:00Z",
];

/// Searches that are nonsense, or look like some other language.
const ODD_SEARCHES: &[&str] = &[
    "\u{0}",
    "\"",
    "*",
    "~",
    "-",
    ":",
    "a:b:c",
    "or or or",
    "((()))",
    "~~~~",
    "\\",
    "😀",
    "a*b",
    "\"a\" \"",
    "source:",
    ">=",
    "' or 1=1 --",
    "%",
];

fn get(connection: &mut Connection, path: &str) -> (u16, String) {
    let response = connection.get(path).unwrap_or_else(|error| panic!("{path}: no answer: {error}"));
    (response.status, response.text())
}

#[test]
fn bad_values_are_refused_and_odd_ones_are_taken() {
    let server = server();
    send(&mut ingestion(&server), "q", "one row");
    let mut connection = storage(&server);
    whittle_testkit::recent::wait_for(&mut connection, "", 1, VISIBLE).expect("it is visible");
    for query in BAD {
        let (status, text) = get(&mut connection, &format!("/recent?{query}"));
        assert_eq!(status, 400, "{query}: {text}");
        assert!(text.starts_with('{') && text.contains("\"error\""), "{query}: {text}");
    }
    for query in ODD {
        let (status, text) = get(&mut connection, &format!("/recent?{query}"));
        assert_eq!(status, 200, "{query}: {text}");
        assert!(text.starts_with('['), "{query}: {text}");
    }
    for path in
        ["/stats/histogram?buckets=501", "/stats/histogram?buckets=0", "/stats/histogram?by=mood", "/patterns?limit=-1"]
    {
        assert_eq!(get(&mut connection, path).0, 400, "{path}");
    }
}

#[test]
fn unknown_parameters_are_named() {
    let server = server();
    let response = storage(&server).get("/recent?limit=1&colour=red&Limit=5").expect("an answer");
    assert_eq!(response.status, 200);
    let ignored = response.header("x-ignored-parameters").unwrap_or_default().to_owned();
    assert!(ignored.contains("colour") && ignored.contains("Limit"), "{ignored}");
}

#[test]
fn a_chart_and_a_file_hold_what_the_list_holds() {
    let server = server();
    let ahead = r#"{"source":"q","message":"of a clock that is ahead","timestamp":"2150-01-01T00:00:00Z"}"#;
    let pretty = "{\r\n  \"source\": \"q\",\n  \"message\": \"pretty\",\n  \"context\": {\n    \"a\": [\n 1 ]\n }\n}";
    for record in [ahead, pretty] {
        let sent = ingestion(&server).post("/ingest", "application/json", record.as_bytes()).expect("an answer");
        assert_eq!(sent.status, 202, "{}", sent.text());
    }
    let mut connection = storage(&server);
    whittle_testkit::recent::wait_for(&mut connection, "sinceMinutes=60", 2, VISIBLE).expect("both are listed");
    let chart = connection.get("/stats/histogram?sinceMinutes=60").expect("an answer").json();
    assert_eq!(chart["total"], 2, "{chart}");
    let file = connection.get("/export?sinceMinutes=60&format=ndjson").expect("an answer").text();
    let messages: Vec<serde_json::Value> = file
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a record")["message"].take())
        .collect();
    assert_eq!(messages, ["of a clock that is ahead", "pretty"], "{file}");
}

#[test]
fn no_search_text_breaks_the_server() {
    let server = server();
    send(&mut ingestion(&server), "q", "one row with words");
    let mut connection = storage(&server);
    let texts = ODD_SEARCHES.iter().map(|text| (*text).to_owned());
    for text in texts.chain(["a".repeat(20_000), "(".repeat(5_000)]) {
        let (status, answer) = get(&mut connection, &format!("/recent?limit=1&q={}", percent(&text)));
        assert!(matches!(status, 200 | 400 | 414 | 431), "{:.40}: {status} {answer:.300}", text.escape_debug());
        // A head that is too large ends the connection.
        connection = storage(&server);
    }
    for path in [
        "/recent?q=%ff",
        "/recent?q=%",
        "/recent?%",
        "/recent?&&&=&=",
        "/recent?limit=1&limit=2",
        "/patterns/zzz",
        "/patterns/%00",
    ] {
        let (status, answer) = get(&mut connection, path);
        assert!(matches!(status, 200 | 400 | 404), "{path}: {status} {answer:.300}");
    }
}

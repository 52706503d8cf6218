//! Every documented answer, and none besides.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use serde_json::Value;
use tower::ServiceExt as _;
use whittle_server::http::{Health, Refusal};
use whittle_testkit::{Connection, Contract, Response, Server};

use super::check::{Kind, checked, documented};
use super::{Operation, concrete, contract, operations, stored};
use crate::{ingestion, server, setup, storage};

/// A page that may not ask.
const FOREIGN: (&str, &str) = ("origin", "https://evil.example");

/// Questions by the path of the contract; what they give is held against the contract by its status.
fn questions(row: &Value) -> Vec<(&'static str, String)> {
    let (seq, pattern) = (row["seq"].as_str().expect("seq"), row["patternId"].as_str().expect("a pattern"));
    let fixed = [
        ("/recent", "/recent?levels=error,info&sinceMinutes=60&colour=red"),
        ("/recent", "/recent?limit=0"),
        ("/recent", "/recent?q=(a"),
        ("/around", "/around?seq=0-99999"),
        ("/around", "/around?seq=7"),
        ("/export", "/export?colour=red"),
        ("/export", "/export?format=csv"),
        ("/export", "/export?format=pdf"),
        ("/stats/histogram", "/stats/histogram?sinceMinutes=60&by=source&colour=red"),
        ("/stats/histogram", "/stats/histogram"),
        ("/stats/histogram", "/stats/histogram?by=mood"),
        ("/stats/facets", "/stats/facets?fields=source,level,pattern,order,context.source&colour=red"),
        ("/stats/facets", "/stats/facets?fields=,"),
        ("/patterns", "/patterns?sort=recent&colour=red"),
        ("/patterns", "/patterns?trend=30&sinceMinutes=60"),
        ("/patterns", "/patterns?trend=101"),
        ("/patterns", "/patterns?limit=-1"),
        ("/patterns/{id}", "/patterns/0000000000000000"),
        ("/patterns/{id}", "/patterns/zzz"),
        ("/analysis", "/analysis"),
        ("/livez", "/livez"),
        ("/readyz", "/readyz"),
        ("/metrics", "/metrics"),
    ];
    let mut questions: Vec<_> = fixed.into_iter().map(|(path, asked)| (path, asked.to_owned())).collect();
    questions.push(("/around", format!("/around?seq={seq}&each=2&colour=red")));
    questions.push(("/patterns/{id}", format!("/patterns/{pattern}?colour=red")));
    questions.push(("/patterns/{id}", format!("/patterns/{pattern}?source=nobody")));
    questions
}

/// Bodies for ingestion with their headers.
fn bodies() -> Vec<(Vec<(&'static str, &'static str)>, String)> {
    let record = r#"{"source":"shop","message":"m"}"#;
    let lines = vec![("content-type", "application/x-ndjson")];
    vec![
        (vec![], record.to_owned()),
        (vec![], format!("[{record},{record}]")),
        (lines.clone(), format!("{record}\n{record}\n")),
        (vec![], r#"{"source":""}"#.to_owned()),
        (lines, format!("{record}\n{{")),
        (vec![("content-encoding", "gzip")], "no gzip".to_owned()),
        (vec![], format!(r#"{{"source":"shop","message":"{}"}}"#, "m".repeat(100_000))),
        (vec![("content-type", "text/plain")], record.to_owned()),
    ]
}

/// What the running server answers.
fn given(contract: &Contract, server: &Server) -> BTreeSet<Kind> {
    let row = stored(server);
    let (mut history, mut ingest) = (storage(server), ingestion(server));
    let mut kinds = BTreeSet::new();
    for (path, asked) in questions(&row) {
        kinds.insert(checked(contract, "GET", path, &history.get(&asked).expect("an answer")));
    }
    for (headers, body) in bodies() {
        let answer = ingest.request("POST", "/ingest", &headers, body.as_bytes()).expect("an answer");
        kinds.insert(checked(contract, "POST", "/ingest", &answer));
    }
    for Operation { method, path, .. } in operations(contract) {
        let connection = if path == "/ingest" { &mut ingest } else { &mut history };
        let asked = concrete(path, &row);
        let foreign = connection.request(&method, &asked, &[FOREIGN], b"").expect("an answer");
        assert_eq!(foreign.status, 403, "{path}");
        kinds.insert(checked(contract, &method, path, &foreign));
        let other = connection.request("PUT", &asked, &[], b"").expect("an answer");
        assert_eq!(other.status, 405, "{path}");
        kinds.insert(checked(contract, &method, path, &other));
    }
    kinds
}

/// The answer to a client that sends too often.
fn rate_limited(contract: &Contract) -> Kind {
    let server = setup().env("WHITTLE_RATE_LIMIT", 2).start().expect("the server starts");
    let mut connection: Connection = ingestion(&server);
    let record = br#"{"source":"shop","message":"m"}"#;
    let mut answers = (0..200).map(|_| connection.post("/ingest", "application/json", record).expect("an answer"));
    let refused = answers.find(|answer| answer.status != 202).expect("200 requests at once are more than 2 a second");
    checked(contract, "POST", "/ingest", &refused)
}

/// What is told of a full disk, an overload, a slow client, a start and an end: such answers are provoked by other tests,
/// here they are built by the function that the server uses.
fn refusals(contract: &Contract) -> Vec<(String, String, axum::response::Response)> {
    let mut refusals = Vec::new();
    let mut add = |method: &str, path: &str, refusal: Refusal| {
        refusals.push((method.to_owned(), path.to_owned(), refusal.into_response()));
    };
    add("POST", "/ingest", Refusal::timeout("late"));
    add("POST", "/ingest", Refusal::overloaded("full"));
    add("POST", "/ingest", Refusal::produce_failed("full"));
    for Operation { method, path, said } in operations(contract) {
        if said["responses"]["503"].get("$ref").is_some() {
            add(&method, path, Refusal::not_ready("ending"));
        }
        if said["responses"].get("503").is_some() && said["responses"].get("400").is_some() && path != "/ingest" {
            add(&method, path, Refusal::replaying("so far"));
            add(&method, path, Refusal::history_unavailable("damaged"));
        }
    }
    refusals
}

async fn read(response: axum::response::Response) -> Response {
    let (head, body) = response.into_parts();
    let lines = head.headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")));
    let lines = std::iter::once("HTTP/1.1\r\n".to_owned()).chain(lines).collect::<String>();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    Response { status: head.status.as_u16(), head: lines.into_bytes(), body: body.to_vec() }
}

#[tokio::test]
async fn each_documented_answer_is_given_as_documented() {
    let contract = contract();
    let server = setup().env("WHITTLE_MAX_BODY_BYTES", 50_000).start().expect("the server starts");
    let mut seen = given(&contract, &server);
    seen.insert(rate_limited(&contract));
    for (method, path, response) in refusals(&contract) {
        seen.insert(checked(&contract, &method, &path, &read(response).await));
    }
    let ready: whittle_server::http::Readiness = Arc::new(|| Some("it replays".to_owned()));
    let role = Health::new("storage-service", ready, Arc::default());
    let request = Request::get("/readyz").body(Body::empty()).expect("a request");
    let unready = role.routes().oneshot(request).await.expect("routes do not fail");
    seen.insert(checked(&contract, "GET", "/readyz", &read(unready).await));
    let documented = documented(&contract);
    let never: Vec<_> = documented.difference(&seen).collect();
    assert!(never.is_empty(), "documented and never given: {never:?}");
    let more: Vec<_> = seen.difference(&documented).collect();
    assert!(more.is_empty(), "given and not documented: {more:?}");
}

#[test]
fn files_have_the_documented_columns_and_rows() {
    let contract = contract();
    let server = server();
    stored(&server);
    let mut connection = storage(&server);
    let csv = connection.get("/export?format=csv").expect("an answer").text();
    let said = contract.root()["paths"]["/export"]["get"]["description"].as_str().expect("it is described");
    let columns = csv.lines().next().unwrap_or_default();
    assert!(said.contains(&format!("`{columns}`")), "{columns}");
    assert_eq!(csv.lines().count(), 10, "{csv}");
    let rows = connection.get("/export?format=ndjson").expect("an answer").text();
    assert_eq!(rows.lines().count(), 9, "{rows}");
    for line in rows.lines() {
        let row = serde_json::from_str(line).expect("a record a line");
        assert_eq!(contract.wrong(contract.schema("Row"), &row), None);
    }
    assert_eq!(connection.get("/export").expect("an answer").text(), rows, "the form that is documented as default");
}

#[test]
fn the_examples_fit_their_schemas() {
    let contract = contract();
    let mut found = 0;
    let mut parts = vec![contract.root()];
    while let Some(part) = parts.pop() {
        if let (Some(schema), Some(example)) = (part.get("schema"), part.get("example")) {
            assert_eq!(contract.wrong(schema, example), None);
            found += 1;
        }
        parts.extend(part.as_object().into_iter().flat_map(|object| object.values()));
        parts.extend(part.as_array().into_iter().flatten());
    }
    assert!(found > 5, "{found} examples");
}

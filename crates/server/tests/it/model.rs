//! A model behind the real binary: its words reach what is stored, what comes later and who is watching; and nobody ever
//! waits for it.

use std::time::Duration;

use serde_json::{Value, json};
use whittle_testkit::fake_model::{FakeModel, Reply};
use whittle_testkit::{Connection, Server, Setup, recent, wait};

use crate::{VISIBLE, ingestion, setup, storage};

const WORDS: &str = "A part of the system did not do its work.";

fn fake() -> FakeModel {
    FakeModel::start().expect("a free port")
}

fn asking(fake: &FakeModel) -> Setup {
    setup()
        .env("OPENAI_API_KEY", "sk-canary-key")
        .env("OPENAI_BASE_URL", fake.base_url())
        .env("OPENAI_MODEL", "fake-1")
        .config("[model]\nhold_error_ms = 20\nhold_ms = 50\n")
}

fn send_errors(connection: &mut Connection, numbers: std::ops::Range<usize>) {
    let record = |n: usize| json!({ "source": "shop", "level": "error", "message": format!("worker {n} died") });
    let body: Vec<String> = numbers.map(|n| record(n).to_string()).collect();
    let response = connection.post("/ingest", "application/x-ndjson", body.join("\n").as_bytes()).expect("an answer");
    assert_eq!(response.status, 202, "{}", response.text());
}

fn newest(connection: &mut Connection) -> Value {
    let response = connection.get("/recent?limit=1").expect("storage answers");
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()[0].clone()
}

fn wait_for_words(connection: &mut Connection) {
    let words = || (newest(connection)["insight"]["summary"] == WORDS).then_some(());
    wait::until("the model's words in /recent", VISIBLE, words).expect("the insight comes");
}

fn analysis(server: &Server) -> Value {
    storage(server).get("/analysis").expect("storage answers").json()
}

#[test]
fn words_reach_stored_rows_later_rows_and_viewers_for_one_call() {
    let fake = fake();
    fake.script([Reply::After(Duration::from_millis(300), Box::new(Reply::Good))]);
    let mut server = asking(&fake).start().expect("the server starts");
    let mut viewer = server.listen("/?insights=1").expect("the gateway listens");
    let (mut ingestion, mut storage) = (ingestion(&server), storage(&server));
    send_errors(&mut ingestion, 0..5_000);
    recent::wait_for(&mut storage, "", 5_000, VISIBLE).expect("rows are visible without waiting for the model");
    wait_for_words(&mut storage);
    send_errors(&mut ingestion, 5_000..10_000);
    recent::wait_for(&mut storage, "", 10_000, VISIBLE).expect("all rows are visible");
    let rows = recent::all(&mut storage, "").expect("all pages");
    for row in &rows {
        let insight = &row["insight"];
        assert_eq!(insight["summary"], WORDS, "{row}");
        assert_eq!((&insight["status"], &insight["model"]), (&json!("ok"), &json!("fake-1")));
        assert!(insight["confidence"].as_f64().is_some_and(|c| c > 0.0 && c <= 0.95), "{row}");
    }
    let told = wait::until("an insight on the WebSocket", VISIBLE, || {
        let text = viewer.next_text(VISIBLE).expect("the gateway stays").expect("a message");
        let message: Value = serde_json::from_str(&text).expect("JSON");
        (message["topic"] == "whittle.insight").then_some(message)
    });
    let told = told.expect("viewers are told");
    assert_eq!(told["payload"]["patternId"], rows[0]["patternId"]);
    assert_eq!(told["payload"]["insight"]["summary"], WORDS);
    let state = analysis(&server);
    assert_eq!((&state["model"]["state"], &state["patterns"]["explained"]), (&json!("ok"), &json!(1)), "{state}");
    server.crash_and_restart().expect("it comes back");
    assert_eq!(newest(&mut crate::storage(&server))["insight"]["summary"], WORDS, "a paid insight outlives kill -9");
    assert_eq!(fake.calls(), 1, "ten thousand equal errors, and a crash");
    assert!(!server.said().contains("canary"), "{}", server.said());
}

#[test]
fn a_model_that_never_answers_holds_nothing_up() {
    let fake = fake();
    fake.always(Reply::Hang);
    let mut server = asking(&fake).start().expect("the server starts");
    send_errors(&mut ingestion(&server), 0..2_000);
    let mut storage = storage(&server);
    recent::wait_for(&mut storage, "", 2_000, VISIBLE).expect("rows are visible");
    wait::until("the model to be asked", VISIBLE, || (fake.calls() == 1).then_some(())).expect("it is asked");
    let insight = newest(&mut storage)["insight"].clone();
    assert_eq!((&insight["summary"], &insight["confidence"]), (&json!("analysis_failed"), &json!(0.0)));
    assert_eq!((&insight["status"], &insight["severity"]), (&json!("pending"), &json!("high")));
    let status = server.terminate(Duration::from_secs(10)).expect("it ends though a call hangs");
    assert!(status.success(), "{status}");
}

#[test]
fn without_a_key_the_local_analysis_is_all_and_says_so() {
    let mut server = setup().start().expect("the server starts");
    send_errors(&mut ingestion(&server), 0..10);
    let mut storage = storage(&server);
    recent::wait_for(&mut storage, "", 10, VISIBLE).expect("rows are visible");
    let insight = newest(&mut storage)["insight"].clone();
    assert_eq!((&insight["summary"], &insight["status"]), (&json!("analysis_failed"), &json!("no_key")));
    assert!(insight["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{insight}");
    assert_eq!(analysis(&server)["model"], json!({ "configured": false, "name": null, "state": "off" }));
    server.terminate(Duration::from_secs(10)).expect("it ends");
}

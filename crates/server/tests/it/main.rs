//! The real binary, from outside: what it takes, refuses, keeps and survives.
//!
//! One test program, so that it is linked once. Each test starts a server of its own on free ports with a folder of its
//! own; `whittle-testkit` has the means.

mod bad_input;
mod contract;
mod crash;
mod damage;
mod drain;
mod fields;
mod full_disk;
mod model;
mod openapi;
mod owner;
mod postgres;
mod queries;
mod real_input;
mod slow_peers;
mod transfer;

use std::time::Duration;

use whittle_testkit::{Connection, Server, Setup};

/// Time for rows to become visible. The contract says a second; a loaded test machine gets more.
const VISIBLE: Duration = Duration::from_secs(30);

/// A server that is about to be started.
fn setup() -> Setup {
    Setup::new(env!("CARGO_BIN_EXE_whittle"))
}

/// A server that is ready.
fn server() -> Server {
    setup().start().expect("the server starts")
}

/// A connection to ingestion.
fn ingestion(server: &Server) -> Connection {
    server.connect(server.ingestion()).expect("ingestion listens")
}

/// A connection to the history.
fn storage(server: &Server) -> Connection {
    server.connect(server.storage()).expect("storage listens")
}

/// Sends one valid record of a source.
fn send(connection: &mut Connection, source: &str, message: &str) {
    let record = serde_json::json!({ "source": source, "level": "info", "message": message }).to_string();
    let response = connection.post("/ingest", "application/json", record.as_bytes()).expect("ingestion answers");
    assert_eq!(response.status, 202, "{}", response.text());
}

/// A text as a value in a query string.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

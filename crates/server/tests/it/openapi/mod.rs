//! The contract (`docs/api/openapi.json`) against the running server: each documented answer of each route is provoked and
//! held against its schema and headers, each documented parameter against its bounds.

mod answers;
mod check;
mod inputs;

use serde_json::{Value, json};
use whittle_testkit::{Contract, Server, recent};

use crate::{VISIBLE, ingestion, storage};

fn contract() -> Contract {
    Contract::read().expect("the contract lies in the repository")
}

/// An operation of the contract.
struct Operation<'a> {
    /// In capitals.
    method: String,
    path: &'a str,
    /// What is said of it.
    said: &'a Value,
}

fn operations(contract: &Contract) -> Vec<Operation<'_>> {
    let paths = contract.root()["paths"].as_object().expect("the contract has paths");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, said) in item.as_object().expect("a path has methods") {
            operations.push(Operation { method: method.to_uppercase(), path, said });
        }
    }
    operations
}

/// Stores a few records and gives a row of them, as `/recent` has it.
fn stored(server: &Server) -> Value {
    let record = |i: u32| {
        let level = ["info", "error", "fatal"][i as usize % 3];
        let context = json!({ "order": format!("A-{i}"), "source": "inner" });
        json!({ "source": "shop", "level": level, "message": format!("order {i} was refused, = said \"no\""), "context": context })
    };
    let records = Value::from((0..9).map(record).collect::<Vec<_>>()).to_string();
    let sent = ingestion(server).post("/ingest", "application/json", records.as_bytes()).expect("ingestion answers");
    assert_eq!(sent.status, 202, "{}", sent.text());
    let mut connection = storage(server);
    recent::wait_for(&mut connection, "", 9, VISIBLE).expect("they are visible");
    connection.get("/recent?limit=1").expect("an answer").json()[0].take()
}

/// A path as it is asked for: with the id of a pattern in it.
fn concrete(path: &str, row: &Value) -> String {
    path.replace("{id}", row["patternId"].as_str().expect("a row has a pattern"))
}

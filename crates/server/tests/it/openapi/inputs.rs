//! Documented parameters and records: what the contract allows is taken, what it does not allow is refused.

use serde_json::{Value, json};
use whittle_testkit::{Connection, Contract};

use super::{concrete, contract, operations, stored};
use crate::{ingestion, percent, server, storage};

/// Values of parameters that are no number and no choice: one to take, and one to refuse where there is any.
fn texts(name: &str, row: &Value) -> (String, Option<&'static str>) {
    let text = |key: &str| row[key].as_str().expect("a row has it").to_owned();
    match name {
        "levels" => ("warn,error".to_owned(), Some("loud")),
        "source" => (text("source"), None),
        "from" | "to" => (text("timestamp"), Some("soon")),
        "q" => ("order -nothing".to_owned(), Some("(a")),
        "pattern" => (text("patternId"), Some("zz")),
        "until" => ("0-5".to_owned(), Some("later")),
        "seq" => (text("seq"), Some("7")),
        "fields" => ("level,context.order".to_owned(), Some(",")),
        other => panic!("teach this test the parameter {other}"),
    }
}

/// Values to take and values to refuse of a parameter.
fn values(parameter: &Value, row: &Value) -> (Vec<String>, Vec<String>) {
    let (name, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
    if let Some(choices) = schema["enum"].as_array() {
        let choices = choices.iter().map(|choice| choice.as_str().expect("a word").to_owned()).collect();
        return (choices, vec!["other".to_owned()]);
    }
    if let Some(above) = schema["exclusiveMinimum"].as_f64() {
        return (vec![(above + 0.5).to_string()], vec![above.to_string(), "many".to_owned()]);
    }
    if schema["type"] == "integer" {
        let bound = |key: &str| schema[key].as_i64().unwrap_or_else(|| panic!("{name} has no {key}"));
        let (least, most) = (bound("minimum"), bound("maximum"));
        let taken = vec![least.to_string(), most.to_string()];
        return (taken, vec![(least - 1).to_string(), (most + 1).to_string(), "1.5".to_owned()]);
    }
    let (taken, refused) = texts(name, row);
    (vec![taken], refused.map(str::to_owned).into_iter().collect())
}

/// Asks a route with one parameter, beside those that it cannot do without.
fn ask(connection: &mut Connection, path: &str, needed: &[(String, String)], name: &str, value: &str) -> (u16, String) {
    let others = needed.iter().filter(|(other, _)| other != name).map(|(name, value)| format!("&{name}={value}"));
    let asked = format!("{path}?{name}={}{}", percent(value), others.collect::<String>());
    let answer = connection.get(&asked).unwrap_or_else(|error| panic!("{asked}: {error}"));
    assert_eq!(answer.header("x-ignored-parameters"), None, "{asked}");
    (answer.status, format!("{asked}: {}", answer.text()))
}

fn query_parameters<'a>(contract: &'a Contract, said: &'a Value) -> Vec<&'a Value> {
    let all = said["parameters"].as_array().into_iter().flatten().map(|parameter| contract.resolve(parameter));
    all.filter(|parameter| parameter["in"] == "query").collect()
}

#[test]
fn documented_parameters_are_read_within_their_bounds() {
    let contract = contract();
    let server = server();
    let row = stored(&server);
    let mut connection = storage(&server);
    let mut read = 0;
    for operation in operations(&contract) {
        let path = concrete(operation.path, &row);
        let parameters = query_parameters(&contract, operation.said);
        let name = |parameter: &Value| parameter["name"].as_str().expect("a name").to_owned();
        let needed = parameters.iter().filter(|parameter| parameter["required"] == true);
        let needed: Vec<_> = needed.map(|parameter| (name(parameter), texts(&name(parameter), &row).0)).collect();
        for parameter in &parameters {
            let (taken, refused) = values(parameter, &row);
            for (values, status) in [(taken, 200), (refused, 400)] {
                for value in values {
                    let (given, shown) = ask(&mut connection, &path, &needed, &name(parameter), &value);
                    assert_eq!(given, status, "{shown}");
                    read += 1;
                }
            }
        }
        for (name, _) in &needed {
            assert_eq!(connection.get(&path).expect("an answer").status, 400, "{path} needs {name}");
        }
    }
    assert!(read > 100, "{read} values");
}

#[test]
fn a_record_is_taken_where_its_schema_takes_it() {
    let contract = contract();
    let server = server();
    let mut connection = ingestion(&server);
    let mut records = vec![json!({ "source": "s" }), json!({ "message": "m" }), json!([1]), json!("m"), json!(null)];
    let values =
        [json!(null), json!(true), json!(""), json!("warn"), json!(1_767_225_600), json!([]), json!({ "a": 1 })];
    for field in ["source", "message", "level", "context", "more"] {
        for value in &values {
            let mut record = json!({ "source": "s", "message": "m" });
            record[field] = value.clone();
            records.push(record);
        }
    }
    for timestamp in [json!(null), json!(true), json!(1_767_225_600), json!("2026-03-02T14:02:11Z"), json!([])] {
        records.push(json!({ "source": "s", "message": "m", "timestamp": timestamp }));
    }
    records.push(json!({ "source": "s".repeat(256), "message": "m" }));
    records.push(json!({ "source": "s".repeat(257), "message": "m" }));
    for record in records {
        let wrong = contract.wrong(contract.schema("IngestRecord"), &record);
        let answer = connection.post("/ingest", "application/json", record.to_string().as_bytes()).expect("an answer");
        assert_eq!(answer.status, if wrong.is_none() { 202 } else { 400 }, "{record}: {wrong:?}: {}", answer.text());
    }
}

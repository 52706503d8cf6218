//! The contract of a body, by table, and against a second reader.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(body: &str, format: BodyFormat) -> Result<RawBatch, ParseError> {
    parse(body.to_owned().into(), format, &Limits::default())
}

fn invalid(body: &str, format: BodyFormat) -> Value {
    match read(body, format) {
        Err(ParseError::Invalid(invalid)) => serde_json::to_value(invalid).expect("serializes"),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn reads_one_record() {
    let body = r#"{"source":"demo-app","level":"info","message":"User \"x\" signed in","timestamp":"2025-11-30T20:10:00.000Z","context":{"userId":"123"}}"#;
    let batch = read(body, BodyFormat::Json).expect("valid");
    let row = &batch.rows()[0];
    assert!(batch.is_single());
    assert_eq!(batch.str(row.source), "demo-app");
    assert_eq!(batch.str(row.message), "User \"x\" signed in");
    assert_eq!(batch.str(row.context), r#"{"userId":"123"}"#);
    assert_eq!(row.timestamp, Some(1_764_533_400_000_000));
}

#[test]
fn a_list_is_not_single_and_blank_lines_do_not_count() {
    let array = read(r#" [{"source":"a","message":"1"}] "#, BodyFormat::Json).expect("valid");
    assert!(!array.is_single());
    let lines = "\n{\"source\":\"a\",\"message\":\"1\"}\r\n\n  {\"source\":\"a\",\"message\":\"2\"}";
    assert_eq!(read(lines, BodyFormat::Ndjson).expect("valid").rows().len(), 2);
}

#[test]
fn says_what_is_wrong_with_each_field() {
    let fields =
        invalid(r#"{"source":"","message":7,"level":[1],"timestamp":"soon","context":"no"}"#, BodyFormat::Json);
    assert_eq!(
        fields["fieldErrors"],
        json!({
            "source": ["String must contain at least 1 character(s)"],
            "message": ["Expected string, received number"],
            "level": ["Expected string or number, received array"],
            "timestamp": ["Expected RFC 3339, or an epoch in s, ms, µs or ns, between the years 1970 and 9999"],
            "context": ["Expected object, received string"],
        })
    );
    let lines = "{\"source\":\"a\",\"message\":\"1\"}\n\n{\"source\":\"a\"}";
    assert_eq!(invalid(lines, BodyFormat::Ndjson)["fieldErrors"], json!({"1.message": ["Required"]}));
}

#[test]
fn refuses_hostile_bodies() {
    let deep =
        format!(r#"{{"source":"a","message":"b","context":{{"x":{}{}}}}}"#, "[".repeat(90_000), "]".repeat(90_000));
    for body in [
        "",
        "   ",
        "null",
        "7",
        "[]",
        "[7]",
        "{",
        r#"{"source":"a","message":"b"} x"#,
        r#"{"source":"a","message":"b"}{"source":"a","message":"b"}"#,
        r#"{"source":"a","message":"half \ud800 pair"}"#,
        r#"{"source":"a","message":"b","context":{"x":"\ud800"}}"#,
        r#"{"source":"a","message":"b","x\udc00":1}"#,
        "{\"source\":\"a\",\"message\":\"raw \u{1} control\"}",
        &deep,
        &format!("[{deep}]"),
    ] {
        let errors = invalid(body, BodyFormat::Json);
        let count = errors["formErrors"].as_array().map_or(0, Vec::len)
            + errors["fieldErrors"].as_object().map_or(0, |o| o.len());
        assert!(count > 0, "{body:.80}");
    }
    assert!(matches!(
        parse(Bytes::from_static(b"\"\xff\""), BodyFormat::Json, &Limits::default()),
        Err(ParseError::Invalid(_))
    ));
}

#[test]
fn depth_counts_brackets_outside_of_strings_only() {
    let shallow = format!(r#"{{"source":"a","message":"{}","context":{{"a":[[1]]}}}}"#, "[{\\\"".repeat(500));
    assert!(read(&shallow, BodyFormat::Json).is_ok());
    let at = |depth: usize| format!(r#"{{"source":"a","message":"b","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(read(&at(63), BodyFormat::Json).is_ok());
    assert!(read(&at(64), BodyFormat::Json).is_err());
    assert!(read(&format!("[{}]", at(63)), BodyFormat::Json).is_ok());
}

#[test]
fn bounds_are_told_apart_from_errors() {
    let limits = Limits { records: 2, record_bytes: 60, ..Limits::default() };
    let record = r#"{"source":"a","message":"b"}"#;
    let too_large = |body: String, format| matches!(parse(body.into(), format, &limits), Err(ParseError::TooLarge(_)));
    assert!(too_large(format!("{record}\n{record}\n{record}"), BodyFormat::Ndjson));
    assert!(too_large(format!("[{record},{record},{record}]"), BodyFormat::Json));
    assert!(too_large(format!(r#"{{"source":"a","message":"{}"}}"#, "b".repeat(60)), BodyFormat::Json));
    assert!(parse(format!("[{record},{record}]").into(), BodyFormat::Json, &limits).is_ok());
    let long_source = format!(r#"{{"source":"{}","message":"b"}}"#, "s".repeat(257));
    assert!(matches!(read(&long_source, BodyFormat::Json), Err(ParseError::Invalid(_))));
}

#[test]
fn of_duplicate_keys_the_last_wins() {
    let batch = read(r#"{"source":"a","message":"x","source":"b","k":1,"k":2}"#, BodyFormat::Json).expect("valid");
    let row = &batch.rows()[0];
    assert_eq!(batch.str(row.source), "b");
    assert_eq!(batch.extras(row).len(), 1);
    assert_eq!(batch.str(batch.extras(row)[0].value), "2");
}

#[test]
fn what_a_later_duplicate_replaces_is_not_judged() {
    for bad in ["7", r#""\n""#, r#"{"x":"\ud800"}"#] {
        let batch = read(
            &format!(r#"{{"source":"a","message":"x","context":{bad},"k":"\ud800","context":{{}},"k":1}}"#),
            BodyFormat::Json,
        );
        let batch = batch.unwrap_or_else(|error| panic!("{bad}: {error:?}"));
        assert_eq!(batch.str(batch.rows()[0].context), "{}");
        let last_is_bad = format!(r#"{{"source":"a","message":"x","context":{{}},"context":{bad}}}"#);
        assert!(read(&last_is_bad, BodyFormat::Json).is_err(), "{bad}");
    }
}

#[test]
fn of_many_fields_too_the_last_duplicate_wins() {
    let fields = |value: usize| (0..60).map(|i| format!(",\"k{i}\\n\":{}", i + value)).collect::<String>();
    let record = format!(r#"{{"source":"a","message":"x"{}{}}}"#, fields(0), fields(1000));
    let batch = read(&format!("{record}\n{record}"), BodyFormat::Ndjson).expect("valid");
    for row in batch.rows() {
        let extras = batch.extras(row);
        assert_eq!(extras.len(), 60);
        for (i, extra) in extras.iter().enumerate() {
            assert_eq!(batch.str(extra.name), format!("k{i}\n"));
            assert_eq!(batch.str(extra.value), (i + 1000).to_string());
        }
    }
}

#[test]
fn unknown_fields_are_bounded_for_clients_and_not_for_replay() {
    let record = |fields: usize| {
        let fields: String = (0..fields).map(|i| format!(",\"k{i}\":\"\"")).collect();
        format!(r#"{{"source":"a","message":"x"{fields}{fields}}}"#)
    };
    assert!(read(&record(1024), BodyFormat::Json).is_ok());
    for fields in [1025, 30_000] {
        let errors = invalid(&record(fields), BodyFormat::Json);
        assert_eq!(errors["formErrors"], json!(["more than 1024 unknown fields"]));
        let replayed = parse(record(fields).into(), BodyFormat::Json, &Limits::replay()).expect("it was accepted once");
        assert_eq!(replayed.extras(&replayed.rows()[0]).len(), fields);
    }
    let limits = Limits { body_fields: 10, ..Limits::default() };
    let lines = |records: usize| format!("{}\n", record(2)).repeat(records);
    assert!(parse(lines(5).into(), BodyFormat::Ndjson, &limits).is_ok());
    assert!(matches!(parse(lines(6).into(), BodyFormat::Ndjson, &limits), Err(ParseError::TooLarge(_))));
}

#[test]
fn a_list_is_read_no_further_than_its_bounds() {
    // The end is no JSON: who reads the whole list before the bounds says so instead.
    let limits = Limits { records: 2, ..Limits::default() };
    let record = r#"{"source":"a","message":"b"}"#;
    let body = format!("[{record},{record},{record},nonsense");
    assert!(matches!(parse(body.into(), BodyFormat::Json, &limits), Err(ParseError::TooLarge(_))));
    for (body, valid) in [
        (format!(" [ {record} , {record} ] \n"), true),
        (format!("[{record}] x"), false),
        (format!("[{record}][{record}]"), false),
        (format!("[{record},]"), false),
        (format!("[{record}"), false),
        ("[".to_owned(), false),
        ("[] []".to_owned(), false),
        (r#"["\n"]"#.to_owned(), false),
    ] {
        assert_eq!(read(&body, BodyFormat::Json).is_ok(), valid, "{body}");
    }
}

#[test]
fn the_same_error_of_a_field_is_told_once() {
    let fields: String = (0..500).map(|i| format!(",\"k{i}\":\"\\ud800\"")).collect();
    let errors = invalid(&format!(r#"{{"source":"a","message":"x"{fields}}}"#), BodyFormat::Json);
    assert_eq!(errors["fieldErrors"]["context"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_number_of_errors_is_bounded() {
    let body = "{\"source\":\"a\"}\n".repeat(5000);
    let errors = invalid(&body, BodyFormat::Ndjson);
    assert_eq!(errors["fieldErrors"].as_object().map(|o| o.len()), Some(100));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    /// One object, an array of one and a line of NDJSON give the same record, and it is what `serde_json` reads.
    #[test]
    fn all_forms_agree_with_a_second_reader(source in "\\PC{1,20}", message in any::<String>(), context in any_json(), extra in any_json()) {
        let record = json!({"source": source, "message": message, "context": context, "extra": extra});
        let text = record.to_string();
        let single = read(&text, BodyFormat::Json);
        prop_assert_eq!(single.is_ok(), !message.is_empty() && context.is_object());
        let array = read(&format!("[{text}]"), BodyFormat::Json);
        let lines = read(&text, BodyFormat::Ndjson);
        prop_assert_eq!(array.is_ok(), single.is_ok());
        prop_assert_eq!(lines.is_ok(), single.is_ok());
        for batch in [single, array, lines].into_iter().flatten() {
            let row = &batch.rows()[0];
            prop_assert_eq!(batch.str(row.source), source.as_str());
            prop_assert_eq!(batch.str(row.message), message.as_str());
            prop_assert_eq!(&serde_json::from_str::<Value>(batch.str(row.context)).unwrap(), &context);
            prop_assert_eq!(&serde_json::from_str::<Value>(batch.str(batch.extras(row)[0].value)).unwrap(), &extra);
        }
    }

    /// What is accepted is JSON for `serde_json` too; nothing panics.
    #[test]
    fn accepts_nothing_that_is_not_json(body in r#"(\{|\[|"source"|"message"|:|,|"a"|\\u[dD]8|1e9|\}|\]| ){0,14}"#) {
        if read(&body, BodyFormat::Json).is_ok() {
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
        }
    }
}

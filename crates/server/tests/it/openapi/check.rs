//! An answer against what the contract says of it.

use std::collections::BTreeSet;

use serde_json::Value;
use whittle_testkit::{Contract, Response};

use super::{Operation, operations};

/// Headers that say something of ours; the rest is HTTP's own.
const OURS: [&str; 3] = ["retry-after", "allow", "content-disposition"];

/// An answer by method, path and status, and by its word where it is a refusal.
pub(super) type Kind = (String, String, u16, Option<String>);

/// All kinds of answers that the contract tells of.
pub(super) fn documented(contract: &Contract) -> BTreeSet<Kind> {
    let kinds = |Operation { method, path, said }: Operation<'_>| {
        let mut kinds = Vec::new();
        for (status, answer) in said["responses"].as_object().expect("an operation has answers") {
            let status: u16 = status.parse().expect("a status");
            let words = words(contract.resolve(answer));
            kinds.extend(words.into_iter().map(|word| (method.clone(), path.to_owned(), status, word)));
        }
        kinds
    };
    operations(contract).into_iter().flat_map(kinds).collect()
}

/// The words that a documented refusal may have; one nothing for what is no refusal.
fn words(answer: &Value) -> Vec<Option<String>> {
    let word = &answer["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"];
    let listed = word["enum"].as_array().into_iter().flatten().chain(word.get("const"));
    let words: Vec<_> = listed.map(|word| word.as_str().map(str::to_owned)).collect();
    if words.is_empty() { vec![None] } else { words }
}

/// The kind of an answer, once it is found to be as the contract says.
pub(super) fn checked(contract: &Contract, method: &str, path: &str, answer: &Response) -> Kind {
    let documented = &contract.root()["paths"][path][method.to_lowercase()]["responses"][answer.status.to_string()];
    let shown = || format!("{method} {path}: {}{}", String::from_utf8_lossy(&answer.head), answer.text());
    assert!(!documented.is_null(), "this status is not documented: {}", shown());
    let documented = contract.resolve(documented);
    let wrong = wrong_headers(contract, documented, answer).or_else(|| wrong_body(contract, documented, answer));
    assert_eq!(wrong, None, "{}", shown());
    let word = answer.json()["error"].as_str().map(str::to_owned);
    (method.to_owned(), path.to_owned(), answer.status, word)
}

fn wrong_headers(contract: &Contract, documented: &Value, answer: &Response) -> Option<String> {
    let named = documented["headers"].as_object().into_iter().flatten();
    let named: Vec<(String, &Value)> =
        named.map(|(name, said)| (name.to_lowercase(), contract.resolve(said))).collect();
    for (name, said) in &named {
        match answer.header(name) {
            None if said["required"] == true => return Some(format!("the header {name} is missing")),
            None => {}
            Some(value) => {
                let number = value.parse::<u64>().ok().filter(|_| said["schema"]["type"] == "integer");
                let value = number.map_or_else(|| Value::from(value), Value::from);
                if let Some(wrong) = contract.wrong(&said["schema"], &value) {
                    return Some(format!("{name}: {wrong}"));
                }
            }
        }
    }
    let head = String::from_utf8_lossy(&answer.head).to_lowercase();
    let mut sent = head.lines().filter_map(|line| Some(line.split_once(':')?.0));
    let is_strange = |name: &&str| {
        let is_ours = name.starts_with("x-") || OURS.contains(name);
        is_ours && !named.iter().any(|(known, _)| known == name)
    };
    sent.find(is_strange).map(|name| format!("the header {name} is not documented"))
}

fn wrong_body(contract: &Contract, documented: &Value, answer: &Response) -> Option<String> {
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let Some(said) = documented["content"].get(kind) else {
        return Some(format!("the content type {kind:?} is not documented"));
    };
    let body = if kind == "application/json" { answer.json() } else { Value::from(answer.text()) };
    contract.wrong(&said["schema"], &body)
}

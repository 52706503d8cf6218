//! Values against the schemas of the contract, `docs/api/openapi.json`.
//!
//! The part of JSON Schema that the contract uses, and stricter in one thing: a key that the contract does not name is
//! wrong, unless the schema says that there may be more. A keyword that is not known here is wrong too, so that no rule of
//! the contract is passed over in silence.

use serde_json::{Map, Value};

use crate::error::{KitError, Result};

/// Keywords that say nothing about a value.
const NOTES: [&str; 5] = ["description", "default", "example", "examples", "title"];

/// The contract as it lies in the repository.
#[derive(Debug, Clone)]
pub struct Contract(Value);

impl Contract {
    /// Reads the contract of this repository.
    ///
    /// # Errors
    /// It is not there, or is no JSON.
    pub fn read() -> Result<Contract> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");
        let text = std::fs::read_to_string(path).map_err(KitError::while_trying(path))?;
        let root = serde_json::from_str(&text).map_err(|error| KitError(format!("{path}: {error}")))?;
        Ok(Contract(root))
    }

    /// All of it.
    pub fn root(&self) -> &Value {
        &self.0
    }

    /// A named schema; null when there is none.
    pub fn schema(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// What a value stands for: the target of its `$ref`, or itself.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().and_then(|path| self.0.pointer(path.strip_prefix('#')?));
        if value.get("$ref").is_some() { target.unwrap_or(&Value::Null) } else { value }
    }

    /// What is wrong with a value under a schema; nothing when it fits.
    pub fn wrong(&self, schema: &Value, value: &Value) -> Option<String> {
        self.misfit(schema, value).or_else(|| self.unnamed(schema, value))
    }

    fn misfit(&self, schema: &Value, value: &Value) -> Option<String> {
        let Some(rules) = self.resolve(schema).as_object() else {
            return Some(format!("there is no schema {schema}"));
        };
        rules.iter().find_map(|(keyword, rule)| self.breaks(keyword, rule, rules, value))
    }

    /// Whether a value breaks one rule of a schema.
    fn breaks(&self, keyword: &str, rule: &Value, rules: &Map<String, Value>, value: &Value) -> Option<String> {
        let bound = |holds: fn(f64, f64) -> bool, size: Option<f64>| {
            let limit = rule.as_f64().unwrap_or(f64::NAN);
            size.is_none_or(|size| holds(size, limit))
        };
        let chars = || value.as_str().map(|text| text.chars().count() as f64);
        let items = || value.as_array().map(|items| items.len() as f64);
        let holds = match keyword {
            "type" => is_any_of(rule, value),
            "const" => rule == value,
            "enum" => rule.as_array().is_some_and(|list| list.contains(value)),
            "minimum" => bound(|n, limit| n >= limit, value.as_f64()),
            "maximum" => bound(|n, limit| n <= limit, value.as_f64()),
            "exclusiveMinimum" => bound(|n, limit| n > limit, value.as_f64()),
            "minLength" => bound(|n, limit| n >= limit, chars()),
            "maxLength" => bound(|n, limit| n <= limit, chars()),
            "minItems" => bound(|n, limit| n >= limit, items()),
            "maxItems" => bound(|n, limit| n <= limit, items()),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap_or_default(), text)),
            "format" => value.as_str().is_none_or(|text| has_format(rule.as_str().unwrap_or_default(), text)),
            "required" => return missing(rule, value),
            "items" => return value.as_array()?.iter().find_map(|item| self.wrong(rule, item)),
            "properties" => {
                let known = |(key, value)| rule.get(key).and_then(|schema| self.wrong(schema, value));
                return value.as_object()?.iter().find_map(known);
            }
            "additionalProperties" => {
                let named = |key: &String| rules.get("properties").is_some_and(|named| named.get(key).is_some());
                let more = value.as_object()?.iter().filter(|(key, _)| !named(key) && !rule.is_boolean());
                return more.map(|(_, value)| value).find_map(|value| self.wrong(rule, value));
            }
            "allOf" => return rule.as_array()?.iter().find_map(|part| self.misfit(part, value)),
            "oneOf" => {
                let fitting = rule.as_array()?.iter().filter(|choice| self.wrong(choice, value).is_none()).count();
                return (fitting != 1).then(|| format!("{fitting} schemas fit {value}"));
            }
            note if NOTES.contains(&note) => true,
            other => return Some(format!("this check does not know the keyword {other}")),
        };
        (!holds).then(|| format!("{value} breaks {keyword} {rule}"))
    }

    /// A key that the schema does not name.
    fn unnamed(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.resolve(schema);
        let is_named = |key: &&String| self.names(schema, key);
        let key = value.as_object()?.keys().find(|key| !is_named(key))?;
        Some(format!("{key} is not in the schema: {value}"))
    }

    /// Whether a schema takes a key: by name, or because it takes all.
    fn names(&self, schema: &Value, key: &str) -> bool {
        let schema = self.resolve(schema);
        let more = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
        let choices = ["allOf", "oneOf"].iter().filter_map(|keyword| schema[keyword].as_array()).flatten();
        more || schema["properties"].get(key).is_some() || choices.into_iter().any(|part| self.names(part, key))
    }
}

fn is_any_of(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}

fn missing(required: &Value, value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let mut names = required.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.find(|name| !object.contains_key(*name)).map(|name| format!("{name} is missing in {value}"))
}

/// The two patterns of the contract: of `seq`, and of ids of patterns.
fn matches(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match pattern {
        "^[0-9]+-[0-9]+$" => {
            text.split_once('-').is_some_and(|(partition, offset)| digits(partition) && digits(offset))
        }
        "^[0-9a-f]{16}$" => text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        _ => false,
    }
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.ends_with('Z') && whittle_domain::timestamp::parse(text).is_some(),
        "uuid" => {
            let lengths = text.split('-').map(str::len);
            lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(schema: &Value, value: &Value) -> bool {
        Contract::read().expect("the contract lies in the repository").wrong(schema, value).is_none()
    }

    #[test]
    fn every_rule_is_kept() {
        for (schema, good, bad) in [
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"const": "a"}), json!("a"), json!("b")),
            (json!({"enum": [1, 2]}), json!(2), json!(3)),
            (json!({"type": "integer", "minimum": 0, "maximum": 3}), json!(3), json!(4)),
            (json!({"type": "integer", "minimum": 0}), json!(0), json!(-1)),
            (json!({"type": "integer"}), json!(1), json!(1.5)),
            (json!({"exclusiveMinimum": 0}), json!(0.1), json!(0)),
            (json!({"minLength": 1, "maxLength": 2}), json!("éé"), json!("")),
            (json!({"maxLength": 2}), json!("ab"), json!("abc")),
            (json!({"minItems": 1}), json!([1]), json!([])),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (json!({"items": {"type": "string"}}), json!(["a"]), json!(["a", 1])),
            (json!({"$ref": "#/components/schemas/Seq"}), json!("0-12"), json!("0-")),
            (json!({"$ref": "#/components/schemas/PatternId"}), json!("00000000000000ff"), json!("ff")),
            (json!({"format": "date-time"}), json!("2026-03-02T14:02:11.482Z"), json!("2026-03-02")),
            (json!({"format": "uuid"}), json!("0190a5c8-0000-7000-8000-000000000000"), json!("0190a5c8")),
            (json!({"required": ["a"], "additionalProperties": true}), json!({"a": 1, "b": 2}), json!({"b": 2})),
            (json!({"properties": {"a": {"type": "string"}}}), json!({"a": "x"}), json!({"a": 1})),
            (json!({"properties": {"a": {"type": "string"}}}), json!({}), json!({"b": "x"})),
            (json!({"additionalProperties": {"type": "string"}}), json!({"b": "x"}), json!({"b": 1})),
            (json!({"oneOf": [{"type": "string"}, {"const": 1}]}), json!(1), json!(2)),
            (
                json!({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {"const": 1}}}]}),
                json!({"a": 0, "b": 1}),
                json!({"a": 0, "b": 2}),
            ),
        ] {
            assert!(fits(&schema, &good), "{schema} {good}");
            assert!(!fits(&schema, &bad), "{schema} {bad}");
        }
    }

    #[test]
    fn what_the_check_does_not_know_never_fits() {
        for schema in [
            json!({"multipleOf": 2}),
            json!({"$ref": "#/components/schemas/Nothing"}),
            json!({"type": "string", "pattern": "^a$"}),
            json!({"type": "string", "format": "email"}),
            json!({"type": "text"}),
        ] {
            assert!(!fits(&schema, &json!("a")), "{schema}");
        }
    }
}

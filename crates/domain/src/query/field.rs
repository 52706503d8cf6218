//! A field of the context, found in its JSON text and compared.
//!
//! `a.b` is the field `b` of the object `a`, or a field whose name is `a.b`; of an array any item counts. Numbers are
//! compared as numbers, everything else as text in any case, and like with like alone: a text is neither less nor
//! greater than a number.

use std::cmp::Ordering;

use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use super::{Op, text};

/// Whether the field under `path` of a JSON object compares so with a lower-cased value.
pub(super) fn matches(context: &str, path: &[String], op: Op, value: &str) -> bool {
    let Some(last) = path.last() else { return false };
    // A name that is not escaped stands in the text as it is.
    let bytes = context.as_bytes();
    if memchr::memchr(b'\\', bytes).is_none() && memchr::memmem::find(bytes, last.as_bytes()).is_none() {
        return false;
    }
    in_object(context, path, op, value)
}

fn in_object(json: &str, path: &[String], op: Op, value: &str) -> bool {
    // Of equal names the last counts; names that end at other places of the path are fields of their own.
    let mut found: Vec<(usize, LazyValue<'_>)> = Vec::new();
    for entry in sonic_rs::to_object_iter(json) {
        let Ok((name, inner)) = entry else { break };
        if let Some(used) = steps(&name, path) {
            found.retain(|(other, _)| *other != used);
            found.push((used, inner));
        }
    }
    found.iter().any(|(used, inner)| reached(inner, &path[*used..], op, value))
}

/// How many steps of the path a name is: `a.b` is two.
fn steps(name: &str, path: &[String]) -> Option<usize> {
    let (first, more) = path.split_first()?;
    let mut rest = name.strip_prefix(first.as_str())?;
    let mut used = 1;
    for step in more {
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix('.')?.strip_prefix(step.as_str())?;
        used += 1;
    }
    rest.is_empty().then_some(used)
}

fn reached(found: &LazyValue<'_>, path: &[String], op: Op, value: &str) -> bool {
    let json = found.as_raw_str();
    match found.get_type() {
        JsonType::Array => sonic_rs::to_array_iter(json).map_while(Result::ok).any(|item| match item.get_type() {
            // Arrays in arrays are no list of values.
            JsonType::Array => false,
            _ => reached(&item, path, op, value),
        }),
        JsonType::Object if path.is_empty() => op == Op::Prefix && value.is_empty(),
        JsonType::Object => in_object(json, path, op, value),
        _ if !path.is_empty() => false,
        JsonType::Null => value == "null" && op == Op::Equal,
        JsonType::String => found.as_str().is_some_and(|s| compare(s, op, value)),
        JsonType::Number | JsonType::Boolean => compare(json.trim(), op, value),
    }
}

fn compare(field: &str, op: Op, value: &str) -> bool {
    let ordering = || order(field, value);
    match op {
        Op::Equal => text::equals(field, value) || numbers(field, value).is_some_and(Ordering::is_eq),
        Op::Prefix => text::starts_with(field, value),
        Op::Less => ordering().is_some_and(Ordering::is_lt),
        Op::LessOrEqual => ordering().is_some_and(Ordering::is_le),
        Op::Greater => ordering().is_some_and(Ordering::is_gt),
        Op::GreaterOrEqual => ordering().is_some_and(Ordering::is_ge),
    }
}

fn order(field: &str, value: &str) -> Option<Ordering> {
    match (is_number(field), is_number(value)) {
        (true, true) => numbers(field, value),
        (false, false) => Some(field.chars().map(text::lower_char).cmp(value.chars())),
        _ => None,
    }
}

/// How two numbers compare; none where one of the texts is no number.
fn numbers(a: &str, b: &str) -> Option<Ordering> {
    if !is_number(a) || !is_number(b) {
        return None;
    }
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => Some(a.cmp(&b)),
        _ => a.parse::<f64>().ok()?.partial_cmp(&b.parse::<f64>().ok()?),
    }
}

/// A number as JSON writes it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

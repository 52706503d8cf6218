//! Unknown top-level fields become fields of the context: text is put together, no value of it is built.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::raw::{Extra, RawBatch, RawRow};

/// Fields that are compared with a key one by one.
const FEW: usize = 16;

/// Appends the context with the unknown fields in it; one whose name is taken becomes `field.<name>`.
pub(super) fn merge(raw: &RawBatch, row: &RawRow, context: &str, out: &mut String) {
    let extras = raw.extras(row);
    // Fields differ from each other, so that without a clash there is nothing to keep apart.
    let mut taken = clashes(raw, extras, context).then(|| keys(context));
    out.push_str(context.trim_ascii_end().strip_suffix('}').unwrap_or("{").trim_ascii_end());
    for extra in extras {
        if !out.ends_with('{') {
            out.push(',');
        }
        let name = raw.str(extra.name);
        match &mut taken {
            None => push_string(name, out),
            Some(taken) => {
                let free = free_name(name, taken);
                push_string(&free, out);
                taken.insert(free);
            }
        }
        out.push(':');
        out.push_str(raw.str(extra.value));
    }
    out.push('}');
}

fn free_name(name: &str, taken: &HashSet<String>) -> String {
    let mut free = name.to_owned();
    while taken.contains(&free) {
        free.insert_str(0, "field.");
    }
    free
}

/// Whether a field has the name of a key of the context.
fn clashes(raw: &RawBatch, extras: &[Extra], context: &str) -> bool {
    let mut found = false;
    if extras.len() > FEW {
        let names: HashSet<&str> = extras.iter().map(|extra| raw.str(extra.name)).collect();
        each_key(context, |key| found |= names.contains(key));
    } else {
        let is = |extra: &Extra, key: &str| extra.name.len as usize == key.len() && raw.str(extra.name) == key;
        each_key(context, |key| found |= extras.iter().any(|extra| is(extra, key)));
    }
    found
}

fn keys(context: &str) -> HashSet<String> {
    let mut keys = HashSet::new();
    each_key(context, |key| {
        keys.insert(key.to_owned());
    });
    keys
}

/// Calls `see` for each key of an object. The text was read as JSON before: it has no errors to tell.
fn each_key(object: &str, see: impl FnMut(&str)) {
    if !object.is_empty() {
        let _ = sonic_rs::Deserializer::from_str(object).deserialize_map(Keys(see));
    }
}

struct Keys<F>(F);

impl<'de, F: FnMut(&str)> Visitor<'de> for Keys<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Key(&mut self.0))?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct Key<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Key<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<F: FnMut(&str)> Visitor<'_> for Key<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        (self.0)(key);
        Ok(())
    }
}

/// Appends a JSON string.
fn push_string(text: &str, out: &mut String) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // A string always becomes JSON.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

//! What is wrong with a body, in the words of the contract.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::IgnoredAny;

/// Errors that are kept for one answer; more say nothing new.
const MAX_ERRORS: usize = 100;

/// The errors of a body: of the whole, and of fields (`message`, or `3.message` in a list).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invalid {
    /// What is wrong with the body as a whole.
    pub form_errors: Vec<String>,
    /// What is wrong with single fields.
    pub field_errors: BTreeMap<String, Vec<String>>,
}

impl Invalid {
    /// One error of the body as a whole.
    pub fn form(message: impl Into<String>) -> Self {
        Invalid { form_errors: vec![message.into()], field_errors: BTreeMap::new() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.form_errors.is_empty() && self.field_errors.is_empty()
    }

    /// Whether no more errors are taken.
    pub(super) fn is_full(&self) -> bool {
        self.form_errors.len() + self.field_errors.len() >= MAX_ERRORS
    }

    /// Adds an error of a field. The same again says nothing new: a record may hold a thousand of them.
    pub(super) fn field(&mut self, key: String, message: impl Into<String>) {
        let (errors, message) = (self.field_errors.entry(key).or_default(), message.into());
        if !errors.contains(&message) {
            errors.push(message);
        }
    }
}

/// Why a body is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The client must mend its records.
    #[error("the records are not valid")]
    Invalid(Invalid),
    /// The client must send less at once.
    #[error("{0}")]
    TooLarge(String),
}

impl From<Invalid> for ParseError {
    fn from(invalid: Invalid) -> Self {
        ParseError::Invalid(invalid)
    }
}

/// Words a JSON error. `serde_json` says best what it expected and where; it reads the text without building a value
/// of it, which would be many times as large.
pub(super) fn json_error(text: &str, fallback: &sonic_rs::Error) -> String {
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(e) => format!("invalid JSON: {e}"),
        // The whole of the fallback's text would show a part of the payload.
        Ok(_) => format!("invalid JSON: {}", fallback.to_string().lines().next().unwrap_or("syntax error")),
    }
}

/// The part of `text` that `part` is, with `text`'s lifetime.
pub(super) fn slice_of<'a>(text: &'a str, part: &str) -> &'a str {
    let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    text.get(start..start + part.len()).unwrap_or("")
}

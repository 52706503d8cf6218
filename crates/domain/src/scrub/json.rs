//! The context of a record, scrubbed without taking it apart: what stays is copied as it is written, so that numbers
//! keep their digits and fields their order.

use std::borrow::Cow;

use super::{Kind, Scrubber, assign};

/// Scrubs the text of a JSON value; text that is no JSON is scrubbed as text.
pub(super) fn scrub<'t>(scrubber: &Scrubber, json: &'t str) -> Cow<'t, str> {
    // Escapes can hide anything from the first look, so such texts are always read.
    if memchr::memchr(b'\\', json.as_bytes()).is_none() && !scrubber.rules.may_find_in_json(json) {
        return Cow::Borrowed(json);
    }
    let mut walk = Walk { scrubber, json, at: 0, out: String::with_capacity(json.len()) };
    match walk.document() {
        Some(()) => Cow::Owned(walk.out),
        None => scrubber.scrub(json),
    }
}

struct Walk<'s, 't> {
    scrubber: &'s Scrubber,
    json: &'t str,
    at: usize,
    out: String,
}

impl<'t> Walk<'_, 't> {
    /// Goes over the tokens; brackets and what separates are copied. None where it is no JSON.
    fn document(&mut self) -> Option<()> {
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number(),
                _ => self.copy(self.json[self.at..].chars().next()?.len_utf8()),
            }
        }
        Some(())
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn copy(&mut self, len: usize) {
        self.out.push_str(&self.json[self.at..self.at + len]);
        self.at += len;
    }

    fn skip_blanks(&mut self) {
        let rest = &self.json[self.at..];
        self.copy(rest.len() - rest.trim_ascii_start().len());
    }

    /// A string; when it is a name that says that its value is secret, the value too.
    fn string(&mut self) -> Option<()> {
        let raw = &self.json[self.at..self.at + string_len(&self.json[self.at..])?];
        self.at += raw.len();
        let text = decoded(raw)?;
        match self.scrubber.scrub(&text) {
            Cow::Borrowed(_) => self.out.push_str(raw),
            Cow::Owned(scrubbed) => push_quoted(&mut self.out, &scrubbed),
        }
        if self.json[self.at..].trim_ascii_start().starts_with(':') && assign::is_secret_name(&text) {
            self.skip_blanks();
            self.copy(1);
            self.skip_blanks();
            self.secret()?;
        }
        Some(())
    }

    /// The value under a secret name goes as a whole, unless it says that there is none.
    fn secret(&mut self) -> Option<()> {
        let value = &self.json[self.at..self.at + value_len(&self.json[self.at..])?];
        if matches!(value, "null" | "true" | "false" | "\"\"") {
            self.copy(value.len());
            return Some(());
        }
        self.at += value.len();
        let text = if value.starts_with('"') { decoded(value)? } else { Cow::Borrowed(value) };
        if assign::is_masked(&text) {
            self.out.push_str(value);
            return Some(());
        }
        let mut shown = String::new();
        self.scrubber.replace(Kind::Secret, &text, &mut shown);
        push_quoted(&mut self.out, &shown);
        Some(())
    }

    /// A number may be a card's.
    fn number(&mut self) {
        let raw = &self.json[self.at..self.at + scalar_len(&self.json[self.at..])];
        self.at += raw.len();
        match self.scrubber.scrub(raw) {
            Cow::Borrowed(_) => self.out.push_str(raw),
            Cow::Owned(scrubbed) => push_quoted(&mut self.out, &scrubbed),
        }
    }
}

/// Length of the string that a text starts with, with its quotes.
fn string_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn scalar_len(text: &str) -> usize {
    text.find(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | '}' | ']' | ':' | '"')).unwrap_or(text.len())
}

/// Length of the value that a text starts with.
fn value_len(text: &str) -> Option<usize> {
    match text.as_bytes().first()? {
        b'"' => string_len(text),
        b'{' | b'[' => {
            let (mut at, mut depth) = (0, 0usize);
            loop {
                match text.as_bytes().get(at)? {
                    b'"' => at += string_len(&text[at..])? - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => Some(scalar_len(text)),
    }
}

fn decoded(raw: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return raw.get(1..raw.len() - 1).map(Cow::Borrowed);
    }
    serde_json::from_str::<String>(raw).ok().map(Cow::Owned)
}

fn push_quoted(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

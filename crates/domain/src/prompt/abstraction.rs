//! A template without the words that could be somebody's: what is in no vocabulary of log lines is masked.
//!
//! A template seen a few times still has values in it (a user, a host, a table that all lines so far share). The words of
//! programs are few and known; everything else is `<word>` or `<num>`.

use std::collections::HashSet;

const WORDS: &str = include_str!("vocabulary.txt");

/// Characters of a template that go out; a pattern that says more says it at its start.
const MAX_CHARS: usize = 600;

/// Digits of a number that may stand: codes of errors and HTTP, not ids.
const MAX_DIGITS: usize = 3;

/// Endings that words come with, the longest first.
const ENDINGS: &[&str] = &[
    "ments", "ment", "ables", "able", "ings", "ing", "ions", "ion", "ness", "ers", "ies", "ied", "ier", "ors", "es",
    "ed", "er", "or", "ly", "al", "s", "d",
];

/// Beginnings that words come with.
const BEGINNINGS: &[&str] = &["un", "re", "non", "pre", "de", "auto", "multi", "sub", "micro", "over"];

/// The words that may leave.
#[derive(Debug)]
pub(super) struct Vocabulary {
    words: HashSet<&'static str>,
}

impl Vocabulary {
    pub(super) fn builtin() -> Self {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        Vocabulary { words: lines.flat_map(str::split_ascii_whitespace).collect() }
    }

    /// The text with the words that are not known masked, and without control characters and signs outside ASCII.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len().min(4 * MAX_CHARS));
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let len = run_len(rest);
            if len > 0 {
                self.put(&rest[..len], &mut out);
                rest = &rest[len..];
                continue;
            }
            match first {
                '!'..='~' => out.push(first),
                _ if out.ends_with(' ') => {}
                _ => out.push(' '),
            }
            rest = &rest[first.len_utf8()..];
            if out.len() > MAX_CHARS {
                break;
            }
        }
        cut(out)
    }

    fn put(&self, token: &str, out: &mut String) {
        let number = token.bytes().all(|b| b.is_ascii_digit());
        let keep = if number { token.len() <= MAX_DIGITS } else { self.knows(token) };
        if keep {
            out.push_str(token);
            return;
        }
        // `<word>.<word>` says no more than `<word>`.
        let joint = out.len() - out.trim_end_matches(['.', '-', '_', '/', ':', '@', '\\', '$']).len();
        let before = &out[..out.len() - joint];
        if joint <= 2 && (before.ends_with("<word>") || (joint > 0 && before.ends_with("<num>"))) {
            out.truncate(out.len() - joint);
        } else {
            out.push_str(if number { "<num>" } else { "<word>" });
        }
    }

    /// Whether a word, or each part of an identifier, is known.
    fn knows(&self, token: &str) -> bool {
        if !token.is_ascii() {
            return false;
        }
        if self.words.contains(token.to_ascii_lowercase().as_str()) {
            return true;
        }
        !token.bytes().any(|b| b.is_ascii_digit())
            && parts(token).all(|part| self.knows_part(&part.to_ascii_lowercase()))
    }

    fn knows_part(&self, part: &str) -> bool {
        part.len() == 1 || self.knows_form(part) || {
            let without = BEGINNINGS.iter().filter_map(|b| part.strip_prefix(b)).filter(|rest| rest.len() > 3);
            without.into_iter().any(|rest| self.knows_form(rest))
        }
    }

    /// Whether it is a word of the list with one of the usual endings.
    fn knows_form(&self, word: &str) -> bool {
        let listed = |stem: &str| self.words.contains(stem);
        listed(word)
            || ENDINGS.iter().filter_map(|e| word.strip_suffix(e)).filter(|stem| stem.len() > 2).any(|stem| {
                let bytes = stem.as_bytes();
                let doubled = bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
                listed(stem)
                    || listed(&format!("{stem}e"))
                    || listed(&format!("{stem}y"))
                    || (doubled && listed(&stem[..stem.len() - 1]))
            })
    }
}

/// Bytes of the letters and digits that a text starts with.
fn run_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())
}

/// The words that an identifier is made of: `NullPointer`, `HTTPServer`.
fn parts(token: &str) -> impl Iterator<Item = &str> {
    let bytes = token.as_bytes();
    let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
    let lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    let starts = move |at: usize| upper(at) && (lower(at - 1) || lower(at + 1));
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = token.get(from..).filter(|rest| !rest.is_empty())?;
        let end = (from + 1..token.len()).find(|&at| starts(at)).unwrap_or(token.len());
        let part = &rest[..end - from];
        from = end;
        Some(part)
    })
}

fn cut(text: String) -> String {
    // All of it is ASCII by now.
    if text.len() <= MAX_CHARS { text } else { format!("{} ...", &text[..MAX_CHARS]) }
}

//! The fields at the top of a JSON object, as stretches of its text: found without building anything.

use std::ops::Range;

/// Fields that are looked at before giving up.
const MAX_FIELDS: usize = 64;

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name, without the quotes, escapes as they are.
    pub key: Range<usize>,
    /// The inside of its value where that is a string.
    pub text: Option<Range<usize>>,
}

/// Walks the fields of an object that starts the line. Ends early where it is no JSON.
pub(crate) struct Fields<'a> {
    line: &'a [u8],
    at: usize,
    left: usize,
    broken: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a line; `None` when it is no object.
    pub(crate) fn of(line: &'a [u8]) -> Option<Self> {
        let object = line.first() == Some(&b'{') && line.trim_ascii_end().last() == Some(&b'}');
        object.then_some(Fields { line, at: 1, left: MAX_FIELDS, broken: false })
    }

    /// Whether what was walked over is no JSON.
    pub(crate) fn broken(&self) -> bool {
        self.broken
    }

    fn field(&mut self) -> Option<Field> {
        let line = self.line;
        let key = string(line, self.at)?;
        let mut at = skip_blanks(line, key.end + 1);
        if line.get(at) != Some(&b':') {
            return None;
        }
        at = skip_blanks(line, at + 1);
        let text = if line.get(at) == Some(&b'"') { Some(string(line, at)?) } else { None };
        self.at = match &text {
            Some(text) => text.end + 1,
            None => skip_value(line, at)?,
        };
        Some(Field { key, text })
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        self.at = skip_blanks(self.line, self.at);
        if self.left == 0 || self.line.get(self.at) != Some(&b'"') {
            return None;
        }
        let field = self.field();
        self.broken = field.is_none();
        self.at = skip_blanks(self.line, self.at);
        let more = field.is_some() && self.line.get(self.at) == Some(&b',');
        self.left = if more { self.left - 1 } else { 0 };
        self.at += usize::from(more);
        field
    }
}

fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while line.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The inside of the string that opens at `at`.
fn string(line: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at + 1;
    let mut to = from;
    loop {
        to += memchr::memchr2(b'"', b'\\', line.get(to..)?)?;
        if line[to] == b'"' {
            return Some(from..to);
        }
        to += 2;
    }
}

/// The end of a value that is not a string.
fn skip_value(line: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' => at = string(line, at)?.end,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

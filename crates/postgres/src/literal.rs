//! What the literal text of a form says about a text that is looked for, before any row is read.

use std::sync::{Arc, Mutex};

use hashbrown::HashMap;
use whittle_domain::query::{is_word, lower};
use whittle_patterns::{Catalog, FormId, Skeleton};

use crate::shared::lock;

/// What is known of rows before they are read. In rising order: an `and` is the least, an `or` the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// None matches.
    No,
    /// Each must be read.
    Maybe,
    /// All match.
    Yes,
}

impl Verdict {
    pub(crate) fn of(matches: bool) -> Self {
        if matches { Verdict::Yes } else { Verdict::No }
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Maybe => Verdict::Maybe,
            Verdict::Yes => Verdict::No,
        }
    }
}

/// A form's text in lower case, cut at its variables.
#[derive(Debug)]
pub(crate) struct Literal(Vec<String>);

impl Literal {
    /// None where a variable cuts a character.
    fn of(skeleton: &Skeleton) -> Option<Literal> {
        let (literal, mut done) = (skeleton.literal(), 0);
        let cut = skeleton.holes().chain([literal.len()]).map(|end| {
            let text = std::str::from_utf8(literal.get(done..end)?).ok()?;
            done = end;
            Some(lower(text).into_owned())
        });
        cut.collect::<Option<Vec<String>>>().map(Literal)
    }

    /// Looks for a lower-cased text. `left` and `right`: it must start, or end, where a word does, if it does so itself.
    pub(crate) fn find(&self, needle: &str, left: bool, right: bool) -> Verdict {
        if needle.is_empty() {
            return Verdict::Yes;
        }
        let left = left && needle.chars().next().is_some_and(is_word);
        let right = right && needle.chars().next_back().is_some_and(is_word);
        let last = self.0.len() - 1;
        for (at, text) in self.0.iter().enumerate() {
            let mut from = 0;
            while let Some(start) = text.get(from..).and_then(|rest| rest.find(needle)).map(|found| found + from) {
                let end = start + needle.len();
                // At a variable nothing is known of what stands beside.
                let free = |beside: Option<char>, is_end: bool| beside.map_or(is_end, |c| !is_word(c));
                let starts = !left || free(text[..start].chars().next_back(), at == 0);
                if starts && (!right || free(text[end..].chars().next(), at == last)) {
                    return Verdict::Yes;
                }
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if last == 0 { Verdict::No } else { Verdict::Maybe }
    }
}

/// Literals by form, as they are asked for. A form's text never changes.
#[derive(Debug, Default)]
pub(crate) struct Literals(Mutex<HashMap<FormId, Arc<Literal>>>);

/// Literals that are kept; beyond it all are made anew.
const MOST: usize = 100_000;

impl Literals {
    /// The literal text of a form; none when it is not known.
    pub(crate) fn get(&self, form: FormId, catalog: &Catalog) -> Option<Arc<Literal>> {
        if let Some(known) = lock(&self.0).get(&form) {
            return Some(known.clone());
        }
        let literal = Arc::new(Literal::of(&catalog.skeleton(form)?)?);
        let mut kept = lock(&self.0);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(form, literal.clone());
        Some(literal)
    }
}

#[cfg(test)]
mod tests {
    use whittle_patterns::{Scanner, Var};

    use super::*;

    fn literal(line: &str) -> Literal {
        let mut vars: Vec<Var> = Vec::new();
        Scanner::new().scan(line, &mut vars);
        Literal::of(&Skeleton::of(line.as_bytes(), &vars)).expect("whole characters")
    }

    #[test]
    fn literal_text_decides_what_it_can() {
        let text = literal("Payment 17 refused by bank-9 after 12ms, user777 told");
        for (needle, left, right, verdict) in [
            ("refused by", true, true, Verdict::Yes),
            ("payment", true, true, Verdict::Yes),
            ("paym", true, false, Verdict::Yes),
            ("paym", true, true, Verdict::Maybe),
            ("efused", false, true, Verdict::Yes),
            ("user", true, true, Verdict::Maybe),
            ("", true, true, Verdict::Yes),
            ("told", true, true, Verdict::Yes),
        ] {
            assert_eq!(text.find(needle, left, right), verdict, "{needle}");
        }
        let whole = literal("no variables here");
        assert_eq!(
            (whole.find("variables", true, true), whole.find("variable", true, true)),
            (Verdict::Yes, Verdict::No)
        );
    }
}

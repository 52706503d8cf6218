//! The literal text of forms, ready to be searched, and one copy of each however many files have it.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use whittle_domain::query::{is_word, lower};
use whittle_patterns::{FormId, Skeleton};

use super::words::is_wordish;

/// Stands for a variable in the searchable text. A query that holds it is not decided by literal text.
pub(crate) const HOLE: char = '\u{1}';

/// A form as files and tails know it.
#[derive(Debug)]
pub(crate) struct Form {
    /// Tells forms apart within this process; small.
    pub(crate) serial: u32,
    pub(crate) id: FormId,
    /// Without one the messages are kept whole.
    pub(crate) skeleton: Option<Skeleton>,
    /// The literal text in lower case with [`HOLE`] for each variable; none when it decides nothing.
    literal: Option<Box<str>>,
    /// Literal runs of word characters that touch a variable: words may run across them.
    glued: Box<[Box<str>]>,
    has_holes: bool,
}

/// What the literal text says about a text that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Literal {
    /// It stands there, in every message of the form.
    Stands,
    /// It stands there if the variable beside it lets it end there.
    Open,
    /// It does not stand there.
    Missing,
}

impl Form {
    fn new(serial: u32, id: FormId, skeleton: Option<Skeleton>) -> Self {
        let stretches = skeleton.as_ref().and_then(stretches);
        let has_holes = skeleton.as_ref().is_none_or(|skeleton| skeleton.hole_count() > 0);
        let glued = stretches.as_deref().map(glued).unwrap_or_default();
        let literal = stretches.map(|stretches| stretches.join(HOLE.encode_utf8(&mut [0; 4])).into());
        Form { serial, id, skeleton, literal, glued, has_holes }
    }

    /// Whether its messages differ.
    pub(crate) fn has_holes(&self) -> bool {
        self.has_holes
    }

    /// Whether its literal text can be searched.
    pub(crate) fn is_searchable(&self) -> bool {
        self.literal.is_some()
    }

    /// Looks for a lower-cased text; `left` and `right` say whether it must start and end at the ends of words.
    pub(crate) fn find(&self, needle: &memchr::memmem::Finder<'_>, left: bool, right: bool) -> Literal {
        let Some(literal) = &self.literal else { return Literal::Open };
        let (mut found, mut from) = (Literal::Missing, 0);
        while let Some(at) = literal.as_bytes().get(from..).and_then(|rest| needle.find(rest)).map(|at| at + from) {
            let end = at + needle.needle().len();
            let edge = |must: bool, beside: Option<char>| match beside {
                Some(HOLE) if must => Literal::Open,
                Some(c) if must && is_word(c) => Literal::Missing,
                _ => Literal::Stands,
            };
            let before = edge(left, literal.get(..at).and_then(|text| text.chars().next_back()));
            let after = edge(right, literal.get(end..).and_then(|text| text.chars().next()));
            match (before, after) {
                (Literal::Stands, Literal::Stands) => return Literal::Stands,
                (Literal::Missing, _) | (_, Literal::Missing) => {}
                _ => found = Literal::Open,
            }
            from = at + 1;
        }
        found
    }

    /// Whether a word of a message can be made of literal text and a variable together.
    pub(crate) fn may_glue(&self, word: &str) -> bool {
        // A message that is kept whole is one variable with nothing beside it.
        self.skeleton.is_some() && (self.literal.is_none() || self.glued.iter().any(|run| word.contains(&**run)))
    }
}

fn wordish(c: char) -> bool {
    !c.is_ascii() || is_wordish(c as u8)
}

/// The literal text around the variables in lower case; none when a variable cuts a character, or when the text holds
/// the sign for a variable itself.
fn stretches(skeleton: &Skeleton) -> Option<Vec<String>> {
    let (literal, mut done) = (skeleton.literal(), 0);
    let ends = skeleton.holes().chain([literal.len()]);
    let cut = ends.map(|end| {
        let text = std::str::from_utf8(literal.get(done..end)?).ok()?;
        done = end;
        (!text.contains(HOLE)).then(|| lower(text).into_owned())
    });
    cut.collect()
}

/// Runs of word characters that touch a variable; the text between two variables that touch is an empty run.
fn glued(stretches: &[String]) -> Box<[Box<str>]> {
    let last = stretches.len() - 1;
    let mut runs: Vec<Box<str>> = Vec::new();
    for (i, text) in stretches.iter().enumerate() {
        let ends = &text[text.trim_end_matches(wordish).len()..];
        let starts = &text[..text.len() - text.trim_start_matches(wordish).len()];
        if i > 0 && i < last && text.is_empty() {
            runs.push("".into());
        }
        if i < last && !ends.is_empty() {
            runs.push(ends.into());
        }
        if i > 0 && !starts.is_empty() {
            runs.push(starts.into());
        }
    }
    runs.sort_unstable();
    runs.dedup();
    runs.into()
}

/// Whether two skeletons are the same text with the same holes; the kinds of their first values are for display.
fn is_same(a: &Option<Skeleton>, b: &Option<Skeleton>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.literal() == b.literal() && a.holes().eq(b.holes()),
        (None, None) => true,
        _ => false,
    }
}

/// All forms that any file or tail holds, each once.
#[derive(Debug, Default)]
pub(crate) struct Forms(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<FormId, Vec<Arc<Form>>>,
    next: u32,
}

impl Forms {
    /// The one copy of a form.
    pub(crate) fn intern(&self, id: FormId, skeleton: Option<Skeleton>) -> Arc<Form> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { by_id, next } = &mut *known;
        let same = by_id.entry(id).or_default();
        if let Some(form) = same.iter().find(|form| is_same(&form.skeleton, &skeleton)) {
            return form.clone();
        }
        *next += 1;
        let form = Arc::new(Form::new(*next - 1, id, skeleton));
        same.push(form.clone());
        form
    }

    /// Forgets forms that nothing holds any more. Serials are not given again.
    pub(crate) fn prune(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_id.retain(|_, forms| {
            forms.retain(|form| Arc::strong_count(form) > 1);
            !forms.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;
    use whittle_patterns::{Scanner, Var};

    use super::*;

    fn form(line: &str) -> Form {
        let mut vars = Vec::new();
        Scanner::new().scan(line, &mut vars);
        Form::new(0, FormId(1), Some(Skeleton::of(line.as_bytes(), &vars)))
    }

    #[test]
    fn literal_text_decides_what_it_can() {
        let form = form("Payment 17 refused by bank-9 after 12ms, user777 told");
        let find = |text: &str| form.find(&Finder::new(text), true, true);
        assert_eq!(find("refused by"), Literal::Stands);
        assert_eq!(find("payment"), Literal::Stands);
        assert_eq!(find("efused"), Literal::Missing);
        assert_eq!(find("nowhere"), Literal::Missing);
        assert_eq!(find("user"), Literal::Open, "{form:?}");
        assert!(form.may_glue("user777") && !form.may_glue("777x"));
        assert!(!self::form("no variables here").has_holes());
    }

    #[test]
    fn a_form_is_kept_once() {
        let forms = Forms::default();
        // Lines whose first values are of different kinds have one form.
        let skeleton = |line: &[u8]| Some(Skeleton::of(line, &[Var { start: 2, len: 1 }]));
        let (a, b) = (forms.intern(FormId(5), skeleton(b"a 1")), forms.intern(FormId(5), skeleton(b"a b")));
        assert!(Arc::ptr_eq(&a, &b));
        assert!(!Arc::ptr_eq(&a, &forms.intern(FormId(5), None)), "the same hash of another text");
        drop((a, b));
        forms.prune();
        assert_eq!(forms.intern(FormId(5), skeleton(b"a 1")).serial, 2);
    }
}

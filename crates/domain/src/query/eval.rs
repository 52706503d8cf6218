//! Whether a row is what a query asks for.

use whittle_patterns::PatternId;

use super::text::{self, Haystack};
use super::{Expr, Op, Query, RowView, Term, field};
use crate::Level;

impl Query {
    /// Whether a row matches. `resolve` gives the pattern that an id belongs to now.
    ///
    /// Allocates nothing for messages in ASCII and contexts without escapes.
    pub fn matches(&self, row: &RowView<'_>, resolve: &dyn Fn(PatternId) -> PatternId) -> bool {
        Evaluation { row, message: Haystack::new(row.message), resolve }.holds(&self.expr)
    }
}

struct Evaluation<'a> {
    row: &'a RowView<'a>,
    message: Haystack<'a>,
    resolve: &'a dyn Fn(PatternId) -> PatternId,
}

impl Evaluation<'_> {
    fn holds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::All(all) => all.iter().all(|e| self.holds(e)),
            Expr::Any(any) => any.iter().any(|e| self.holds(e)),
            Expr::Not(not) => !self.holds(not),
            Expr::Term(term) => self.term(term),
        }
    }

    fn term(&self, term: &Term) -> bool {
        match term {
            Term::Phrase(phrase) => self.message.phrase(phrase),
            Term::Prefix(prefix) => self.message.prefix(prefix),
            Term::Substring(part) => self.message.substring(part),
            Term::Source { text, prefix: true } => text::starts_with(self.row.source, text),
            Term::Source { text, prefix: false } => text::equals(self.row.source, text),
            Term::Level(op, level) => compare_levels(self.row.level, *op, *level),
            Term::Pattern(id) => *id == self.row.pattern || (self.resolve)(*id) == (self.resolve)(self.row.pattern),
            Term::Context { path, op, value } => field::matches(self.row.context, path, *op, value),
        }
    }
}

fn compare_levels(level: Level, op: Op, than: Level) -> bool {
    match op {
        Op::Equal | Op::Prefix => level == than,
        Op::Less => level < than,
        Op::LessOrEqual => level <= than,
        Op::Greater => level > than,
        Op::GreaterOrEqual => level >= than,
    }
}

impl Term {
    /// Words (lower-cased) that stand as whole words in every message that matches: what a filter over words can be asked
    /// for. Empty where it can say nothing.
    pub fn required_words(&self) -> Vec<&str> {
        let (text, whole_start, whole_end) = match self {
            Term::Phrase(text) => (text, true, true),
            Term::Prefix(text) => (text, true, false),
            Term::Substring(text) => (text, false, false),
            Term::Source { .. } | Term::Level(..) | Term::Pattern(_) | Term::Context { .. } => return Vec::new(),
        };
        let mut words: Vec<&str> = text::raw_words(text).collect();
        if !whole_end && text.chars().next_back().is_some_and(text::is_word) {
            words.pop();
        }
        if !whole_start && text.chars().next().is_some_and(text::is_word) && !words.is_empty() {
            words.remove(0);
        }
        words
    }
}

//! `q`: what people type to find lines, as one parser for the history and the live stream.
//!
//! Free text; each word or `"phrase"` must stand in the message as whole words (a word: the longest run of Unicode letters,
//! digits, `_`; simple lower-casing), `word*` is a prefix, `~text` any substring, `key:value` a field, `-not`, `or`, brackets.

pub mod cases;
mod eval;
mod field;
mod parse;
#[cfg(test)]
mod tests;
mod text;

use whittle_patterns::PatternId;

use crate::Level;

pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_TERMS};
pub use text::{
    Haystack, contains_phrase, contains_prefix, contains_text, is_word, lower, lower_char, raw_words, words,
};

/// What the text of a row must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of these; empty: everything.
    All(Vec<Expr>),
    /// Any of these.
    Any(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// One condition.
    Term(Term),
}

/// One condition of a query. Texts are lower-cased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The text stands in the message with no word character before its first or after its last word character.
    Phrase(String),
    /// A word of the message starts with it (and what stands before it in the text, likewise as a phrase).
    Prefix(String),
    /// The message contains it.
    Substring(String),
    /// The source is it, in any case; `source:pay*` compares the start.
    Source {
        /// Lower-cased.
        text: String,
        /// Whether the start alone is compared.
        prefix: bool,
    },
    /// The level compares so.
    Level(Op, Level),
    /// The pattern, by any id that it was ever shown under.
    Pattern(PatternId),
    /// A field of the context (dots go into objects) compares so.
    Context {
        /// Its path.
        path: Vec<String>,
        /// How.
        op: Op,
        /// With what; compared as a number where both sides are numbers.
        value: String,
    },
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Op {
    Equal,
    Prefix,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A query that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What it asks.
    pub expr: Expr,
}

/// A query that was not understood: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {at})")]
pub struct QueryError {
    /// Index of the character, from 0.
    pub at: usize,
    /// What is wrong and what helps.
    pub message: String,
}

/// A row as a query sees it.
#[derive(Debug, Clone, Copy)]
pub struct RowView<'a> {
    /// Who sent it.
    pub source: &'a str,
    /// One of the four.
    pub level: Level,
    /// What was sent.
    pub message: &'a str,
    /// JSON object, or empty.
    pub context: &'a str,
    /// The pattern, as it resolves now.
    pub pattern: PatternId,
}

//! One file of rows: plain Parquet with a documented schema, the message as form and variables, and an index inside.
//!
//! A file is written once and never changed. It holds all that is needed to read it: the literal text of its forms
//! stands in it too.

pub(crate) mod codes;
pub(crate) mod columns;
pub(crate) mod delta;
pub(crate) mod dictionary;
pub(crate) mod disk;
pub(crate) mod filter;
pub(crate) mod forms;
pub(crate) mod from_tail;
pub(crate) mod hybrid;
pub(crate) mod index;
pub(crate) mod merge;
pub(crate) mod pages;
pub(crate) mod read;
pub(crate) mod rollup;
pub(crate) mod schema;
pub(crate) mod values;
pub(crate) mod words;
pub(crate) mod write;

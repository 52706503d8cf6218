//! A log line in, a stable pattern id out, without training.
//!
//! A line is *scanned* once into literal text and variables. Its **form** is the
//! literal text with every variable as a hole; a form's id is the hash of that
//! text and never changes. Forms that say the same thing are grouped into a
//! **pattern**, whose id is the lowest of its forms' ids.
//!
//! [`Miner`] does all of it, for one thread; [`Catalog`] answers other threads. A known line costs a scan, a hash and
//! a look-up: no allocation, no lock. What is new is appended to a journal, from which a restart gives the same ids.

mod book;
mod catalog;
mod cells;
mod header;
mod id;
mod journal;
mod json;
mod keys;
mod kind;
mod miner;
mod renew;
mod rules;
mod scan;
mod sets;
mod skeleton;
mod wide;

pub use catalog::{Catalog, PatternInfo};
pub use header::{Header, parse_header};
pub use id::{BadId, FormId, PatternId};
pub use journal::{JOURNAL_VERSION, JournalError, Loaded, split as split_journal};
pub use kind::Kind;
pub use miner::{Limits, Match, Miner};
pub use rules::Rules;
pub use scan::{Engine, MAX_SCAN, MAX_VARS, SCANNER_VERSION, Scanner, Var};
pub use skeleton::{Skeleton, form_of};

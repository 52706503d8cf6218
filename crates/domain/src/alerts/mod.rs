//! Which rows are worth a notification, and which notifications are the same one.
//!
//! Pure: rows and the time come in, [`Notice`]s come out. Ten thousand equal
//! errors are one fingerprint and so one [`Window`]: a first notice soon after
//! it opens, with the count so far, and at its end one update under the same
//! key with the total.

mod engine;
mod rule;
#[cfg(test)]
mod tests;
mod window;

pub use engine::{AlertEngine, EngineState, PatternFacts};
pub use rule::{AlertRule, RuleError, RuleSet, Sieve};
pub use window::{Notice, NoticeKind, Window};

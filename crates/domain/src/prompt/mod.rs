//! What a model is asked about a pattern, and what of its answer is believed: pure functions, the call itself is elsewhere.
//!
//! Two directions of mistrust. *Out*: only a template leaves, scrubbed, with every word masked that is in no vocabulary of
//! log lines ([`Question`]). *In*: an answer is data of unknown make; each part of it is checked, and what passes is plain
//! text, never lowers a severity, raises it by one step at most and proposes no command that destroys ([`Verdict`]).
//! Log text is hostile as well: it goes in as JSON data, and a template that reads like an instruction goes alone.

mod abstraction;
mod confidence;
mod hostile;
mod request;
#[cfg(test)]
mod tests;
mod verdict;

use crate::scrub::{Classes, ScrubError, Scrubber};
use crate::{Level, Severity};

pub use confidence::{Evidence, Source, confidence};
pub use request::{Form, Prompt};
pub use verdict::{Fault, MAX_ANSWER, Verdict};

use abstraction::Vocabulary;
use hostile::Hostile;

/// One pattern, as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The template without anything that could be a value.
    pub template: String,
    /// The highest level at which it was seen.
    pub level: Level,
    /// Its severity by local analysis at this level.
    pub severity: Severity,
    /// It reads like an instruction and shares its request with no other.
    pub alone: bool,
}

/// Why there is no prompter.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The scrubber cannot be built.
    #[error(transparent)]
    Scrub(#[from] ScrubError),
    /// A built-in expression does not compile, which a test rules out.
    #[error("expressions of the prompts: {0}")]
    Expression(#[from] regex::Error),
}

/// Words questions and checks answers. Takes some milliseconds to build; share one.
#[derive(Debug)]
pub struct Prompter {
    scrubber: Scrubber,
    vocabulary: Vocabulary,
    hostile: Hostile,
}

impl Prompter {
    /// A prompter with the built-in rules.
    ///
    /// # Errors
    /// When a built-in expression does not compile.
    pub fn new() -> Result<Self, PromptError> {
        Ok(Prompter {
            scrubber: Scrubber::mask_of(Classes::ALL)?,
            vocabulary: Vocabulary::builtin(),
            hostile: Hostile::new()?,
        })
    }

    /// The question about a template (as [`whittle_patterns::Catalog::typed_template`] gives it) seen at a level.
    pub fn question(&self, template: &str, level: Level, severity: Severity) -> Question {
        let shown = self.vocabulary.mask(&self.scrubber.scrub(template));
        let alone = self.hostile.is_instruction(template) || self.hostile.is_instruction(&shown);
        Question { template: shown, level, severity, alone }
    }
}

/// The name of a question in its request: it tells nothing of the pattern's own id.
fn name(index: usize) -> String {
    format!("p{}", index + 1)
}

/// The next severity, where there is one.
pub fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

//! What all copies of the roles know together, kept in topics in which the newest record of each key stays.
//!
//! Every copy reads them from the first record on, and goes on reading: so patterns and the words about them are the same
//! everywhere, a moment later, and a copy that starts needs no disk to know them.

mod follow;
mod patterns;
mod words;

use tokio_util::sync::CancellationToken;
use whittle_bus::Frame;
use whittle_kafka::KafkaBus;

pub use patterns::{Publisher, learn_alone, learn_into};
pub use words::{follow_words, publish_words};

/// What miners have learned, an entry of their journals each.
pub const PATTERNS: &str = "logs.state.patterns";
/// What a model has said, by pattern.
pub const WORDS: &str = "logs.state.insights";
/// The alert engine's state, under one key.
pub const ALERTS: &str = "logs.state.alerts";

/// Nothing is in it: who reads it owns the embedded history.
pub const OWNER: &str = "logs.state.owner";

/// All of them: topics with one partition each.
pub const TOPICS: [&str; 4] = [PATTERNS, WORDS, ALERTS, OWNER];

/// Reads all that a topic of state holds now.
///
/// # Errors
/// The topic cannot be read, or the program ends.
pub fn read_topic(
    bus: &KafkaBus,
    topic: &str,
    stop: &CancellationToken,
    apply: impl FnMut(Frame),
) -> anyhow::Result<()> {
    follow::read_all(&mut bus.follow(topic)?, topic, stop, apply)
}

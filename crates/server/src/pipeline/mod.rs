//! The stages between `logs.raw` and the history, and the one runner that drives each of them.
//!
//! ```text
//! Feed / logs.raw ─► Normalize ─► channel ─► Analyse (taps: gateway, alerts, model) ─► channel ─► Store
//! ```
//!
//! With PostgreSQL a [`topic`] stands before the history, so that the others go on while it is away.
//!
//! A stage is a plain synchronous step. Polling, backpressure, retries, dead letters, metrics, spans and the end are the
//! [`runner`]'s; whether a topic or a channel stands between two stages is the composition's.

mod analyse;
mod dead_letters;
mod detour;
mod edge;
mod feed;
mod normalize;
mod raw_inlet;
mod runner;
mod store;
#[cfg(test)]
mod tests;
mod topic;

pub use analyse::{Analyse, PatternJournal, Tap};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use detour::{Detour, HistoryEdge, Rewind, history_edge};
pub use edge::{ChannelInlet, ChannelOutlet, EdgeError, Held, Inlet, Outlet, Polled, Refused, channel};
pub use feed::{Fed, Feed, FeedLimits};
pub use normalize::{Normalize, Raws};
pub use raw_inlet::{Durable, RawInlet};
pub use runner::{Divide, Runner, Stage, StageMetrics};
pub use store::{HistoryOutlet, Pass};
pub use topic::{LastWritten, StoreOutlet, TopicInlet, TopicWriter};

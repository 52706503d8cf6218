//! Topics between stages that run alone: the messages as other programs read them, and the edges over them.
//!
//! One record is one message: its value is JSON, its key the source, its headers say who it is and where it came from. A stage
//! writes to the partition of the same number, so that order holds within a source from end to end.

mod heads;
mod inlet;
mod lives;
mod outlet;
mod raw;
mod records;
#[cfg(test)]
mod tests;
mod traces;

pub use heads::SCHEMA_VERSION;
pub use inlet::{Delay, Read, ReadRaw, ReadRecords, TopicInlet};
pub use lives::{Life, Lives};
pub use outlet::{Acks, Grow, TopicOutlet, Write, WriteInsights, WriteNormalized};
pub use raw::{decode, entries};
pub use records::{RecordError, push_insight, push_normalized};
pub use traces::Traces;

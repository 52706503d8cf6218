//! Bytes in, bytes out: topics with partitions, producers that are told when a record is durable, consumer groups that
//! commit what they have done. Knows nothing of logs.
//!
//! [`Bus`] has one implementation here, the embedded segment log [`SegmentBus`]; the crate `whittle-kafka` has another. Both
//! pass the same laws (`tests/laws`).
//!
//! How the embedded log keeps its promise that an acknowledged entry is on disk:
//!
//! - A partition is a folder of segment files. An entry is one [frame](mod@frame) in the newest of them, under two checksums.
//! - One thread writes. It takes all that waits, writes it with one call and one `fdatasync` for each segment, and only
//!   then lets readers and producers know.
//! - After a failed write or sync the segment counts as lost beyond what was durable before: it is cut and closed, and the
//!   log goes on in a new one.
//! - At a start only the newest segment of a partition is read through. What is bad there is damage if something behind
//!   it proves that it once was durable, and the torn end of a last write if not.

mod api;
mod bus;
mod consumer;
mod damage;
mod files;
pub mod frame;
mod group;
mod health;
mod keeper;
mod partition;
mod queue;
mod reader;
mod recovery;
mod segment;
mod settings;
mod signal;
mod stats;
mod topic;
mod window;
mod writer;

#[cfg(test)]
mod tests;

pub use api::{Bus, BusError, Consumer, Done, Entry, Frame, Headers, Position, ProduceError};
pub use bus::{Hand, SegmentBus};
pub use settings::{Clock, Reserve, Retention, Settings};
pub use stats::Stats;

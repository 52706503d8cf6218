//! Log records, their contracts and the pure stages of the pipeline.
//!
//! No I/O, no clock, no threads: time, ids and randomness come in as arguments.

pub mod alerts;
pub mod batch;
pub mod insight;
pub mod knowledge;
pub mod level;
pub mod normalize;
pub mod packed;
pub mod prompt;
pub mod query;
pub mod raw;
pub mod scrub;
pub mod timestamp;

pub use batch::{Batch, BatchBuilder, Row, RowText, Span};
pub use insight::{Category, Insight, InsightStatus, Severity};
pub use level::Level;
pub use normalize::{Arrival, Normalizer};
pub use raw::{BodyFormat, Invalid, Limits, ParseError, RawBatch};

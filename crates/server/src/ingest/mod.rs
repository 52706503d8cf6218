//! `POST /ingest`: records in, an answer once they are on disk.
//!
//! A request is refused as early as it can be: by its head before its body is
//! read, by its size while it is read. What passes is parsed and checked as a
//! whole, then appended to `logs.raw`: as one frame in the embedded bus, as a
//! message a record in Kafka. The answer is sent from the append's completion.

mod admission;
mod apart;
mod body;
mod denied;
mod frame;
mod handler;
mod metrics;

pub use admission::{Admission, AdmissionLimits};
pub use frame::{Envelope, FrameError, decode, encode};
pub use handler::{Ingest, IngestLimits, routes};
pub use metrics::IngestMetrics;

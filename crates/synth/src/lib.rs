//! Believable log records out of a seed.
//!
//! A catalogue of services (`catalog/*.txt`) has some three hundred messages with variables that vary. `whittle demo`
//! sends a dozen of these services with incidents in between; tests and benches measure with all of them. Pure: no
//! clock, no I/O; the same seed gives the same records.

pub mod catalog;
pub mod generator;
pub mod record;
pub mod slot;
pub mod template;
mod words;

pub use catalog::{Catalog, LineTemplate, Service};
pub use generator::{Generator, Source};
pub use record::Record;
pub use template::{Origin, Scene, Template};

//! The roles over a real Kafka: each alone in a process, with what may go wrong between them.
//!
//! One cluster serves all tests of a kind; each test has topics, groups and folders of its own.

mod brokers;
mod cast;
mod outages;
mod path;
mod postgres;
mod topics;

use std::time::Duration;

/// Time for something that passes several processes on a loaded machine.
const SOON: Duration = Duration::from_secs(60);

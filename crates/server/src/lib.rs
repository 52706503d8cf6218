//! The only crate with effects: HTTP, the stage runner, services, the model client, sinks, the command line.

pub mod alerting;
pub mod cli;
mod clock;
pub mod config;
pub mod dashboard;
pub mod gateway;
pub mod http;
pub mod ingest;
pub mod insights;
pub mod model;
pub mod pipeline;
mod roles;
mod shared;
pub mod storage;
pub mod topics;
mod up;

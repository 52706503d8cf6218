//! Rows in, rows out: columnar files with rollups, and the questions that are asked of them.
//!
//! [`Reader`] and [`Writer`] are the border. Their embedded implementation, [`FileHistory`], keeps Parquet files; another
//! speaks to PostgreSQL. Both pass the same laws.

mod api;
mod chart;
mod file;
mod query;
mod settings;
mod store;
mod tail;
mod wire;

pub use api::*;
pub use chart::Chart;
pub use settings::{Clock, Settings};
pub use store::{Checkpoints, FileHistory, OpenError, Opened};

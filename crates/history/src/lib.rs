//! Rows in, rows out: columnar files with rollups, and the questions that are asked of them.
//!
//! [`Reader`] and [`Writer`] are the border. Their embedded implementation keeps Parquet files; another speaks to
//! PostgreSQL. Both pass the same laws.

mod api;

pub use api::*;

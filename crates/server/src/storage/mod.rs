//! The storage service: questions about what is stored, over HTTP.
//!
//! Parameters become a [`whittle_history::Filter`]; the question runs on a thread of its own, a few at once, and stops
//! when nobody waits for it any more; insights are joined to the rows that come back.

mod asking;
mod export;
mod losses;
mod params;
mod patterns;
mod recent;
mod render;
mod stats;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::sync::Semaphore;
use whittle_history::Reader;
use whittle_patterns::Catalog;

use crate::http::Refusal;
use crate::insights::Insights;
use crate::model::ModelStatus;

pub use asking::Replay;

/// Questions that run at once; more wait for their turn.
const AT_ONCE: usize = 4;

/// What the routes need.
pub struct Storage {
    /// What is asked.
    pub reader: Arc<dyn Reader>,
    /// Templates and redirects of patterns.
    pub catalog: Catalog,
    /// What is known of patterns.
    pub insights: Insights,
    /// The model worker, for `GET /analysis`.
    pub model: ModelStatus,
    /// Whether what was acknowledged before the start can be found.
    pub replay: Replay,
    /// Microseconds since 1970.
    pub clock: fn() -> i64,
    slots: Arc<Semaphore>,
}

impl Storage {
    /// The service over a history.
    pub fn new(
        reader: Arc<dyn Reader>,
        catalog: Catalog,
        insights: Insights,
        model: ModelStatus,
        replay: Replay,
        clock: fn() -> i64,
    ) -> Arc<Self> {
        Arc::new(Storage { reader, catalog, insights, model, replay, clock, slots: Arc::new(Semaphore::new(AT_ONCE)) })
    }
}

/// The routes of storage.
pub fn routes(storage: Arc<Storage>) -> Router {
    let only_get = || async { Refusal::method_not_allowed("GET") };
    Router::new()
        .route("/recent", get(recent::recent).fallback(only_get))
        .route("/around", get(recent::around).fallback(only_get))
        .route("/export", get(export::export).fallback(only_get))
        .route("/stats/histogram", get(stats::histogram).fallback(only_get))
        .route("/stats/facets", get(stats::facets).fallback(only_get))
        .route("/patterns", get(patterns::list).fallback(only_get))
        .route("/patterns/{id}", get(patterns::detail).fallback(only_get))
        .route("/analysis", get(stats::analysis).fallback(only_get))
        .with_state(storage)
}

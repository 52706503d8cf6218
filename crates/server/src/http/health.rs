//! `/livez`, `/readyz` and `/metrics`, the same on every port.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::refusal::{Refusal, json};

/// Why a role cannot do its work now; nothing when it can.
pub type Readiness = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What the health routes of a port tell.
#[derive(Clone)]
pub struct Health {
    role: &'static str,
    readiness: Readiness,
    metrics: Arc<Registry>,
    warnings: Warnings,
}

/// What an operator should know although the role can do its work.
pub type Warnings = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Health {
    /// The readiness of the role that has the port, over the metrics of the process.
    pub fn new(role: &'static str, readiness: Readiness, metrics: Arc<Registry>) -> Self {
        Health { role, readiness, metrics, warnings: Arc::new(Vec::new) }
    }

    /// Tells of these too, where there are any.
    #[must_use]
    pub fn warning(mut self, warnings: Warnings) -> Self {
        self.warnings = warnings;
        self
    }

    /// The routes.
    pub fn routes(self) -> Router {
        let only_get = || async { Refusal::method_not_allowed("GET") };
        Router::new()
            .route("/livez", get(async || "ok\n").fallback(only_get))
            .route("/readyz", get(readyz).fallback(only_get))
            .route("/metrics", get(metrics).fallback(only_get))
            .with_state(self)
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    let warnings = (health.warnings)();
    match (health.readiness)() {
        None => json(StatusCode::OK, &Ready { status: "ready", reasons: BTreeMap::new(), warnings }),
        Some(reason) => {
            let reasons = BTreeMap::from([(health.role, reason)]);
            json(StatusCode::SERVICE_UNAVAILABLE, &Ready { status: "not_ready", reasons, warnings })
        }
    }
}

async fn metrics(State(health): State<Health>) -> Response {
    let mut text = String::with_capacity(16 << 10);
    match prometheus_client::encoding::text::encode(&mut text, &health.metrics) {
        Ok(()) => {
            let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

//! `/livez`, `/readyz` and `/metrics`, the same on every port.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::refusal::json;

/// Why a role cannot do its work now; nothing when it can.
pub type Readiness = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What the health routes of a port tell.
#[derive(Clone)]
pub struct Health {
    roles: Arc<RwLock<BTreeMap<&'static str, Readiness>>>,
    metrics: Arc<Registry>,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<&'static str, String>,
}

impl Health {
    /// Health over a registry of metrics.
    pub fn new(metrics: Arc<Registry>) -> Self {
        Health { roles: Arc::default(), metrics }
    }

    /// The same metrics, but only one role's readiness: what that role's own port tells.
    pub fn of(&self, role: &'static str, readiness: Readiness) -> Health {
        let roles = BTreeMap::from([(role, readiness)]);
        Health { roles: Arc::new(RwLock::new(roles)), metrics: self.metrics.clone() }
    }

    /// The routes.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    fn reasons(&self) -> BTreeMap<&'static str, String> {
        let roles = self.roles.read().unwrap_or_else(|e| e.into_inner());
        roles.iter().filter_map(|(role, ready)| ready().map(|reason| (*role, reason))).collect()
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    let reasons = health.reasons();
    let (status, word) =
        if reasons.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    json(status, &Ready { status: word, reasons })
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

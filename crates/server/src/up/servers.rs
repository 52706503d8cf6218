//! The four ports of `whittle up`: served from the moment they are taken until nothing is under way any more.
//!
//! While the data are opened each port says that it is starting, and at the end it says that it is ending before it closes: who
//! watches `/readyz` or sends meanwhile is told so, and neither hangs nor finds the door shut.

use std::sync::Arc;

use axum::Router;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::build::Built;
use super::ports::Listeners;
use crate::http::{Course, Health, Origins, Readiness, Refusal, Routes, serve};
use crate::{dashboard, ingest, storage};

/// The servers of all ports.
pub(super) struct Servers {
    ingestion: Routes,
    storage: Routes,
    gateway: Routes,
    dashboard: Routes,
    origins: Origins,
    course: Course,
    tasks: JoinSet<()>,
}

impl Servers {
    /// Serves the ports; every request that needs data is told to come again.
    pub fn start(listeners: Listeners, origins: Origins) -> Self {
        let (course, mut tasks) = (Course::default(), JoinSet::new());
        let mut serve_starting = |role, listener| {
            let routes = Routes::new(starting(role, &origins));
            tasks.spawn(serve(listener, routes.clone(), course.clone()));
            routes
        };
        Servers {
            ingestion: serve_starting("ingestion", listeners.ingestion),
            storage: serve_starting("storage", listeners.storage),
            gateway: serve_starting("gateway", listeners.gateway),
            dashboard: serve_starting("dashboard", listeners.dashboard),
            origins,
            course,
            tasks,
        }
    }

    /// Opens the ports to work.
    pub fn open(&self, built: &Built) {
        let with_health = |role, readiness, routes| with_health(built, &self.origins, role, readiness, routes);
        let bus = built.ingest.bus.clone();
        let ingestion = ingest::routes(built.ingest.clone()).fallback(no_such_route);
        self.ingestion.set(with_health("ingestion", Arc::new(move || bus.refusing()), ingestion));
        let asked = built.storage.clone();
        let questions = storage::routes(built.storage.clone()).fallback(no_such_route);
        self.storage.set(with_health("storage", Arc::new(move || asked.readiness()), questions.clone()));
        let always: Readiness = Arc::new(|| None);
        let live = built.gateway.routes();
        self.gateway.set(with_health("gateway", always.clone(), live.clone().fallback(no_such_route)));
        let page = Router::new().nest("/api", questions).nest("/ws", live).merge(dashboard::routes());
        self.dashboard.set(with_health("dashboard", always, page));
    }

    /// Ends them once draining has begun. Up to `linger` they take connections, as long as requests are under way; then these may
    /// end up to `deadline`; what is open then is cut off.
    pub async fn end(mut self, linger: Instant, deadline: Instant) {
        self.course.requests.close();
        // Past the time the next wait is for the same requests.
        let _ = timeout_at(linger, self.course.requests.wait()).await;
        self.course.closing.cancel();
        if timeout_at(deadline, join(&mut self.tasks)).await.is_err() {
            tracing::warn!("requests were still open at the end of their time and are cut off");
            self.course.abandon.cancel();
            join(&mut self.tasks).await;
        }
    }
}

async fn join(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// What a port answers with while the data are opened.
fn starting(role: &'static str, origins: &Origins) -> Router {
    let readiness: Readiness = Arc::new(|| Some("the server is starting: it opens its data".to_owned()));
    let health = Health::new(role, readiness, Arc::new(Registry::default()));
    origins.clone().layer(
        health
            .routes()
            .fallback(async || Refusal::not_ready("the server is starting: it opens its data; try again in a moment")),
    )
}

/// The routes of a port, with what each of them has beside its own.
fn with_health(built: &Built, origins: &Origins, role: &'static str, readiness: Readiness, routes: Router) -> Router {
    let draining = built.end.draining.clone();
    let ready: Readiness =
        Arc::new(move || if draining.is_cancelled() { Some("the server is ending".to_owned()) } else { readiness() });
    origins.clone().layer(routes.merge(Health::new(role, ready, built.metrics.clone()).routes()))
}

async fn no_such_route() -> Refusal {
    Refusal::not_found("not_found", "there is no such route; docs/api/openapi.json has them all")
}

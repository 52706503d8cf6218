//! `dashboard`: the page, and the way from its own origin to storage and gateway.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Role;
use super::program::Part;
use super::proxy::{self, Target};
use crate::config::Config;
use crate::dashboard;

pub(super) fn build(config: &Config, stop: CancellationToken) -> anyhow::Result<Part> {
    let here = |port| match config.address(port) {
        address if address.ip().is_unspecified() => format!("http://127.0.0.1:{port}"),
        address => format!("http://{address}"),
    };
    let storage = target(config.storage_url.clone().unwrap_or_else(|| here(config.http_port)), "STORAGE_URL")?;
    let gateway = target(config.gateway_url.clone().unwrap_or_else(|| here(config.ws_port)), "GATEWAY_URL")?;
    let routes = Router::new()
        .nest_service("/api", proxy::http(storage))
        .nest_service("/ws", proxy::upgraded(gateway, stop))
        .merge(dashboard::routes());
    Ok(Part { role: Role::Dashboard, routes, ready: Arc::new(|| None), stages: Vec::new(), tasks: Vec::new() })
}

fn target(text: String, key: &'static str) -> anyhow::Result<Target> {
    let url = Url::parse(&text)
        .with_context(|| format!("{key}: {text:?} is no address; write it like http://storage:4000"))?;
    Target::new(&url).with_context(|| format!("{key}: {text:?} must be http or ws, with a host and no path"))
}

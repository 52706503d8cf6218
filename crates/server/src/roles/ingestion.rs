//! `ingestion-service`: records over HTTP into `logs.raw`.

use prometheus_client::registry::Registry;
use std::sync::Arc;

use super::Role;
use super::base::Base;
use super::program::Part;
use crate::http::Refusal;
use crate::ingest;
use crate::up::build::build_ingest;

pub(super) fn build(base: &Base, registry: &mut Registry) -> Part {
    let bus = (base.bus.clone() as Arc<_>, true);
    let ingest = build_ingest(&base.config, bus, base.feed.clone(), base.end.draining.clone(), registry);
    let no_such_route = || async { Refusal::not_found("not_found", "there is no such route; send records to /ingest") };
    let routes = ingest::routes(ingest).fallback(no_such_route);
    Part { routes, ..Part::of_stages(Role::Ingestion, Vec::new()) }
}

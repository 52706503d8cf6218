//! A process with any number of roles: its ports are served from the first moment, its stages run until it is told to end.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use whittle_bus::Bus as _;
use whittle_kafka::KafkaBus;

use super::base::Base;
use super::{Role, alerts, analysis, dashboard, gateway, ingestion, normalizer, storage};
use crate::config::Config;
use crate::http::{Course, Health, Origins, Readiness, Refusal, Routes, Warnings, bind, serve};
use crate::up::build::End;
use crate::up::run::{Schedule, join, join_tasks, start};
use crate::up::stages::NamedStage;

/// What is left of the end's ten seconds for the bus to send what it still has.
const FLUSH: Duration = Duration::from_secs(2);

/// A task that ends by itself after the end of the sinks.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A role, put together.
pub(super) struct Part {
    pub role: Role,
    /// What it answers on its port, beside health.
    pub routes: Router,
    /// Why it cannot do its work, beside Kafka being away.
    pub ready: Readiness,
    pub stages: Vec<NamedStage>,
    pub tasks: Vec<Task>,
}

impl Part {
    /// A role without routes of its own.
    pub fn of_stages(role: Role, stages: Vec<NamedStage>) -> Self {
        Part { role, routes: Router::new(), ready: Arc::new(|| None), stages, tasks: Vec::new() }
    }
}

struct Built {
    parts: Vec<Part>,
    registry: Arc<Registry>,
    bus: Option<Arc<KafkaBus>>,
    warnings: Warnings,
}

/// A port, served.
struct Port {
    role: Role,
    number: u16,
    routes: Routes,
}

/// Runs roles until `stop`.
pub(super) async fn run(config: Config, roles: &[Role], stop: CancellationToken) -> anyhow::Result<()> {
    let origins = Origins::new(config.whittle_bind, &config.origins());
    let (course, mut servers) = (Course::default(), JoinSet::new());
    let mut ports = Vec::new();
    for role in roles {
        let (key, number, own) = role.port(&config);
        if !own && roles.len() > 1 {
            continue;
        }
        let listener = bind(config.address(number), key).await?;
        ports.push(open_port(*role, listener, &origins, &course, &mut servers)?);
    }
    let name = if let [role] = roles { role.name() } else { "up" };
    for port in &ports {
        tracing::info!("{} listens on {}", port.role.name(), config.address(port.number));
    }
    write_ports(&config.whittle_data_dir, &ports)?;
    // A port of 0 became any; the page's server has to know which.
    let mut config = config;
    for port in &ports {
        match port.role {
            Role::Storage => config.http_port = port.number,
            Role::Gateway => config.ws_port = port.number,
            _ => {}
        }
    }
    let end = End::default();
    let (building, wanted, data_dir) = (end.clone(), roles.to_vec(), config.whittle_data_dir.clone());
    let mut build = tokio::task::spawn_blocking(move || build(config, &wanted, name, building));
    let built = tokio::select! {
        built = &mut build => built??,
        () = stop.cancelled() => {
            end.draining.cancel();
            return Ok(());
        }
    };
    let program = Program { ports, origins, course, servers, end };
    let ended = program.run(built, stop).await;
    remove_ports(&data_dir);
    ended
}

fn open_port(
    role: Role,
    listener: TcpListener,
    origins: &Origins,
    course: &Course,
    servers: &mut JoinSet<()>,
) -> anyhow::Result<Port> {
    let number = listener.local_addr()?.port();
    let readiness: Readiness = Arc::new(|| Some("the role is starting: it waits for Kafka and its topics".to_owned()));
    let health = Health::new(role.port_name(), readiness, Arc::new(Registry::default()));
    let not_ready = || async { Refusal::not_ready("the role is starting: it waits for Kafka and its topics") };
    let routes = Routes::new(origins.clone().layer(health.routes().fallback(not_ready)));
    servers.spawn(serve(listener, routes.clone(), course.clone()));
    Ok(Port { role, number, routes })
}

/// For programs that look for a running server by its data folder, where there is one.
fn write_ports(data_dir: &Path, ports: &[Port]) -> anyhow::Result<()> {
    if !data_dir.is_dir() {
        return Ok(());
    }
    let list: BTreeMap<&str, u16> = ports.iter().map(|port| (port.role.port_name(), port.number)).collect();
    let (path, fresh) = (data_dir.join("ports.json"), data_dir.join("ports.json.new"));
    std::fs::write(&fresh, serde_json::to_vec(&list)?)
        .and_then(|()| std::fs::rename(&fresh, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn remove_ports(data_dir: &Path) {
    let path = data_dir.join("ports.json");
    if let Err(error) = std::fs::remove_file(&path).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }) {
        tracing::warn!(%error, "cannot remove {}", path.display());
    }
}

/// Connects and assembles. Nothing takes work yet when this returns.
fn build(config: Config, roles: &[Role], name: &str, end: End) -> anyhow::Result<Built> {
    let mut registry = Registry::default();
    if roles == [Role::Dashboard] {
        let parts = vec![dashboard::build(&config, end.sinks.clone())?];
        return Ok(Built { parts, registry: Arc::new(registry), bus: None, warnings: Arc::new(Vec::new) });
    }
    let base = Base::open(config, name, end, &mut registry)?;
    let mut parts = Vec::new();
    for role in roles {
        parts.push(match role {
            Role::Ingestion => ingestion::build(&base, &mut registry),
            Role::Normalizer => normalizer::build(&base)?,
            Role::Analysis => analysis::build(&base, &mut registry)?,
            Role::Alerts => alerts::build(&base, &mut registry)?,
            Role::Storage => storage::build(&base, &mut registry)?,
            Role::Gateway => gateway::build(&base, &mut registry)?,
            Role::Dashboard => dashboard::build(&base.config, base.end.sinks.clone())?,
        });
    }
    let (weak, lags) = (base.weak.clone(), base.lags.clone());
    let warnings: Warnings = Arc::new(move || weak.iter().cloned().chain(lags.told()).collect());
    Ok(Built { parts, registry: Arc::new(registry), bus: Some(base.bus), warnings })
}

struct Program {
    ports: Vec<Port>,
    origins: Origins,
    course: Course,
    servers: JoinSet<()>,
    end: End,
}

impl Program {
    async fn run(mut self, mut built: Built, stop: CancellationToken) -> anyhow::Result<()> {
        self.open(&built);
        let stages: Vec<NamedStage> = built.parts.iter_mut().flat_map(|part| part.stages.drain(..)).collect();
        let (ended, mut ends) = mpsc::channel(stages.len().max(1));
        let mut threads = Vec::new();
        for stage in stages {
            threads.push(start(stage, ended.clone())?);
        }
        let mut tasks = JoinSet::new();
        for task in built.parts.iter_mut().flat_map(|part| part.tasks.drain(..)) {
            tasks.spawn(task);
        }
        let early = tokio::select! {
            () = stop.cancelled() => None,
            end = ends.recv() => end,
        };
        drop(ended);
        let early = early.map(|(name, result)| {
            let reason = result.err().unwrap_or_else(|| "without an error".to_owned());
            anyhow!("stage {name} ended by itself: {reason}")
        });
        if let Some(error) = &early {
            tracing::error!("{error}");
        }
        tracing::info!("ending: what is under way is finished");
        let schedule = Schedule::from(Instant::now());
        self.end.draining.cancel();
        self.end_servers(schedule).await;
        let stages = join(threads, &self.end.give_up, schedule).await;
        self.end.sinks.cancel();
        join_tasks(tasks, schedule.last).await;
        let closed = close(built.bus, schedule.last + Duration::from_millis(500)).await;
        early.map_or(closed.and(stages), Err)
    }

    /// Opens the ports to work.
    fn open(&self, built: &Built) {
        for port in &self.ports {
            let Some(part) = built.parts.iter().find(|part| part.role == port.role) else { continue };
            let (draining, ready, bus) = (self.end.draining.clone(), part.ready.clone(), built.bus.clone());
            let readiness: Readiness = Arc::new(move || {
                if draining.is_cancelled() {
                    return Some("the role is ending".to_owned());
                }
                bus.as_ref().and_then(|bus| bus.refusing()).or_else(|| ready())
            });
            let health = Health::new(port.role.port_name(), readiness, built.registry.clone());
            let routes = part.routes.clone().merge(health.warning(built.warnings.clone()).routes());
            port.routes.set(self.origins.clone().layer(routes));
        }
    }

    /// As `whittle up` does: new connections are told for a while, open requests end, what is open then is cut off.
    async fn end_servers(&mut self, schedule: Schedule) {
        self.course.requests.close();
        // Past the time the next wait is for the same requests.
        let _ = timeout_at(schedule.linger, self.course.requests.wait()).await;
        self.course.closing.cancel();
        let all = async { while self.servers.join_next().await.is_some() {} };
        if timeout_at(schedule.requests, all).await.is_err() {
            tracing::warn!("requests were still open at the end of their time and are cut off");
            self.course.abandon.cancel();
            while self.servers.join_next().await.is_some() {}
        }
    }
}

async fn close(bus: Option<Arc<KafkaBus>>, deadline: Instant) -> anyhow::Result<()> {
    let Some(bus) = bus else { return Ok(()) };
    let closing = tokio::task::spawn_blocking(move || bus.close(FLUSH));
    match timeout_at(deadline, closing).await {
        Ok(closed) => Ok(closed?),
        Err(_) => {
            Err(anyhow!("Kafka does not answer, so the clients are cut off; what was not acknowledged is unknown"))
        }
    }
}

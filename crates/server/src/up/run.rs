//! Running what was built, and ending it in order: first the clients, then the stages, then what they write to.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::build::Built;
use super::stages::NamedStage;
use crate::gateway::Gateway;
use crate::http::{Health, Readiness, Refusal, serve};
use crate::insights::Insights;
use crate::pipeline::EdgeError;
use crate::{dashboard, ingest, storage};

/// How long stages may take to come to the border of a batch and to write what they have.
const STAGES_END: Duration = Duration::from_secs(6);

/// Runs until `stop`, or until a stage ends by itself, which it never should.
pub(super) async fn run(mut built: Built, stop: CancellationToken) -> anyhow::Result<()> {
    let (ended, mut ends) = mpsc::channel(built.stages.len().max(1));
    let mut threads = Vec::new();
    for stage in std::mem::take(&mut built.stages) {
        threads.push(start(stage, ended.clone())?);
    }
    drop(ended);
    let closing = CancellationToken::new();
    let mut tasks = start_tasks(&mut built);
    let mut servers = start_servers(&mut built, &closing)?;
    announce(&built);
    let early = tokio::select! {
        () = stop.cancelled() => None,
        end = ends.recv() => end,
    };
    tracing::info!("ending: no new requests; what is under way is finished");
    built.end.draining.cancel();
    closing.cancel();
    while servers.join_next().await.is_some() {}
    built.feed.close();
    let end = join(threads, &built.end.give_up).await;
    built.end.sinks.cancel();
    while tasks.join_next().await.is_some() {}
    built.close();
    match early {
        Some((name, result)) => Err(anyhow!("stage {name} ended by itself: {}", reason(result))),
        None => end,
    }
}

fn reason(result: Result<(), EdgeError>) -> String {
    result.err().map_or_else(|| "without an error".to_owned(), |error| error.to_string())
}

type StageEnd = (&'static str, Result<(), EdgeError>);

fn start(stage: NamedStage, ended: mpsc::Sender<StageEnd>) -> anyhow::Result<JoinHandle<Result<(), EdgeError>>> {
    let NamedStage { name, run } = stage;
    let thread = std::thread::Builder::new().name(format!("stage-{name}"));
    let body = move || {
        let result = run();
        // Nobody listens any more once the end has begun.
        let _ = ended.try_send((name, result.clone()));
        result
    };
    thread.spawn(body).with_context(|| format!("cannot start a thread for the stage {name}"))
}

/// Waits for the stages; past their time they give up what they still try.
async fn join(threads: Vec<JoinHandle<Result<(), EdgeError>>>, give_up: &CancellationToken) -> anyhow::Result<()> {
    let all = tokio::task::spawn_blocking(move || {
        let mut first = Ok(());
        for thread in threads {
            let result = match thread.join() {
                Ok(result) => result.map_err(anyhow::Error::from),
                Err(_) => Err(anyhow!("a stage panicked")),
            };
            first = first.and(result);
        }
        first
    });
    let in_time = tokio::time::sleep(STAGES_END);
    tokio::pin!(all, in_time);
    tokio::select! {
        result = &mut all => return result?,
        () = in_time => give_up.cancel(),
    }
    tracing::warn!("the stages did not end in time; what is not stored yet is in the raw log");
    all.await?
}

/// Passes changes of insights on to viewers that asked for them.
async fn tell_insights(insights: Insights, gateway: Arc<Gateway>, stop: CancellationToken) {
    let mut updates = insights.subscribe();
    loop {
        let update = tokio::select! {
            update = updates.recv() => update,
            () = stop.cancelled() => return,
        };
        match update {
            Ok(update) => gateway.insight_changed(update.pattern, &update.json),
            // A viewer that missed some sees them with the next rows.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// The tasks beside the stages: deliveries, the model worker, the gateway's beat.
fn start_tasks(built: &mut Built) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let gateway = built.gateway.clone();
    tasks.spawn(async move { gateway.run().await });
    tasks.spawn(tell_insights(built.insights.clone(), built.gateway.clone(), built.end.sinks.clone()));
    if let Some(outbox) = built.outbox.take() {
        let stop = built.end.sinks.clone();
        tasks.spawn(async move {
            if let Err(error) = outbox.run(stop).await {
                tracing::error!(%error, "notifications cannot be delivered");
            }
        });
    }
    if let Some(model) = built.model.take() {
        tasks.spawn(async move {
            if let Err(error) = model.await {
                tracing::error!(%error, "the model worker broke off");
            }
        });
    }
    tasks
}

/// The routes of a port, with what each of them has beside its own.
fn with_health(built: &Built, role: &'static str, readiness: Readiness, routes: Router) -> Router {
    let draining = built.end.draining.clone();
    let ready: Readiness =
        Arc::new(move || if draining.is_cancelled() { Some("the server is ending".to_owned()) } else { readiness() });
    let health: Health = built.health.of(role, ready);
    built.origins.clone().layer(routes.merge(health.routes()))
}

fn start_servers(built: &mut Built, closing: &CancellationToken) -> anyhow::Result<JoinSet<()>> {
    let listeners = built.listeners.take().context("the ports are served once")?;
    let mut servers = JoinSet::new();
    let mut spawn = |listener: TcpListener, router: Router| {
        servers.spawn(serve(listener, router, closing.clone()));
    };
    let bus = built.ingest.bus.clone();
    let ingestion = ingest::routes(built.ingest.clone());
    spawn(listeners.ingestion, with_health(built, "ingestion", Arc::new(move || bus.refusing()), ingestion));
    let asked = built.storage.clone();
    let ready: Readiness = Arc::new(move || asked.not_ready());
    let questions = storage::routes(built.storage.clone());
    spawn(listeners.storage, with_health(built, "storage", ready.clone(), questions.clone()));
    let always: Readiness = Arc::new(|| None);
    spawn(listeners.gateway, with_health(built, "gateway", always.clone(), built.gateway.clone().routes()));
    let page = Router::new()
        .nest("/api", questions.fallback(no_such_route))
        .nest("/ws", built.gateway.clone().routes())
        .merge(dashboard::routes());
    spawn(listeners.dashboard, with_health(built, "dashboard", always, page));
    Ok(servers)
}

async fn no_such_route() -> Refusal {
    Refusal::not_found("not_found", "there is no such route; docs/api/openapi.json has them all")
}

/// Says where everything is: a person who has just started it looks for that.
fn announce(built: &Built) {
    let host = match built.bind {
        ip if ip.is_loopback() => "localhost".to_owned(),
        ip => ip.to_string(),
    };
    let ports = built.ports;
    tracing::info!("page       http://{host}:{}", ports.dashboard);
    tracing::info!("ingestion  http://{host}:{}/ingest", ports.ingestion);
    tracing::info!("history    http://{host}:{}/recent", ports.storage);
    tracing::info!("live       ws://{host}:{}", ports.gateway);
    tracing::info!("data       {}", built.data_dir.display());
}

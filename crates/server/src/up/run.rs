//! Running what was built, and ending it in order: first the clients, then the stages, then what they write to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::build::Built;
use super::servers::Servers;
use super::stages::NamedStage;
use crate::gateway::Gateway;
use crate::insights::Insights;

/// When each step of the end is over, at the latest. Whoever stops the program may kill it after ten seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// New connections are taken and told that the server ends.
    pub linger: Instant,
    /// Open requests.
    pub requests: Instant,
    /// Stages come to the border of a batch and write what they have.
    pub stages: Instant,
    /// The same for stages that were told to give up.
    pub given_up: Instant,
    /// Deliveries, the model worker, the files.
    pub last: Instant,
}

impl Schedule {
    /// Of an end that begins now.
    pub fn from(start: Instant) -> Self {
        let after = |millis| start + Duration::from_millis(millis);
        Schedule {
            linger: after(2_000),
            requests: after(4_000),
            stages: after(6_500),
            given_up: after(7_500),
            last: after(8_500),
        }
    }
}

/// A stage's name, and how it ended: in order, or for which reason.
pub(crate) type StageEnd = (&'static str, Result<(), String>);

/// Runs until `stop`, or until a stage ends by itself, which it never should.
pub(super) async fn run(mut built: Built, servers: Servers, stop: CancellationToken) -> anyhow::Result<()> {
    servers.open(&built);
    built.ports.write(&built.data_dir)?;
    let (ended, mut ends) = mpsc::channel(built.stages.len().max(1));
    let mut threads = Vec::new();
    for stage in std::mem::take(&mut built.stages) {
        threads.push(start(stage, ended.clone())?);
    }
    drop(ended);
    let tasks = start_tasks(&mut built);
    announce(&built);
    let early = tokio::select! {
        () = stop.cancelled() => None,
        end = ends.recv() => end,
    };
    let early = early.map(|(name, result)| {
        let reason = result.err().unwrap_or_else(|| "without an error".to_owned());
        anyhow!("stage {name} ended by itself: {reason}")
    });
    if let Some(error) = &early {
        tracing::error!("{error}");
    }
    let end = end(built, servers, threads, tasks).await;
    early.map_or(end, Err)
}

/// Ends everything in order: clients, stages, then what they write to.
async fn end(
    built: Built,
    servers: Servers,
    threads: Vec<JoinHandle<StageEnd>>,
    tasks: JoinSet<()>,
) -> anyhow::Result<()> {
    tracing::info!("ending: no new requests; what is under way is finished");
    let schedule = Schedule::from(Instant::now());
    built.end.draining.cancel();
    servers.end(schedule.linger, schedule.requests).await;
    built.feed.close();
    let stages = join(threads, &built.end.give_up, schedule).await;
    built.end.sinks.cancel();
    join_tasks(tasks, schedule.last).await;
    close(built, schedule.last).await.and(stages)
}

/// Runs a stage on a thread of its own.
pub(crate) fn start(stage: NamedStage, ended: mpsc::Sender<StageEnd>) -> anyhow::Result<JoinHandle<StageEnd>> {
    let NamedStage { name, run } = stage;
    let thread = std::thread::Builder::new().name(format!("stage-{name}"));
    let body = move || {
        // What a stage leaves behind is not looked at again: the process ends, and the next one reads the log.
        let result = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("it panicked".to_owned()),
        };
        // Nobody listens any more once the end has begun.
        let _ = ended.try_send((name, result.clone()));
        (name, result)
    };
    thread.spawn(body).with_context(|| format!("cannot start a thread for the stage {name}"))
}

/// Waits for the stages. Past their time they give up what they still try; past that they are left behind.
pub(crate) async fn join(
    threads: Vec<JoinHandle<StageEnd>>,
    give_up: &CancellationToken,
    schedule: Schedule,
) -> anyhow::Result<()> {
    let mut all = tokio::task::spawn_blocking(move || {
        // All are waited for, also behind one that failed.
        let ends: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
        ends.into_iter().try_for_each(|end| match end {
            Ok((_, Ok(()))) => Ok(()),
            Ok((name, Err(reason))) => Err(anyhow!("stage {name}: {reason}")),
            Err(_) => Err(anyhow!("a stage panicked")),
        })
    });
    if let Ok(ended) = timeout_at(schedule.stages, &mut all).await {
        return ended?;
    }
    tracing::warn!("the stages did not end in time; what is not stored yet is in the raw log");
    give_up.cancel();
    match timeout_at(schedule.given_up, all).await {
        Ok(ended) => ended?,
        Err(_) => Err(anyhow!(
            "the stages do not end, so they are cut off; the next start reads what they had from the raw log. Look at the disk of WHITTLE_DATA_DIR if this happens again"
        )),
    }
}

/// Waits for tasks, but not beyond their time.
pub(crate) async fn join_tasks(mut tasks: JoinSet<()>, deadline: Instant) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if timeout_at(deadline, all).await.is_err() {
        // The outbox has on disk what it still has to deliver.
        tracing::warn!("deliveries were still under way at the end of their time; the next start goes on with them");
    }
}

/// Syncs and closes what the stages wrote to, and takes away what names a running server.
async fn close(built: Built, deadline: Instant) -> anyhow::Result<()> {
    let closing = tokio::task::spawn_blocking(move || {
        built.close();
        built.ports.remove(&built.data_dir);
    });
    match timeout_at(deadline, closing).await {
        Ok(closed) => Ok(closed?),
        Err(_) => Err(anyhow!("the raw log could not be closed in time; the disk of WHITTLE_DATA_DIR does not answer")),
    }
}

/// Passes changes of insights on to viewers that asked for them.
pub(crate) async fn tell_insights(insights: Insights, gateway: Arc<Gateway>, stop: CancellationToken) {
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

/// Says where everything is: a person who has just started it looks for that.
fn announce(built: &Built) {
    let host = match built.bind {
        ip if ip.is_loopback() => "localhost".to_owned(),
        ip => ip.to_string(),
    };
    let ports = built.ports;
    for line in [
        format!("page       http://{host}:{}", ports.dashboard),
        format!("ingestion  http://{host}:{}/ingest", ports.ingestion),
        format!("history    http://{host}:{}/recent", ports.storage),
        format!("live       ws://{host}:{}", ports.gateway),
        format!("data       {}", built.data_dir.display()),
    ] {
        tracing::info!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::EdgeError;

    /// Bound of every wait: generous, since tests share machines.
    const WAIT: Duration = Duration::from_secs(20);

    fn stage(run: impl FnOnce() -> Result<(), EdgeError> + Send + 'static) -> NamedStage {
        NamedStage { name: "normalize", run: Box::new(run) }
    }

    #[tokio::test]
    async fn a_stage_that_panics_is_told_by_its_name() {
        let (ended, mut ends) = mpsc::channel(1);
        let thread = start(stage(|| panic!("on purpose")), ended).expect("a thread");
        let end = tokio::time::timeout(WAIT, ends.recv()).await.expect("the end is told in time");
        assert_eq!(end, Some(("normalize", Err("it panicked".to_owned()))));
        let schedule = Schedule::from(Instant::now());
        let error = join(vec![thread], &CancellationToken::new(), schedule).await.expect_err("it panicked");
        assert!(error.to_string().contains("normalize"), "{error}");
    }

    #[tokio::test]
    async fn stages_that_do_not_end_are_told_to_give_up_then_left_behind() {
        let (_held, gate) = crossbeam_channel::bounded::<()>(0);
        let (ended, _ends) = mpsc::channel(1);
        let hangs = stage(move || {
            let _ = gate.recv();
            Ok(())
        });
        let thread = start(hangs, ended).expect("a thread");
        let (give_up, now) = (CancellationToken::new(), Instant::now());
        let schedule = Schedule { stages: now, given_up: now, ..Schedule::from(now) };
        let joined = tokio::time::timeout(WAIT, join(vec![thread], &give_up, schedule)).await;
        let error = joined.expect("it does not wait for a thread that hangs").expect_err("the stage did not end");
        assert!(give_up.is_cancelled() && error.to_string().contains("raw log"), "{error}");
    }

    #[test]
    fn every_step_of_the_end_is_within_ten_seconds() {
        let start = Instant::now();
        let Schedule { linger, requests, stages, given_up, last } = Schedule::from(start);
        assert!(start < linger && linger < requests && requests < stages && stages < given_up && given_up < last);
        assert!(last - start <= Duration::from_secs(9));
    }
}

//! Reading a topic of state: first all that is there, then what comes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;
use whittle_bus::Frame;
use whittle_kafka::{Follower, KafkaBus};

/// Time for all that is there.
const REPLAY: Duration = Duration::from_secs(120);
/// Pace of looks at whether the program ends.
const LOOK: Duration = Duration::from_millis(200);

/// Gives all that a topic holds to `apply`, then goes on with what comes, on a thread, until the `stop`.
pub(super) fn follow(
    bus: &KafkaBus,
    topic: &'static str,
    stop: &CancellationToken,
    mut replay: impl FnMut(&Frame),
    mut apply: impl FnMut(Frame) + Send + 'static,
) -> anyhow::Result<()> {
    let mut follower = bus.follow(topic)?;
    read_all(&mut follower, topic, stop, |frame| replay(&frame))?;
    let stop = stop.clone();
    let body = move || {
        while !stop.is_cancelled() {
            match follower.poll(LOOK) {
                Ok(frames) => frames.into_iter().for_each(&mut apply),
                Err(error) => tracing::warn!(%error, topic, "the topic of shared state cannot be read"),
            }
        }
    };
    std::thread::Builder::new().name(format!("follow-{topic}")).spawn(body).context("no thread to follow a topic")?;
    Ok(())
}

/// Reads up to where a topic ends now.
pub(super) fn read_all(
    follower: &mut Follower,
    topic: &str,
    stop: &CancellationToken,
    mut apply: impl FnMut(Frame),
) -> anyhow::Result<()> {
    let ends = follower.ends()?;
    let until = Instant::now() + REPLAY;
    while !follower.has_seen(&ends) {
        if stop.is_cancelled() {
            bail!("the program ends before it has read {topic}");
        }
        if Instant::now() > until {
            bail!("{topic} could not be read within {} s; look at the brokers", REPLAY.as_secs());
        }
        follower.poll(LOOK)?.into_iter().for_each(&mut apply);
    }
    Ok(())
}

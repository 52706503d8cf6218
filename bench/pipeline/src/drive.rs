//! Clients that send what was made before, as fast as they are answered or at a rate.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use whittle_testkit::{Connection, Response};

use crate::latency::Latencies;

/// Time for an answer.
const ANSWER: Duration = Duration::from_secs(60);

/// What became of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Times of the answers that were 202.
    pub acked: Latencies,
    /// Times of the refusals.
    pub refused: Latencies,
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Wall seconds of the whole.
    pub seconds: f64,
}

impl Outcome {
    fn add(&mut self, status: u16, time: Duration) {
        *self.statuses.entry(status).or_default() += 1;
        if status == 202 { &mut self.acked } else { &mut self.refused }.add(time);
    }

    fn merge(&mut self, other: Outcome) {
        self.acked.extend(other.acked);
        self.refused.extend(other.refused);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// Fails when not every answer was 202.
    pub fn all_taken(self) -> anyhow::Result<Outcome> {
        anyhow::ensure!(self.refused.len() == 0, "not every request was taken: {:?}", self.statuses);
        Ok(self)
    }
}

/// When a client sends its requests.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// The next one as soon as the last one is answered, until all are sent.
    Once,
    /// The same, from the start again and again, for a time.
    For(Duration),
    /// So many a second over all clients, for a time; what is not sent by then is not sent any more. A client that is late
    /// sends at once, and its time counts from when it should have sent.
    Rate(f64, Duration),
}

/// Bytes to be sent.
pub trait Request: Sync {
    /// Sends them and reads the answer.
    fn send(&self, connection: &mut Connection, response: &mut Response) -> std::io::Result<()>;
}

impl Request for Vec<u8> {
    fn send(&self, connection: &mut Connection, response: &mut Response) -> std::io::Result<()> {
        connection.exchange(self, response)
    }
}

/// A head that asks for the go-ahead, and the body.
impl Request for (Vec<u8>, Vec<u8>) {
    fn send(&self, connection: &mut Connection, response: &mut Response) -> std::io::Result<()> {
        connection.exchange_asking(&self.0, &self.1, response)
    }
}

/// Sends `requests` over `clients` connections.
///
/// # Errors
/// A connection breaks.
pub fn run(address: SocketAddr, requests: &[impl Request], clients: usize, pace: Pace) -> anyhow::Result<Outcome> {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let all = Mutex::new(Outcome::default());
    std::thread::scope(|scope| {
        let client = |_| {
            scope.spawn(|| {
                let outcome = one_client(address, requests, &next, started, pace)?;
                all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(outcome);
                anyhow::Ok(())
            })
        };
        let clients: Vec<_> = (0..clients).map(client).collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| anyhow::bail!("a client panicked")))
    })?;
    let mut all = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.seconds = started.elapsed().as_secs_f64();
    Ok(all)
}

fn one_client(
    address: SocketAddr,
    requests: &[impl Request],
    next: &AtomicUsize,
    started: Instant,
    pace: Pace,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut connection = Connection::open(address, ANSWER).with_context(|| format!("cannot connect to {address}"))?;
    let mut response = Response::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let since = match pace {
            Pace::Once if number >= requests.len() => return Ok(outcome),
            Pace::For(span) if started.elapsed() >= span => return Ok(outcome),
            Pace::Once | Pace::For(_) => Instant::now(),
            Pace::Rate(rate, span) => {
                let due = Duration::from_secs_f64(number as f64 / rate);
                if due >= span {
                    return Ok(outcome);
                }
                let due = started + due;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if started.elapsed() >= span {
                    return Ok(outcome);
                }
                // A sleep ends some 0.05 ms late: that is the client's, not the server's.
                if due + Duration::from_millis(2) > Instant::now() { Instant::now() } else { due }
            }
        };
        requests[number % requests.len()].send(&mut connection, &mut response)?;
        outcome.add(response.status, since.elapsed());
    }
}

//! Numbered load: clients that send until told to stop, or until the server is gone.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use fastrand::Rng;

use crate::error::{KitError, Result};
use crate::http::{Connection, Response};
use crate::numbered::Numbered;
use crate::oracle::{Fate, Oracle};

/// Most records of a request. Small: a kill should meet many requests.
const MOST_RECORDS: u64 = 12;
/// Time for an answer; longer means that something hangs.
const ANSWER: Duration = Duration::from_secs(30);

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Oracle>>,
}

impl Load {
    /// Starts `clients` clients. Numbers come from `next`, so that no two requests share one.
    pub fn start(address: SocketAddr, clients: u64, next: &Arc<AtomicU64>, seed: u64) -> Load {
        let (stop, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let client = |i| {
            let client = Client {
                address,
                next: next.clone(),
                stop: stop.clone(),
                acknowledged: acknowledged.clone(),
                rng: Rng::with_seed(seed.wrapping_mul(31).wrapping_add(i)),
            };
            std::thread::spawn(move || client.run())
        };
        Load { clients: (0..clients).map(client).collect(), stop, acknowledged }
    }

    /// Records acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Stops the clients after the answers that they wait for, and says what became of their requests.
    ///
    /// # Errors
    /// A client panicked.
    pub fn finish(self) -> Result<Oracle> {
        self.stop.store(true, Ordering::Relaxed);
        let mut oracle = Oracle::default();
        for client in self.clients {
            oracle.extend(client.join().map_err(|_| KitError("a client of the load panicked".into()))?);
        }
        Ok(oracle)
    }
}

struct Client {
    address: SocketAddr,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    rng: Rng,
}

impl Client {
    fn run(mut self) -> Oracle {
        let mut oracle = Oracle::default();
        let Ok(mut connection) = Connection::open(self.address, ANSWER) else { return oracle };
        let mut response = Response::default();
        while !self.stop.load(Ordering::Relaxed) {
            let count = self.rng.u64(1..=MOST_RECORDS);
            let first = self.next.fetch_add(count, Ordering::Relaxed);
            let numbers = first..first + count;
            let sent = connection.exchange(&request(numbers.clone()), &mut response);
            let fate = if sent.is_ok() { Fate::of(response.status) } else { Fate::Unknown };
            if fate == Fate::Acknowledged {
                self.acknowledged.fetch_add(count, Ordering::Relaxed);
            }
            oracle.note(numbers, fate);
            if sent.is_err() {
                break;
            }
        }
        oracle
    }
}

/// A request with these records: one alone as an object, several as NDJSON or as an array.
pub fn request(numbers: Range<u64>) -> Vec<u8> {
    let mut records = numbers.clone().map(|number| Numbered::new(number).to_json().to_string());
    let (kind, body) = match numbers.end - numbers.start {
        1 => ("application/json", records.next().unwrap_or_default()),
        n if n % 2 == 0 => ("application/json", format!("[{}]", records.collect::<Vec<_>>().join(","))),
        _ => ("application/x-ndjson", records.collect::<Vec<_>>().join("\n")),
    };
    Connection::render("POST", "/ingest", &[("content-type", kind)], body.as_bytes())
}

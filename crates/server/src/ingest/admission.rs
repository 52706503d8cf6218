//! Who gets in: limits that are looked at before a body is read.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::Refusal;

/// Clients remembered by the rate limiter before the idle ones are forgotten.
const MAX_CLIENTS: usize = 100_000;

/// The bounds of [`Admission`].
#[derive(Debug, Clone, Copy)]
pub struct AdmissionLimits {
    /// Bytes of bodies held at once.
    pub inflight_bytes: usize,
    /// Requests a second and client; 0 is no limit.
    pub requests_per_second: u32,
    /// Large or packed bodies that are decoded and parsed at once; more wait.
    pub parses: usize,
}

/// Counts the bytes of all requests under way, and the requests of each client.
pub struct Admission {
    memory: Arc<Memory>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    parses: Arc<Semaphore>,
}

/// The memory that requests share.
#[derive(Debug)]
struct Memory {
    limit: usize,
    inflight: AtomicUsize,
    /// Whether a request was let beyond the limit. One may: a body as large as its own cap allows would else never get
    /// through beside others. So the limit and one request are the most that is held.
    beyond: AtomicBool,
}

/// Bytes counted for one request, given back when it ends.
#[derive(Debug)]
pub struct Reserved {
    memory: Arc<Memory>,
    bytes: usize,
    beyond: bool,
}

impl Admission {
    /// An admission with nothing under way.
    pub fn new(limits: AdmissionLimits) -> Self {
        let quota = NonZeroU32::new(limits.requests_per_second).map(Quota::per_second);
        let inflight = AtomicUsize::new(0);
        let memory = Memory { limit: limits.inflight_bytes, inflight, beyond: AtomicBool::new(false) };
        Admission {
            memory: Arc::new(memory),
            rate: quota.map(RateLimiter::keyed),
            parses: Arc::new(Semaphore::new(limits.parses.clamp(1, Semaphore::MAX_PERMITS))),
        }
    }

    /// Counts a request of a client.
    ///
    /// # Errors
    /// 429 `rate_limited` when this client sends too often.
    pub fn check_rate(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        let (Some(rate), Some(client)) = (&self.rate, client) else { return Ok(()) };
        if rate.len() > MAX_CLIENTS {
            rate.retain_recent();
        }
        rate.check_key(&client).map_err(|_| Refusal::rate_limited("too many requests a second from this address"))
    }

    /// Lets a request in that declares so many bytes. Only what arrives is counted, so that those who declare much and
    /// send nothing keep nobody out.
    ///
    /// # Errors
    /// 429 `overloaded` when they do not fit beside what has arrived of other requests.
    pub fn admit(&self, declared: usize) -> Result<Reserved, Refusal> {
        let inflight = self.inflight();
        // One request alone always fits: its own cap bounds it.
        if inflight > 0 && inflight.saturating_add(declared) > self.memory.limit {
            return Err(full());
        }
        Ok(Reserved { memory: self.memory.clone(), bytes: 0, beyond: false })
    }

    /// Waits for a turn to parse off the threads that serve connections; it ends with the permit.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.parses.clone().acquire_owned().await.ok()
    }

    /// Bytes of the requests under way.
    pub fn inflight(&self) -> usize {
        self.memory.inflight.load(Ordering::Relaxed)
    }
}

fn full() -> Refusal {
    Refusal::overloaded("requests under way fill the memory set aside for them")
}

impl Reserved {
    /// Counts bytes before memory is taken for them.
    ///
    /// # Errors
    /// 429 `overloaded` when they do not fit beside other requests; then nothing more is counted.
    pub fn try_grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Memory { limit, inflight, beyond } = &*self.memory;
        let fits = |before: usize| before.checked_add(bytes).filter(|after| after <= limit);
        let counted = !self.beyond && inflight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if !counted {
            if !self.beyond && beyond.swap(true, Ordering::Relaxed) {
                return Err(full());
            }
            self.beyond = true;
            inflight.fetch_add(bytes, Ordering::Relaxed);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Counts exactly `bytes` from now on.
    ///
    /// # Errors
    /// As [`Reserved::try_grow`].
    pub fn settle(&mut self, bytes: usize) -> Result<(), Refusal> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.try_grow(more),
            None => {
                self.memory.inflight.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
                self.bytes = bytes;
                Ok(())
            }
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.memory.inflight.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.beyond {
            self.memory.beyond.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(inflight_bytes: usize) -> Admission {
        Admission::new(AdmissionLimits { inflight_bytes, requests_per_second: 0, parses: 2 })
    }

    #[test]
    fn what_is_declared_keeps_nobody_out_until_it_arrives() {
        let admission = admission(100);
        let mut idle: Vec<_> = (0..50).map(|_| admission.admit(100).expect("nothing has arrived")).collect();
        assert_eq!(admission.inflight(), 0);
        idle[0].try_grow(60).expect("the first bytes fit");
        assert_eq!(admission.admit(41).map(|_| ()).map_err(|refusal| refusal.word), Err("overloaded"));
        assert!(admission.admit(40).is_ok());
        drop(idle);
        assert_eq!(admission.inflight(), 0);
    }

    #[test]
    fn no_more_than_the_limit_and_one_request_is_held() {
        let admission = admission(100);
        let mut held: Vec<_> = (0..10).map(|_| admission.admit(10).expect("nothing has arrived")).collect();
        let grown = held.iter_mut().filter_map(|request| request.try_grow(40).ok()).count();
        assert_eq!((grown, admission.inflight()), (3, 120), "two within the limit, and one beyond it");
        held[2].try_grow(500).expect("the one that is beyond may go on");
        assert!(held[0].try_grow(1).is_err());
        held.remove(2);
        assert_eq!(admission.inflight(), 80);
        held[0].try_grow(200).expect("another may go beyond now");
        held[0].settle(5).expect("less always fits");
        assert_eq!(admission.inflight(), 45);
    }

    #[tokio::test]
    async fn parses_take_turns() {
        let admission = admission(1);
        let first = admission.turn().await;
        let _second = admission.turn().await;
        assert!(futures_util::FutureExt::now_or_never(admission.turn()).is_none(), "two at once are the most");
        drop(first);
        assert!(admission.turn().await.is_some());
    }
}

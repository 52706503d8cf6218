//! Who gets in: limits that are looked at before a body is read.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

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
}

/// Counts the bytes of all requests under way, and the requests of each client.
pub struct Admission {
    limit: usize,
    inflight: Arc<AtomicUsize>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

/// Bytes counted for one request, given back when it ends.
#[derive(Debug)]
pub struct Reserved {
    inflight: Arc<AtomicUsize>,
    bytes: usize,
}

impl Admission {
    /// An admission with nothing under way.
    pub fn new(limits: AdmissionLimits) -> Self {
        let quota = NonZeroU32::new(limits.requests_per_second).map(Quota::per_second);
        Admission { limit: limits.inflight_bytes, inflight: Arc::default(), rate: quota.map(RateLimiter::keyed) }
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

    /// Takes in the first bytes of a request: what it declares, or what has come.
    ///
    /// # Errors
    /// 429 `overloaded` when requests under way fill the memory that they may.
    pub fn reserve(&self, bytes: usize) -> Result<Reserved, Refusal> {
        let mut reserved = Reserved { inflight: self.inflight.clone(), bytes: 0 };
        // One request alone always fits: its own cap bounds it.
        let before = self.inflight.load(Ordering::Relaxed);
        if before > 0 && before + bytes > self.limit {
            return Err(Refusal::overloaded("requests under way fill the memory set aside for them"));
        }
        reserved.grow(bytes);
        Ok(reserved)
    }

    /// Bytes of the requests under way.
    pub fn inflight(&self) -> usize {
        self.inflight.load(Ordering::Relaxed)
    }
}

impl Reserved {
    /// Counts more bytes: the body turned out larger than it had declared.
    pub fn grow(&mut self, bytes: usize) {
        self.inflight.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// Bytes counted so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts up to `bytes` in all.
    pub fn raise_to(&mut self, bytes: usize) {
        self.grow(bytes.saturating_sub(self.bytes));
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.inflight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

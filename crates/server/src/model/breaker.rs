//! Stops calls to a server that does not answer, and for good to one that refuses the key.

/// Failures in a row that open it.
const FAILURES: u32 = 5;

/// What the breaker lets through. Times are milliseconds of any clock that does not go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Calls are made; so many failed in a row.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// No calls until then.
    Open {
        /// When one call is tried.
        until: u64,
    },
    /// One call is being tried.
    Trying,
    /// No calls until the configuration changes.
    Locked {
        /// The status that said so.
        status: u16,
    },
}

impl Breaker {
    pub(super) fn new() -> Self {
        Breaker::Closed { failures: 0 }
    }

    /// Whether a call may be made now.
    pub(super) fn allows(&self, now: u64) -> bool {
        match self {
            Breaker::Closed { .. } => true,
            Breaker::Open { until } => now >= *until,
            Breaker::Trying | Breaker::Locked { .. } => false,
        }
    }

    /// A call begins.
    pub(super) fn begin(&mut self) {
        if matches!(self, Breaker::Open { .. }) {
            *self = Breaker::Trying;
        }
    }

    /// A call got an answer.
    pub(super) fn success(&mut self) {
        if !matches!(self, Breaker::Locked { .. }) {
            *self = Breaker::new();
        }
    }

    /// A call got none.
    pub(super) fn failure(&mut self, now: u64, open_for: u64) {
        *self = match *self {
            Breaker::Closed { failures } if failures + 1 < FAILURES => Breaker::Closed { failures: failures + 1 },
            Breaker::Locked { status } => Breaker::Locked { status },
            Breaker::Closed { .. } | Breaker::Open { .. } | Breaker::Trying => Breaker::Open { until: now + open_for },
        };
    }

    /// A call that was begun was not made after all.
    pub(super) fn unmade(&mut self, now: u64) {
        if *self == Breaker::Trying {
            *self = Breaker::Open { until: now };
        }
    }

    /// The server asked for a pause.
    pub(super) fn pause(&mut self, until: u64) {
        if !matches!(self, Breaker::Locked { .. }) {
            *self = Breaker::Open { until };
        }
    }

    /// The server refuses the key.
    pub(super) fn lock(&mut self, status: u16) {
        *self = Breaker::Locked { status };
    }

    /// When it lets a call through, if it does not now.
    pub(super) fn opens_at(&self, now: u64) -> Option<u64> {
        match self {
            Breaker::Open { until } if *until > now => Some(*until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_and_one_call_is_tried() {
        let mut breaker = Breaker::new();
        for _ in 0..4 {
            breaker.failure(10, 100);
            assert!(breaker.allows(10));
        }
        breaker.failure(10, 100);
        assert!(!breaker.allows(109));
        assert_eq!(breaker.opens_at(10), Some(110));
        assert!(breaker.allows(110));
        breaker.begin();
        assert!(!breaker.allows(1_000), "one call at a time is tried");
        breaker.failure(120, 100);
        assert!(!breaker.allows(219));
        breaker.begin();
        breaker.unmade(220);
        assert!(breaker.allows(220), "a call that was not made says nothing");
        breaker.begin();
        breaker.success();
        assert_eq!(breaker, Breaker::new());
    }

    #[test]
    fn a_success_between_failures_starts_anew() {
        let mut breaker = Breaker::new();
        for _ in 0..20 {
            breaker.failure(0, 100);
            breaker.failure(0, 100);
            breaker.success();
        }
        assert!(breaker.allows(0));
    }

    #[test]
    fn a_refused_key_locks_it() {
        let mut breaker = Breaker::new();
        breaker.lock(401);
        breaker.success();
        breaker.pause(5);
        breaker.failure(0, 1);
        assert!(!breaker.allows(u64::MAX));
        assert_eq!(breaker.opens_at(0), None);
    }
}

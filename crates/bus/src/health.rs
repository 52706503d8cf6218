//! Whether the bus takes entries, and why not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Set by the writer when it cannot go on, cleared by it when it can again; read by every producer.
#[derive(Debug, Default)]
pub(crate) struct Health {
    refusing: AtomicBool,
    reason: Mutex<String>,
}

impl Health {
    /// The reason why nothing is taken.
    pub fn refusing(&self) -> Option<String> {
        if !self.refusing.load(Ordering::Acquire) {
            return None;
        }
        Some(self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Whether nothing is taken.
    pub fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Acquire)
    }

    /// Refuses from now on.
    pub fn refuse(&self, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        if !self.refusing.swap(true, Ordering::AcqRel) {
            tracing::warn!(reason, "the bus refuses new entries; it tries again by itself");
        }
    }

    /// Takes entries again.
    pub fn resume(&self) {
        if self.refusing.swap(false, Ordering::AcqRel) {
            tracing::info!("the bus takes entries again");
        }
    }
}

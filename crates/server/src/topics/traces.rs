//! Which trace a record belongs to, on its way past a stage: batches don't carry it, since few records have one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Records whose trace is remembered between inlet and outlet; more are as many as a stage holds at once.
const MOST: usize = 65_536;

/// Traces by partition and offset in `logs.raw`. Shared by a stage's inlet and outlet.
#[derive(Debug, Clone, Default)]
pub struct Traces(Arc<Mutex<HashMap<(u32, u64), Bytes>>>);

impl Traces {
    /// Remembers a record's trace.
    pub fn put(&self, partition: u32, offset: u64, trace: Bytes) {
        let mut traces = self.lock();
        if traces.len() >= MOST {
            // Those of records that never came to the outlet.
            traces.clear();
        }
        traces.insert((partition, offset), trace);
    }

    /// The record's trace, if it has one; it stays, for the record may be sent again.
    pub fn get(&self, partition: u32, offset: u64) -> Option<Bytes> {
        let traces = self.lock();
        if traces.is_empty() { None } else { traces.get(&(partition, offset)).cloned() }
    }

    /// Nothing that was remembered is under way any more.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(u32, u64), Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

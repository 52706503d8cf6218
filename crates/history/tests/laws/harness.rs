//! What the laws need of a history, so that every implementation runs the same ones.

use std::sync::{Arc, Mutex, PoisonError};

use whittle_history::{Checkpoint, Positions, Reader, Writer};
use whittle_patterns::Catalog;

/// A running history.
pub struct Open {
    pub checkpoint: Checkpoint,
    pub reader: Arc<dyn Reader>,
    pub writer: Box<dyn Writer>,
    /// What `on_durable` said last.
    pub durable: Arc<Mutex<Positions>>,
}

impl Open {
    pub fn durable(&self) -> Positions {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One history that can be opened, closed and opened again, with a clock that is turned by hand.
pub trait Harness {
    /// Opens it. What was opened before must be dropped.
    fn open(&mut self, catalog: Catalog) -> Open;
    /// Does what is otherwise done in the background: merges, and drops what is too old or too much.
    fn tidy(&mut self);
    /// Sets the clock.
    fn set_now(&mut self, micros: i64);
}

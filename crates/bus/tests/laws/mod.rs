//! What every bus must do, whatever it is made of. Another implementation passes by writing a [`Harness`] and running
//! [`check`] on it.

mod appending;
mod groups;
pub mod hands;
mod reading;
mod surviving;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use whittle_bus::Bus;

/// How long anything may take that is to happen soon. Only a bus that is broken takes so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Makes buses for the laws.
pub trait Harness {
    /// A bus in which no topic of the laws is known yet.
    fn fresh(&mut self) -> Arc<dyn Bus>;

    /// Closes the bus cleanly and opens it again. The one before is no longer used.
    fn reopen(&mut self) -> Arc<dyn Bus>;

    /// Ends the bus as `kill -9` would, and starts it again. The one before is no longer used.
    fn kill(&mut self) -> Arc<dyn Bus>;

    /// Whether an entry may have more than one record.
    fn takes_many(&self) -> bool {
        true
    }

    /// Bytes that an entry may have.
    fn max_entry(&self) -> usize;
}

type Law = (&'static str, fn(&mut dyn Harness));

/// Runs all laws, each on a bus of its own; panics with the names of those that were broken.
pub fn check(harness: &mut dyn Harness) {
    let laws: Vec<Law> = [appending::LAWS, reading::LAWS, groups::LAWS, surviving::LAWS].concat();
    let broken: Vec<&str> = laws
        .iter()
        .filter(|(name, law)| {
            let broken = catch_unwind(AssertUnwindSafe(|| law(harness))).is_err();
            if broken {
                eprintln!("broken: {name}");
            }
            broken
        })
        .map(|(name, _)| *name)
        .collect();
    assert!(broken.is_empty(), "laws that do not hold: {broken:?}");
}

//! Waiting for what must happen soon: bounded, and with the reason when it does not.

use std::time::{Duration, Instant};

use crate::error::{KitError, Result};

/// Time between two looks. Short beside everything that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// Looks until there is something, for at most `limit`.
///
/// # Errors
/// `what` did not happen in time.
pub fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> Result<T> {
    until_or(what, limit, look, || None)
}

/// The same, ended early by a reason why it cannot happen any more.
///
/// # Errors
/// `what` did not happen in time, or cannot happen.
pub fn until_or<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
    mut hopeless: impl FnMut() -> Option<String>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if let Some(reason) = hopeless() {
            return Err(KitError(format!("waited for {what}: {reason}")));
        }
        if started.elapsed() > limit {
            return Err(KitError(format!("waited {} s for {what}", limit.as_secs_f64())));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

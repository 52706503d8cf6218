//! Records of a request as messages of their own, where other programs read `logs.raw`: answered once all of them are durable.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use whittle_bus::{Bus, Position, ProduceError};
use whittle_domain::RawBatch;

use super::admission::Reserved;
use super::frame::Envelope;
use crate::topics;

/// Who waits for the answer, and what is held until then.
type Waiting = (oneshot::Sender<Result<(), ProduceError>>, Reserved);

/// What all records of a request wait for together.
struct Together {
    left: AtomicUsize,
    taken: AtomicUsize,
    failed: Mutex<Option<ProduceError>>,
    last: Mutex<Option<Waiting>>,
}

impl Together {
    fn told(&self, result: Result<Position, ProduceError>) {
        match result {
            Ok(_) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((answer, reserved)) = last {
            drop(reserved);
            // Nobody listens any more when the client is gone.
            let _ = answer.send(failed.map_or(Ok(()), |error| Err(self.as_a_whole(error))));
        }
    }

    /// Of a request of which a part is there it is not known what became of the rest.
    fn as_a_whole(&self, error: ProduceError) -> ProduceError {
        match error {
            ProduceError::Busy | ProduceError::TooLarge(_) if self.taken.load(Ordering::Relaxed) > 0 => {
                ProduceError::Unavailable(format!("some records were taken, and some not: {error}"))
            }
            error => error,
        }
    }
}

/// Sends each record. What comes back is told once all have their answer; until then what was reserved for them is held.
pub(super) fn produce(
    bus: &dyn Bus,
    topic: &str,
    raw: &RawBatch,
    envelope: &Envelope,
    reserved: Reserved,
) -> oneshot::Receiver<Result<(), ProduceError>> {
    let (answer, answered) = oneshot::channel();
    let entries = topics::entries(raw, envelope);
    let together = Arc::new(Together {
        left: AtomicUsize::new(entries.len()),
        taken: AtomicUsize::new(0),
        failed: Mutex::new(None),
        last: Mutex::new(Some((answer, reserved))),
    });
    for entry in entries {
        let together = together.clone();
        bus.produce(topic, entry, Box::new(move |result| together.told(result)));
    }
    answered
}

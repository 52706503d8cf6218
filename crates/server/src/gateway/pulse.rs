//! When clients wake: news are gathered for some milliseconds, so that a thousand lines are one wake-up, not a thousand; and once
//! a second there are numbers.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use super::ring::Ring;
use super::tally::Tally;
use super::{Gateway, Side, messages};

/// Plain clients for each of which the pulse gets slower, up to [`SLOWEST`] times.
const PLAIN: usize = 256;
const SLOWEST: usize = 4;
/// The longest that a client waits without a look at how full the ring is.
const LOOK: Duration = Duration::from_millis(100);
/// Seconds without numbers that are made up for at once, after the machine slept or stood still.
const MADE_UP: u64 = 60;

/// Beats until the gateway stops.
pub(super) async fn beat(gateway: &Gateway) {
    let mut seconds = Seconds::new(since_epoch().as_secs());
    let mut stopped = std::pin::pin!(gateway.stop.cancelled());
    loop {
        let now = since_epoch();
        let rest = Duration::from_secs(1).saturating_sub(Duration::from_nanos(u64::from(now.subsec_nanos())));
        tokio::select! {
            () = &mut stopped => return,
            () = gateway.news.notified() => gather(gateway, &mut seconds).await,
            () = tokio::time::sleep(rest) => seconds.turn(gateway, since_epoch().as_secs()),
        }
    }
}

async fn gather(gateway: &Gateway, seconds: &mut Seconds) {
    let slower = 1 + (gateway.roster.plain() / PLAIN).min(SLOWEST - 1);
    tokio::time::sleep(Duration::from_millis(gateway.settings.pulse_ms) * slower as u32).await;
    gateway.rest();
    seconds.follow(gateway);
    gateway.pulse.send_replace(gateway.ring.head());
}

/// The wall clock.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Numbers by second, while anyone wants them.
#[derive(Debug)]
struct Seconds {
    /// The second that is being counted.
    current: u64,
    counting: bool,
    tally: Tally,
}

impl Seconds {
    fn new(now: u64) -> Self {
        Seconds { current: now, counting: false, tally: Tally::default() }
    }

    fn follow(&mut self, gateway: &Gateway) {
        if self.counting {
            gateway.metrics.uncounted.inc_by(self.tally.follow(&gateway.ring));
        }
    }

    /// Tells of the seconds that are over. A second during which counting began is not told: it would be too low.
    fn turn(&mut self, gateway: &Gateway, now: u64) {
        gateway.metrics.lag.set(i64::try_from(gateway.roster.lag(gateway.ring.head())).unwrap_or(i64::MAX));
        if now == self.current {
            return;
        }
        self.follow(gateway);
        // A clock that was set back starts anew.
        if self.counting && now > self.current {
            for second in self.current..now.min(self.current + MADE_UP) {
                let text = messages::second(&self.tally.take(second));
                // Nobody listening is nobody to tell.
                let _ = gateway.side.send(Side::Second(Arc::from(text)));
            }
        }
        self.current = now;
        let wanted = gateway.roster.is_metered();
        if wanted && !self.counting {
            self.tally.restart(gateway.ring.head());
        }
        self.counting = wanted;
    }
}

/// When one client wakes for events: at each pulse, or at ticks that all clients with the same `batchMs` share.
#[derive(Debug)]
pub(super) struct Wake {
    pulse: watch::Receiver<u64>,
    /// None: at each pulse.
    batch: Option<Duration>,
    /// The instant from which ticks are counted.
    born: Instant,
    /// The next tick; none while nothing comes.
    due: Option<Instant>,
    /// The last tick.
    woke: Instant,
}

impl Wake {
    pub fn new(pulse: watch::Receiver<u64>, born: Instant) -> Self {
        Wake { pulse, batch: None, born, due: None, woke: born }
    }

    /// Wakes every `batch_ms` milliseconds from now on, when there is anything.
    pub fn set_batch(&mut self, batch_ms: Option<u16>) {
        self.batch = batch_ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(u64::from(ms)));
        self.due = None;
    }

    /// Waits until a client that stands at `cursor` may go on; returns up to where. Nothing is lost when the future is dropped.
    pub async fn next(&mut self, ring: &Ring, cursor: u64) -> u64 {
        let Some(batch) = self.batch else {
            self.news().await;
            return *self.pulse.borrow_and_update();
        };
        loop {
            let Some(due) = self.due else {
                self.news().await;
                self.due = Some(self.tick_after(Instant::now(), batch));
                continue;
            };
            let now = Instant::now();
            let head = ring.head();
            let due = self.due_for(due, cursor, ring.tail()..head);
            if now < due {
                tokio::time::sleep_until(due.min(now + LOOK)).await;
                continue;
            }
            self.woke = now;
            self.due = (head > cursor).then(|| self.tick_after(now, batch));
            if head > cursor {
                return head;
            }
        }
    }

    /// A long wait ends early when half of the room is used up; but not at once again.
    fn due_for(&self, due: Instant, cursor: u64, held: Range<u64>) -> Instant {
        let crowded = held.start > 0 && cursor < held.start + (held.end - held.start) / 2;
        if crowded { due.min(self.woke + LOOK) } else { due }
    }

    async fn news(&mut self) {
        if self.pulse.changed().await.is_err() {
            // The gateway is gone; its stop ends this client.
            std::future::pending::<()>().await;
        }
    }

    fn tick_after(&self, now: Instant, batch: Duration) -> Instant {
        let ticks = now.saturating_duration_since(self.born).as_nanos() / batch.as_nanos().max(1) + 1;
        self.born + batch * u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_ends_before_the_ring_is_through() {
        let born = Instant::now();
        let (_sender, pulse) = watch::channel(0);
        let mut wake = Wake::new(pulse, born);
        wake.set_batch(Some(1000));
        let due = wake.tick_after(born + Duration::from_millis(1300), Duration::from_secs(1));
        assert_eq!(due, born + Duration::from_secs(2), "ticks are the same for all clients");
        assert_eq!(wake.due_for(due, 0, 0..1000), due, "nothing falls out of a ring that is not full");
        assert_eq!(wake.due_for(due, 5600, 5000..6000), due);
        assert_eq!(wake.due_for(due, 5400, 5000..6000), born + LOOK);
    }
}

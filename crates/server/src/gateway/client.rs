//! One client: its connection, its subscription, its place in the stream.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;
use tungstenite::protocol::frame::coding::CloseCode;

use super::link::{Event, Link};
use super::pulse::Wake;
use super::ring::Heads;
use super::roster::Seat;
use super::subscribe::Subscription;
use super::upgrade::Arrival;
use super::walk::{Taken, Walk};
use super::{Gateway, Side, messages, wire};

/// Between two looks at whether the client is alive and keeps up.
const CHECK: Duration = Duration::from_secs(1);
/// After a message of the client nothing is read for so long: it cannot keep the gateway busy with subscriptions.
const PAUSE: Duration = Duration::from_millis(10);

/// Why a client's task ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With a word of goodbye.
    Close(CloseCode, &'static str),
    /// The connection is gone, or not worth a word.
    Drop,
}

/// What the client opted into beside events.
#[derive(Debug, Clone, Copy, Default)]
struct Extras {
    metrics: bool,
    insights: bool,
    drops: bool,
}

/// What is to be done before the next wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Todo {
    Wait,
    GoOn,
}

/// A connected client.
pub(super) struct Client<S> {
    gateway: Arc<Gateway>,
    link: Link<S>,
    seat: Seat,
    walk: Walk,
    wake: Wake,
    side: Option<broadcast::Receiver<Side>>,
    extras: Extras,
    /// Events lost and not yet told, by `whittle.dropped` and by `whittle.metrics`.
    untold: (u64, u64),
    pinged: Instant,
    listen_from: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Serves a client until it goes, is let go, or the gateway stops.
    pub async fn serve(gateway: Arc<Gateway>, link: Link<S>, arrival: Arrival) {
        let Arrival { mut seat, pulse, position, wish } = arrival;
        let now = Instant::now();
        let walk = Walk::new(&gateway, Default::default(), None, position.0, now);
        seat.note_wishes(true, false);
        let mut client = Client {
            wake: Wake::new(pulse, gateway.born),
            gateway,
            link,
            seat,
            walk,
            side: None,
            extras: Extras::default(),
            untold: (0, 0),
            pinged: now,
            listen_from: now,
        };
        match wish {
            Ok(None) => {}
            Ok(Some(subscription)) => client.subscribe(subscription, position),
            Err(error) => client.link.send(messages::error(&error)),
        }
        let end = client.turn().await;
        client.count();
        match end {
            End::Close(code, reason) => client.link.close(code, reason).await,
            End::Drop => {}
        }
    }

    /// Reads, writes and waits until there is a reason to end.
    async fn turn(&mut self) -> End {
        let gateway = self.gateway.clone();
        let mut stopped = std::pin::pin!(gateway.stop.cancelled());
        let mut check = tokio::time::interval(CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let now = Instant::now();
            let todo = self.fill(now);
            let (idle, listen) = (self.link.is_idle(), now >= self.listen_from);
            // Who wants no events is not woken for any.
            let cursor = self.walk.place();
            let waiting = idle && todo == Todo::Wait && cursor < u64::MAX;
            tokio::select! {
                biased;
                () = &mut stopped => return End::Close(CloseCode::Away, "the server is stopping"),
                event = self.link.next(listen) => {
                    if let Some(end) = self.happened(event) {
                        return end;
                    }
                }
                _ = check.tick() => {
                    if let Some(end) = self.check() {
                        return end;
                    }
                }
                side = next(&mut self.side), if self.link.has_room() => self.tell(side),
                () = tokio::time::sleep_until(self.listen_from), if !listen => {}
                () = tokio::task::yield_now(), if todo == Todo::GoOn => {}
                goal = self.wake.next(&gateway.ring, cursor), if waiting => self.walk.aim(goal),
            }
        }
    }

    /// Gives the connection something to write, when it has nothing.
    fn fill(&mut self, now: Instant) -> Todo {
        if !self.link.is_idle() {
            return Todo::Wait;
        }
        let taken = self.walk.take(&self.gateway, now);
        self.seat.note_place(self.walk.place());
        self.count();
        self.tell_dropped();
        match taken {
            Taken::Frames { bytes, events, received_at } => {
                self.link.send(bytes);
                self.gateway.metrics.sent.inc_by(events);
                self.gateway.metrics.delay_seconds.observe(seconds_since(received_at));
                Todo::Wait
            }
            Taken::Again => Todo::GoOn,
            Taken::Nothing => Todo::Wait,
        }
    }

    fn happened(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Drained => return None,
            Event::Text(text) => match Subscription::from_message(&text) {
                Ok(subscription) => self.subscribe(subscription, self.gateway.ring.position()),
                Err(error) => self.link.send(messages::error(&error)),
            },
            Event::NotText => self.link.send(messages::error("not understood: send text, not bytes")),
            Event::Closing => return Some(End::Close(CloseCode::Normal, "")),
            Event::Wrong(code, reason) => return Some(End::Close(code, reason)),
            Event::Gone => return Some(End::Drop),
        }
        self.listen_from = Instant::now() + PAUSE;
        None
    }

    /// Replaces what the client is sent: from a position on, or from where it wants to go on.
    fn subscribe(&mut self, subscription: Subscription, (head, heads): (u64, Heads)) {
        let Subscription { filter, batch_ms, resume, metrics, insights, drops } = subscription;
        let gateway = self.gateway.clone();
        self.link.send(messages::subscribed(&heads, resume.as_ref()));
        let plain = batch_ms.unwrap_or(0) == 0 && !filter.is_shut();
        self.count();
        self.walk = Walk::new(&gateway, filter, batch_ms, head, Instant::now());
        if let Some(wanted) = resume {
            let resumed = gateway.ring.resume(&wanted, head);
            for gap in &resumed.gaps {
                self.link.send(messages::gap(gap));
            }
            self.walk.resume(resumed.start, wanted);
        }
        self.wake.set_batch(batch_ms);
        self.extras = Extras { metrics, insights, drops };
        match (metrics || insights, &self.side) {
            (true, None) => self.side = Some(gateway.side.subscribe()),
            (true, Some(_)) => {}
            (false, _) => self.side = None,
        }
        self.seat.note_wishes(plain, metrics);
    }

    /// Sends what is no event.
    fn tell(&mut self, side: Side) {
        match side {
            Side::Insight(message) if self.extras.insights => self.link.send(message),
            Side::Second(second) if self.extras.metrics => {
                self.count();
                let dropped = std::mem::take(&mut self.untold.1);
                self.link.send(messages::metrics(&second, dropped));
            }
            Side::Insight(_) | Side::Second(_) => {}
        }
    }

    /// Counts what was lost and written.
    fn count(&mut self) {
        let lost = self.walk.take_lost();
        if lost > 0 {
            self.gateway.metrics.dropped.inc_by(lost);
            self.untold.0 += lost;
            self.untold.1 += lost;
        }
        let written = self.link.take_written();
        if written > 0 {
            self.gateway.metrics.bytes.inc_by(written);
        }
    }

    fn tell_dropped(&mut self) {
        let lost = std::mem::take(&mut self.untold.0);
        if lost > 0 && self.extras.drops {
            self.link.send(messages::dropped(lost));
        }
    }

    /// Looks whether the client is there, reads, and keeps up.
    fn check(&mut self) -> Option<End> {
        let (now, settings) = (Instant::now(), &self.gateway.settings);
        let stuck = self.link.stuck_since().is_some_and(|since| now - since >= settings.stall());
        if stuck || now - self.link.heard() >= settings.idle() {
            self.gateway.metrics.let_go.inc();
            return Some(End::Drop);
        }
        if now - self.pinged >= settings.ping() && self.link.has_room() {
            self.pinged = now;
            self.link.send(Bytes::from_static(wire::PING));
        }
        self.walk.let_go(self.gateway.ring.tail());
        self.count();
        self.seat.note_place(self.walk.place());
        None
    }
}

/// The next message beside events. What a slow client missed of them is left out: the next second brings new numbers.
async fn next(side: &mut Option<broadcast::Receiver<Side>>) -> Side {
    let Some(side) = side else { return std::future::pending().await };
    loop {
        match side.recv().await {
            Ok(message) => return message,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

fn seconds_since(micros: i64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs_f64() - micros as f64 / 1e6).max(0.0)
}

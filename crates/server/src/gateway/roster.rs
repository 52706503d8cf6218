//! Who is connected: how many clients there are, what kinds, and how far behind they are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::gauge::Gauge;

/// The clients of a gateway.
#[derive(Debug)]
pub(super) struct Roster {
    most: usize,
    clients: Gauge,
    seated: AtomicUsize,
    /// Clients that are woken for every pulse.
    plain: AtomicUsize,
    /// Clients that want numbers once a second.
    metered: AtomicUsize,
    next: AtomicU64,
    places: Mutex<HashMap<u64, Arc<AtomicU64>>>,
}

/// A client's seat, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    roster: Arc<Roster>,
    number: u64,
    place: Arc<AtomicU64>,
    plain: bool,
    metered: bool,
}

impl Roster {
    pub fn new(most: usize, clients: Gauge) -> Arc<Self> {
        Arc::new(Roster {
            most,
            clients,
            seated: AtomicUsize::new(0),
            plain: AtomicUsize::new(0),
            metered: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            places: Mutex::default(),
        })
    }

    /// A seat for one more client, unless all are taken.
    pub fn sit_down(self: &Arc<Self>) -> Option<Seat> {
        let more = |seated: usize| (seated < self.most).then_some(seated + 1);
        self.seated.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok()?;
        self.clients.inc();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let place = Arc::new(AtomicU64::new(u64::MAX));
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(number, place.clone());
        Some(Seat { roster: self.clone(), number, place, plain: false, metered: false })
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.seated.load(Ordering::SeqCst) == 0
    }

    /// Clients that are woken for every pulse.
    pub fn plain(&self) -> usize {
        self.plain.load(Ordering::Relaxed)
    }

    /// Whether anyone wants numbers once a second.
    pub fn is_metered(&self) -> bool {
        self.metered.load(Ordering::Relaxed) > 0
    }

    /// Events that the slowest client is behind `head`.
    pub fn lag(&self, head: u64) -> u64 {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.values().map(|place| head.saturating_sub(place.load(Ordering::Relaxed))).max().unwrap_or(0)
    }
}

impl Seat {
    /// Notes how far the client has come.
    pub fn note_place(&self, cursor: u64) {
        self.place.store(cursor, Ordering::Relaxed);
    }

    /// Notes what the client wants.
    pub fn note_wishes(&mut self, plain: bool, metered: bool) {
        note(&self.roster.plain, &mut self.plain, plain);
        note(&self.roster.metered, &mut self.metered, metered);
    }
}

fn note(count: &AtomicUsize, was: &mut bool, is: bool) {
    if is && !*was {
        count.fetch_add(1, Ordering::Relaxed);
    } else if *was && !is {
        count.fetch_sub(1, Ordering::Relaxed);
    }
    *was = is;
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.note_wishes(false, false);
        self.roster.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.roster.clients.dec();
        self.roster.seated.fetch_sub(1, Ordering::SeqCst);
    }
}

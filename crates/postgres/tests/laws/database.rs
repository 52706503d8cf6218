//! The history in PostgreSQL as the laws use it: a database of its own for each, on a server that tests share.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use whittle_history::Clock;
use whittle_patterns::Catalog;
use whittle_postgres::{Address, PgHistory, Settings};
use whittle_testkit::Postgres;

use crate::harness::{Harness, Open};
use crate::rows::NOON;

/// The server, for as long as any test uses it.
static SERVER: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

/// The server of all tests of this program; `None` where PostgreSQL is not installed.
pub fn server() -> Option<Arc<Postgres>> {
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let server = Arc::new(Postgres::start("laws").expect("PostgreSQL starts")?);
    *shared = Arc::downgrade(&server);
    Some(server)
}

pub struct Database {
    pub server: Arc<Postgres>,
    pub url: String,
    pub settings: Settings,
    now: Arc<AtomicI64>,
    history: Option<Weak<PgHistory>>,
}

impl Database {
    /// An empty database, with nothing done in the background.
    pub fn empty() -> Option<Database> {
        server().map(Database::on)
    }

    /// The same on a given server.
    pub fn on(server: Arc<Postgres>) -> Database {
        let url = server.database().expect("a database");
        let now = Arc::new(AtomicI64::new(NOON));
        let clock = now.clone();
        let settings = Settings {
            tidy_every: None,
            clock: Clock::new(move || clock.load(Ordering::Relaxed)),
            ..Settings::new(Address::parse(&url).expect("an address"), "laws")
        };
        Database { server, url, settings, now, history: None }
    }
}

impl Harness for Database {
    fn open(&mut self, catalog: Catalog) -> Open {
        let opened = PgHistory::open(self.settings.clone()).expect("the history opens");
        let checkpoint = opened.checkpoint.clone();
        let durable = Arc::new(Mutex::new(checkpoint.positions.clone()));
        let told = durable.clone();
        let on_durable = move |positions: &whittle_history::Positions| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = positions.clone();
        };
        let (history, writer) = opened.start(catalog, Box::new(on_durable)).expect("it starts");
        self.history = Some(Arc::downgrade(&history));
        Open { checkpoint, reader: history, writer, durable }
    }

    fn tidy(&mut self) {
        self.history.as_ref().and_then(Weak::upgrade).expect("an open history").tidy().expect("the database answers");
    }

    fn set_now(&mut self, micros: i64) {
        self.now.store(micros, Ordering::Relaxed);
    }
}

//! The history as its owner sees it: opened, started, ended.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use whittle_history::{Checkpoint, Positions, Writer};
use whittle_patterns::Catalog;

use crate::connection::{Connector, DbError};
use crate::schema;
use crate::settings::Settings;
use crate::shared::{Shared, lock};
use crate::tidy;
use crate::write::PgWriter;
use crate::write::checkpoint;

/// Why a history in PostgreSQL cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The database is away, or refuses: try again, or mend POSTGRES_URL.
    #[error("{0}; start PostgreSQL, or mend POSTGRES_URL")]
    Unavailable(String),
    /// A later program made its tables: run that one.
    #[error("the database has format {0}, which a later version of this program made; run that version")]
    Newer(usize),
    /// It cannot hold every character.
    #[error(
        "the database has the encoding {0}, which cannot hold every character; give one made with ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// It holds the records of another raw log.
    #[error(
        "the database holds the records of another raw log, whose offsets name other records; put that data folder or \
         cluster back, or give another database in POSTGRES_URL"
    )]
    OtherLog,
    /// There is a table of the same name with other columns.
    #[error(
        "the database has a table logs without the column {0}: it is not this program's; give another database in POSTGRES_URL"
    )]
    OtherTable(&'static str),
}

impl From<DbError> for OpenError {
    fn from(error: DbError) -> Self {
        OpenError::Unavailable(error.0)
    }
}

/// A history that was found in order and does not run yet.
pub struct Opened {
    /// What a restart goes on from. Rows beyond its positions may be stored as well; they are not stored again.
    pub checkpoint: Checkpoint,
    settings: Settings,
}

/// The running history in PostgreSQL. Dropping it ends its threads and connections.
pub struct PgHistory {
    pub(crate) shared: Arc<Shared>,
    /// Serves the connections. Questions run on their callers' threads, which must not be async ones.
    runtime: Option<Runtime>,
    pub(crate) handle: Handle,
    housekeeper: Arc<Bell>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Rings when the end has come.
#[derive(Default)]
pub(crate) struct Bell {
    ended: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// Waits so long; whether the end came meanwhile.
    pub(crate) fn wait(&self, pause: Duration) -> bool {
        let ended = lock(&self.ended);
        *self
            .rung
            .wait_timeout_while(ended, pause, |ended| !*ended)
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .0
    }

    fn ring(&self) {
        *lock(&self.ended) = true;
        self.rung.notify_all();
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("postgres-io").enable_all().build()
}

impl PgHistory {
    /// Connects, makes or migrates the tables, and reads the checkpoint. Blocks: not for async threads.
    ///
    /// # Errors
    /// The database is away, or is not ours.
    pub fn open(settings: Settings) -> Result<Opened, OpenError> {
        let unavailable = |error: io::Error| OpenError::Unavailable(error.to_string());
        let runtime = runtime().map_err(unavailable)?;
        let checkpoint = runtime.block_on(async {
            let connector = Connector::new(settings.address.clone(), settings.connect_timeout)?;
            let mut client = connector.connect().await?;
            schema::prepare(&mut client, &settings.raw_log).await?;
            Ok::<_, OpenError>(checkpoint::read(&client).await?)
        })?;
        runtime.shutdown_background();
        Ok(Opened { checkpoint, settings })
    }

    /// Starts without connecting: whatever needs the database tries until it is there. `on_durable` is told, by the writer,
    /// up to where a commit holds everything.
    ///
    /// # Errors
    /// No thread can be started, or the certificate of the URL cannot be read.
    pub fn start(
        settings: Settings,
        catalog: Catalog,
        on_durable: Box<dyn Fn(&Positions) + Send + Sync>,
    ) -> io::Result<(Arc<PgHistory>, Box<dyn Writer>)> {
        let connector = Connector::new(settings.address.clone(), settings.connect_timeout).map_err(io::Error::other)?;
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let every = settings.tidy_every;
        let shared = Arc::new(Shared::new(settings, catalog, connector));
        let history = Arc::new(PgHistory {
            shared: shared.clone(),
            runtime: Some(runtime),
            handle: handle.clone(),
            housekeeper: Arc::default(),
            thread: Mutex::default(),
        });
        if let Some(every) = every {
            let (shared, handle, bell) = (shared.clone(), handle, history.housekeeper.clone());
            let thread = std::thread::Builder::new().name("postgres-tidy".to_owned());
            let thread = thread.spawn(move || tidy::keep_tidy(&shared, &handle, &bell, every))?;
            *lock(&history.thread) = Some(thread);
        }
        let writer = PgWriter::new(history.clone(), on_durable);
        Ok((history, Box::new(writer)))
    }

    /// Does once what otherwise happens in the background: adds counts up, drops what is too old or too much. For tests and
    /// tools. Blocks.
    ///
    /// # Errors
    /// The database is away.
    pub fn tidy(&self) -> io::Result<()> {
        self.handle.block_on(tidy::all(&self.shared)).map_err(io::Error::other)
    }
}

impl Opened {
    /// Starts it: see [`PgHistory::start`].
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        self,
        catalog: Catalog,
        on_durable: Box<dyn Fn(&Positions) + Send + Sync>,
    ) -> io::Result<(Arc<PgHistory>, Box<dyn Writer>)> {
        PgHistory::start(self.settings, catalog, on_durable)
    }
}

impl Drop for PgHistory {
    fn drop(&mut self) {
        self.housekeeper.ring();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that panicked has said so; there is nothing left to do for it.
            let _ = thread.join();
        }
        self.shared.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // Does not wait: the drop may happen on an async thread.
            runtime.shutdown_background();
        }
    }
}

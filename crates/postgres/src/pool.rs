//! Connections for questions: a few, kept between questions, thrown away at the first doubt.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::connection::{Connector, DbError};

/// Connections that nobody uses now.
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    idle: Mutex<Vec<Client>>,
    slots: Semaphore,
    patience: Duration,
}

/// A connection, for as long as it is needed. Dropped, it is closed: only [`Lease::give_back`] keeps it.
pub(crate) struct Lease<'a> {
    pub(crate) client: Client,
    pool: &'a Pool,
    _slot: SemaphorePermit<'a>,
}

impl Pool {
    pub(crate) fn new(connector: Connector, most: usize, patience: Duration) -> Self {
        Pool { connector, idle: Mutex::default(), slots: Semaphore::new(most.max(1)), patience }
    }

    /// A connection: one that is there, or a new one.
    pub(crate) async fn lease(&self) -> Result<Lease<'_>, DbError> {
        let busy = |_| DbError(format!("no connection to PostgreSQL became free within {:?}", self.patience));
        let slot = timeout(self.patience, self.slots.acquire()).await.map_err(busy)?;
        let slot = slot.map_err(|_| DbError("the history is closed".to_owned()))?;
        let client = match self.take_idle() {
            Some(client) => client,
            None => self.connector.connect().await?,
        };
        Ok(Lease { client, pool: self, _slot: slot })
    }

    fn take_idle(&self) -> Option<Client> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(client) = idle.pop() {
            if !client.is_closed() {
                return Some(client);
            }
        }
        None
    }

    /// Closes what nobody uses: for the end.
    pub(crate) fn close(&self) {
        self.slots.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Lease<'_> {
    /// Keeps the connection for the next question. It must be outside of a transaction.
    pub(crate) fn give_back(self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
    }
}

//! One connection, and what it says when something is wrong.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Address;
use crate::address::Encryption;
use crate::tls;

/// Makes connections of one kind.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Address,
    tls: Option<MakeRustlsConnect>,
    patience: Duration,
}

/// Why the database cannot be spoken to, or does not do what it is asked. Its words name no value of a row and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DbError(pub(crate) String);

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        // What the server says of a value stands in its detail, which is left out.
        if let Some(said) = error.as_db_error() {
            return DbError(format!("PostgreSQL: {} ({})", said.message(), said.code().code()));
        }
        use std::error::Error as _;
        match error.source() {
            Some(source) => DbError(format!("PostgreSQL: {error}: {source}")),
            None => DbError(format!("PostgreSQL: {error}")),
        }
    }
}

impl Connector {
    pub(crate) fn new(address: Address, patience: Duration) -> Result<Self, DbError> {
        let tls = match &address.encryption {
            Encryption::None => None,
            encryption => Some(tls::connector(encryption).map_err(DbError)?),
        };
        Ok(Connector { address, tls, patience })
    }

    /// Connects; the connection is served on this runtime until the client is dropped.
    pub(crate) async fn connect(&self) -> Result<Client, DbError> {
        let shown = self.address.shown();
        match timeout(self.patience, self.connected()).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(DbError(error))) => Err(DbError(format!("{error} (at {shown})"))),
            Err(_) => Err(DbError(format!("PostgreSQL at {shown} did not answer within {:?}", self.patience))),
        }
    }

    async fn connected(&self) -> Result<Client, DbError> {
        let client = match &self.tls {
            None => {
                let (client, connection) = self.address.config.connect(NoTls).await?;
                tokio::spawn(serve(connection));
                client
            }
            Some(tls) => {
                let (client, connection) = self.address.config.connect(tls.clone()).await?;
                tokio::spawn(serve(connection));
                client
            }
        };
        // Times go over the wire as numbers; the zone only matters where a day is cut. Compiling a query to machine code
        // takes longer than any query here.
        client
            .batch_execute("SET timezone = 'UTC'; SET jit = off; SET idle_in_transaction_session_timeout = '2min'")
            .await?;
        Ok(client)
    }

    /// Asks the server to break off what a client waits for.
    pub(crate) async fn cancel(&self, client: &Client) {
        let token = client.cancel_token();
        let cancelled = async {
            match &self.tls {
                None => token.cancel_query(NoTls).await,
                Some(tls) => token.cancel_query(tls.clone()).await,
            }
        };
        match timeout(self.patience, cancelled).await {
            Ok(Ok(())) => {}
            // The statement's own timeout ends it then.
            Ok(Err(error)) => tracing::debug!(%error, "a query could not be cancelled"),
            Err(_) => tracing::debug!("a query could not be cancelled in time"),
        }
    }
}

async fn serve<C: Future<Output = Result<(), tokio_postgres::Error>>>(connection: C) {
    // Whoever waits for an answer is told as well.
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to PostgreSQL ended");
    }
}

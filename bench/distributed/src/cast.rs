//! The processes that are measured.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use whittle_testkit::process::cpu_seconds;
use whittle_testkit::{Corpus, Kafka, Postgres, Server, Setup};

use crate::Args;

/// Records of a request.
pub const BATCH: usize = 1_000;
/// Requests that are sent over and over: made once, so that making them costs nothing while it is measured.
const BODIES: usize = 50;
/// 2026-01-01, in microseconds since 1970.
const START: i64 = 1_767_225_600_000_000;

/// The servers.
pub struct Stage<'a> {
    pub args: &'a Args,
    pub kafka: Kafka,
    pub postgres: Option<(Postgres, String)>,
}

impl Stage<'_> {
    /// Starts Kafka, and PostgreSQL where it is wanted; nothing where this machine has none.
    pub fn open(args: &Args) -> anyhow::Result<Option<Stage<'_>>> {
        let Some(kafka) = Kafka::start(1)? else { return Ok(None) };
        let postgres = match if args.files { None } else { Postgres::start("bench")? } {
            Some(server) => {
                let url = server.database()?;
                Some((server, url))
            }
            None => None,
        };
        Ok(Some(Stage { args, kafka, postgres }))
    }

    /// A role, ready.
    pub fn role(&self, role: &'static str) -> anyhow::Result<Server> {
        let mut setup = Setup::new(&self.args.binary).role(role).env("KAFKA_BROKERS", self.kafka.brokers());
        if let Some((_, url)) = &self.postgres {
            setup = setup.env("POSTGRES_URL", url);
        }
        setup.start().with_context(|| format!("{role} does not start"))
    }
}

/// Bodies of `BATCH` records, NDJSON.
pub fn bodies() -> Vec<Vec<u8>> {
    let mut corpus = Corpus::new(7, START);
    let body = |_| {
        let mut body = Vec::new();
        corpus.write_ndjson(BATCH, &mut body);
        body
    };
    (0..BODIES).map(body).collect()
}

/// Sends records over four connections.
pub fn send(ingestion: &Server, records: usize) -> anyhow::Result<()> {
    let bodies = bodies();
    let each = records / BATCH / 4;
    std::thread::scope(|scope| {
        let client = |_| {
            scope.spawn(|| -> anyhow::Result<()> {
                let mut connection = ingestion.connect(ingestion.ingestion())?;
                for n in 0..each {
                    send_one(&mut connection, &bodies[n % bodies.len()])?;
                }
                Ok(())
            })
        };
        let clients: Vec<_> = (0..4).map(client).collect();
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| bail!("a client panicked")))
    })
}

/// A request, sent again for as long as the server has too much to do.
fn send_one(connection: &mut whittle_testkit::Connection, body: &[u8]) -> anyhow::Result<()> {
    loop {
        let response = connection.post("/ingest", "application/x-ndjson", body)?;
        match response.status {
            202 => return Ok(()),
            429 => std::thread::sleep(Duration::from_millis(50)),
            status => bail!("{status}: {}", response.text()),
        }
    }
}

/// CPU seconds that processes use while something is done.
pub fn cpu_of<T>(
    servers: &[(&str, &Server)],
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(Vec<f64>, Duration, T)> {
    let read = || servers.iter().map(|(_, server)| cpu_seconds(server.pid())).collect::<Result<Vec<f64>, _>>();
    let (before, began) = (read()?, Instant::now());
    let done = work()?;
    let (took, after) = (began.elapsed(), read()?);
    Ok((before.iter().zip(after).map(|(before, after)| after - before).collect(), took, done))
}

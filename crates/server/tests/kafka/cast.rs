//! The processes of a test: roles that share the topics of a cluster.

use std::net::SocketAddr;

use whittle_testkit::{Connection, Kafka, Server, Setup};

use crate::SOON;

/// The roles of a pipeline, in the order of its topics.
pub const PIPELINE: [&str; 5] =
    ["ingestion-service", "normalizer-service", "ai-analysis-service", "storage-service", "websocket-gateway"];

/// A role that is about to be started.
pub fn setup(kafka: &Kafka, role: &'static str) -> Setup {
    Setup::new(env!("CARGO_BIN_EXE_whittle"))
        .role(role)
        .env("KAFKA_BROKERS", kafka.brokers())
        .env("KAFKA_PARTITIONS", 3)
}

/// Roles, started together, then waited for.
pub struct Cast(Vec<(&'static str, Server)>);

impl Cast {
    /// Starts a process for each role.
    pub fn start(kafka: &Kafka, roles: &[&'static str]) -> Cast {
        Cast::start_with(roles, |role| setup(kafka, role))
    }

    /// The same with settings of one's own.
    pub fn start_with(roles: &[&'static str], setup: impl Fn(&'static str) -> Setup) -> Cast {
        let spawn = |role: &&'static str| (*role, setup(role).spawn().expect("the binary runs"));
        let mut cast = Cast(roles.iter().map(spawn).collect());
        for (role, server) in &mut cast.0 {
            server.wait_ready().unwrap_or_else(|error| panic!("{role}: {error}"));
        }
        cast
    }

    /// A role's process.
    pub fn of(&mut self, role: &str) -> &mut Server {
        let found = self.0.iter_mut().find(|(name, _)| *name == role);
        &mut found.unwrap_or_else(|| panic!("{role} is not in the cast")).1
    }

    /// Where records are sent.
    pub fn ingestion(&mut self) -> SocketAddr {
        self.of("ingestion-service").ingestion()
    }

    /// A connection to the history.
    pub fn storage(&mut self) -> Connection {
        let server = self.of("storage-service");
        server.connect(server.storage()).expect("storage listens")
    }

    /// What all of them said last, for a test that fails.
    pub fn said(&self) -> String {
        self.0.iter().map(|(role, server)| format!("--- {role}\n{}\n", server.said())).collect()
    }
}

/// Sends one record and expects that it is taken.
pub fn send(address: SocketAddr, source: &str, level: &str, message: &str) {
    let record = serde_json::json!({ "source": source, "level": level, "message": message }).to_string();
    let mut connection = Connection::open(address, SOON).expect("ingestion listens");
    let response = connection.post("/ingest", "application/json", record.as_bytes()).expect("ingestion answers");
    assert_eq!(response.status, 202, "{}", response.text());
}

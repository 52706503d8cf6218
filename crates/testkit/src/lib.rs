//! What tests and benches share: records, the real binary as a child process, small clients, an oracle.
//!
//! Everything blocks: a test reads as what happens one after the other, and a client costs little beside the server that
//! is measured. Waiting is bounded ([`wait`]).

pub mod corpus;
pub mod error;
pub mod fake_model;
pub mod http;
pub mod kafka;
pub mod load;
pub mod loghub;
pub mod numbered;
pub mod oracle;
pub mod postgres;
pub mod process;
pub mod recent;
pub mod schema;
pub mod server;
pub mod wait;
pub mod ws;

pub use corpus::Corpus;
pub use error::{KitError, Result};
pub use http::{Connection, Response};
pub use kafka::Kafka;
pub use postgres::Postgres;
pub use schema::Contract;
pub use server::{Server, Setup};

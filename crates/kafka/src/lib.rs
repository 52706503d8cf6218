//! Kafka behind the trait of the bus: [`KafkaBus`] speaks to brokers through `rdkafka` and obeys the laws of every bus.
//!
//! What is Kafka's own, and so differs from the embedded log:
//!
//! - An entry is one message and takes one offset, whatever its `count` says.
//! - Durable means that all replicas that are in sync have it. They hold it in the caches of their machines, which lose it if all
//!   of them lose power at once.
//! - Times are kept to the millisecond.
//! - A group does not hold back retention: the topic's own settings decide what is dropped.
//! - After a broker that does not answer, an entry may be there although its producer gave up waiting.
//!
//! A crate of its own, since librdkafka is the heaviest thing that anything here is built on.

mod admin;
mod bus;
mod consumer;
mod error;
mod follower;
mod group;
mod keeper;
mod producer;
mod settings;
mod topics;

pub use bus::KafkaBus;
pub use follower::Follower;
pub use settings::{GroupProtocol, Security, Settings, SettingsError};
pub use topics::{Cleanup, Strength};

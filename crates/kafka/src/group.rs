//! Who of a group has which partitions, as this member has been told, and what any group has committed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use whittle_bus::BusError;

use crate::error::{settings, unavailable};
use crate::settings::Settings;

/// Time for the brokers to say what a group has committed.
const ANSWER: Duration = Duration::from_secs(5);
/// Groups whose reader is kept: each costs a few threads.
const KEPT: usize = 8;

/// The partitions of a member. Written by the client while it is polled.
#[derive(Debug, Default)]
pub(crate) struct Assigned {
    now: Mutex<BTreeSet<u32>>,
    /// Partitions that came or went since someone looked.
    changed: Mutex<BTreeSet<u32>>,
}

impl Assigned {
    pub fn list(&self) -> Vec<u32> {
        self.lock().iter().copied().collect()
    }

    pub fn has(&self, partition: u32) -> bool {
        self.lock().contains(&partition)
    }

    /// What came or went since the last call.
    pub fn take_changed(&self) -> BTreeSet<u32> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, list: &TopicPartitionList, assigned: bool) {
        let (mut now, mut changed) = (self.lock(), self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        for partition in list.elements().iter().map(|element| element.partition().cast_unsigned()) {
            if assigned {
                now.insert(partition);
            } else {
                now.remove(&partition);
            }
            changed.insert(partition);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub assigned: Arc<Assigned>,
}

impl ClientContext for Calls {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "kafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "kafka: {reason}");
    }
}

impl ConsumerContext for Calls {
    /// Before it is given up: what is committed from now on is another's.
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.assigned.note(list, false);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => self.assigned.note(list, true),
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!(%error, "the group could not share its partitions"),
        }
    }
}

/// Asks what groups have committed, without being a member of them.
#[derive(Default)]
pub(crate) struct Commits(Mutex<HashMap<String, Arc<BaseConsumer<Calls>>>>);

impl Commits {
    /// For each partition the offset that a group goes on from.
    pub fn of(&self, from: &Settings, group: &str, topic: &str, partitions: u32) -> Result<Vec<Option<u64>>, BusError> {
        let reader = self.reader(from, group)?;
        let mut wanted = TopicPartitionList::with_capacity(partitions as usize);
        for partition in 0..partitions {
            wanted.add_partition(topic, partition.cast_signed());
        }
        let found = reader.committed_offsets(wanted, ANSWER);
        let found = found.map_err(|e| unavailable(&format!("what {group} has committed is unknown"), &e))?;
        let offset = |partition: u32| match found.find_partition(topic, partition.cast_signed())?.offset() {
            Offset::Offset(offset) => u64::try_from(offset).ok(),
            _ => None,
        };
        Ok((0..partitions).map(offset).collect())
    }

    fn reader(&self, from: &Settings, group: &str) -> Result<Arc<BaseConsumer<Calls>>, BusError> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = readers.get(group) {
            return Ok(reader.clone());
        }
        let made = from.member(group, true, "earliest").create_with_context(Calls::default());
        let made: BaseConsumer<Calls> = made.map_err(|e| BusError::Unavailable(settings(&e).to_string()))?;
        if readers.len() >= KEPT {
            readers.clear();
        }
        let made = Arc::new(made);
        readers.insert(group.to_owned(), made.clone());
        Ok(made)
    }

    /// Lets all readers go.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

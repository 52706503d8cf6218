//! A reader of a small topic that belongs to no group: it sees every record from the first on, and knows when it has seen all.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use whittle_bus::{BusError, Frame};

use crate::consumer::frame;
use crate::error::{settings, unavailable};
use crate::group::Calls;
use crate::settings::Settings;

/// Time for the brokers to say where a partition ends.
const ANSWER: Duration = Duration::from_secs(5);

/// The reader. For compacted topics, in which every copy of a role keeps what all of them know.
pub struct Follower {
    client: BaseConsumer<Calls>,
    topic: String,
    partitions: u32,
    next: BTreeMap<u32, u64>,
}

impl Follower {
    pub(crate) fn new(from: &Settings, topic: &str, partitions: u32) -> Result<Self, BusError> {
        let client: BaseConsumer<Calls> = from
            .reader()
            // The client has no group, but wants a name of one before it lets partitions be chosen by hand.
            .set("group.id", format!("{}-follower", from.client_id))
            .set("enable.partition.eof", "true")
            .create_with_context(Calls::default())
            .map_err(|e| BusError::Unavailable(settings(&e).to_string()))?;
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition.cast_signed(), Offset::Beginning)
                .map_err(|e| unavailable("a topic cannot be followed", &e))?;
        }
        client.assign(&list).map_err(|e| unavailable("a topic cannot be followed", &e))?;
        Ok(Follower { client, topic: topic.to_owned(), partitions, next: BTreeMap::new() })
    }

    /// The next records: those that are there, or the first that comes within the time.
    ///
    /// # Errors
    /// Never for what passes by itself: the client goes on when brokers are back.
    pub fn poll(&mut self, timeout: Duration) -> Result<Vec<Frame>, BusError> {
        let until = Instant::now() + timeout;
        let mut frames = Vec::new();
        loop {
            let left = if frames.is_empty() { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.client.poll(left) {
                Some(Ok(message)) => {
                    let frame = frame(&message);
                    self.next.insert(frame.partition, frame.next_offset());
                    frames.push(frame);
                }
                // The end of a partition, or something that passes.
                Some(Err(error)) => tracing::trace!(%error, topic = self.topic, "nothing to follow now"),
                None if !frames.is_empty() || left.is_zero() => return Ok(frames),
                None => {}
            }
        }
    }

    /// Where each partition ends now.
    ///
    /// # Errors
    /// When the brokers do not say.
    pub fn ends(&self) -> Result<BTreeMap<u32, u64>, BusError> {
        let mut ends = BTreeMap::new();
        for partition in 0..self.partitions {
            let marks = self.client.fetch_watermarks(&self.topic, partition.cast_signed(), ANSWER);
            let (low, high) = marks.map_err(|e| unavailable(&format!("{} cannot be read", self.topic), &e))?;
            ends.insert(partition, if low < high { high.cast_unsigned() } else { 0 });
        }
        Ok(ends)
    }

    /// Whether everything below these ends was given.
    pub fn has_seen(&self, ends: &BTreeMap<u32, u64>) -> bool {
        ends.iter().all(|(partition, end)| self.next.get(partition).copied().unwrap_or(0) >= *end)
    }
}

/// The last message of a partition that is still there.
pub(crate) fn last_of(from: &Settings, topic: &str, partition: u32) -> Result<Option<Frame>, BusError> {
    let client: BaseConsumer<Calls> = from
        .reader()
        .set("group.id", format!("{}-last", from.client_id))
        .create_with_context(Calls::default())
        .map_err(|e| BusError::Unavailable(settings(&e).to_string()))?;
    let unavailable = |error: &_| unavailable(&format!("the end of {topic} cannot be read"), error);
    let (low, high) = client.fetch_watermarks(topic, partition.cast_signed(), ANSWER).map_err(|e| unavailable(&e))?;
    if low >= high {
        return Ok(None);
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition.cast_signed(), Offset::Offset(high - 1)).map_err(|e| unavailable(&e))?;
    client.assign(&list).map_err(|e| unavailable(&e))?;
    let until = Instant::now() + ANSWER;
    while Instant::now() < until {
        if let Some(Ok(message)) = client.poll(Duration::from_millis(100)) {
            return Ok(Some(frame(&message)));
        }
    }
    Err(BusError::Unavailable(format!("the last message of {topic} did not come in time")))
}

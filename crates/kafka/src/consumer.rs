//! The way out: a member of a group, or of none, that gives messages as frames.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use whittle_bus::{BusError, Consumer, Frame, Headers, Position};

use crate::error::{is_fenced, is_unsupported, settings, unavailable, words};
use crate::group::{Assigned, Calls};
use crate::producer::TIME_HEADER;
use crate::settings::{GroupProtocol, Settings};

/// Frames of one poll, whatever bytes they have.
const FRAMES: usize = 20_000;
/// Time for a group to give this member partitions where it is asked for one before it has any.
const JOIN: Duration = Duration::from_secs(10);
/// Time for the brokers to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause between looks at something that is about to be.
const SOON: Duration = Duration::from_millis(20);

/// Which protocol the brokers have turned out to speak. Shared by all members of a bus.
#[derive(Debug, Default)]
pub(crate) struct Spoken(AtomicU8);

impl Spoken {
    fn is_classic(&self, wanted: GroupProtocol) -> bool {
        match wanted {
            GroupProtocol::Auto => self.0.load(Ordering::Relaxed) == 1,
            GroupProtocol::Consumer => false,
            GroupProtocol::Classic => true,
        }
    }

    fn set_classic(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

/// A member of a group.
pub(crate) struct Member {
    settings: Settings,
    spoken: Arc<Spoken>,
    topic: String,
    group: String,
    reset: &'static str,
    client: BaseConsumer<Calls>,
    assigned: Arc<Assigned>,
    /// By partition the next offset to give.
    next: BTreeMap<u32, u64>,
    /// Came while something else was waited for.
    early: VecDeque<Frame>,
    /// It has been told of partitions at least once.
    joined: bool,
}

impl Member {
    /// Joins a group on a topic that exists; where the group has committed nothing it begins at `reset`.
    pub fn join(
        settings: &Settings,
        spoken: Arc<Spoken>,
        topic: &str,
        group: &str,
        reset: &'static str,
    ) -> Result<Self, BusError> {
        let (client, assigned) = connect(settings, &spoken, topic, group, reset)?;
        Ok(Member {
            settings: settings.clone(),
            spoken,
            topic: topic.to_owned(),
            group: group.to_owned(),
            reset,
            client,
            assigned,
            next: BTreeMap::new(),
            early: VecDeque::new(),
            joined: false,
        })
    }

    /// One look at the client: a message, or nothing within the time.
    fn receive(&mut self, timeout: Duration) -> Result<Option<Frame>, BusError> {
        let frame = match self.client.poll(timeout) {
            None => None,
            Some(Ok(message)) => Some(frame(&message)),
            Some(Err(error)) => return self.failed(&error).map(|()| None),
        };
        self.follow();
        Ok(frame)
    }

    /// What the client says is about to pass is only noted; what is for ever is an error, or a reason to speak otherwise.
    fn failed(&mut self, error: &KafkaError) -> Result<(), BusError> {
        let KafkaError::MessageConsumptionFatal(code) = error else {
            tracing::debug!(%error, topic = self.topic, "reading is interrupted");
            return Ok(());
        };
        if self.settings.groups == GroupProtocol::Auto && is_unsupported(*code) {
            tracing::info!("these brokers do not speak the new protocol of groups; the classic one is spoken");
            self.spoken.set_classic();
        }
        self.rejoin()?;
        let unavailable = BusError::Unavailable(format!("{}: {}", self.group, words(error)));
        if self.spoken.is_classic(self.settings.groups) { Ok(()) } else { Err(unavailable) }
    }

    fn rejoin(&mut self) -> Result<(), BusError> {
        let (client, assigned) = connect(&self.settings, &self.spoken, &self.topic, &self.group, self.reset)?;
        (self.client, self.assigned, self.joined) = (client, assigned, false);
        self.next.clear();
        self.early.clear();
        Ok(())
    }

    /// Forgets what was known of partitions that came or went.
    fn follow(&mut self) {
        for partition in self.assigned.take_changed() {
            self.joined = true;
            self.next.remove(&partition);
            self.early.retain(|frame| frame.partition != partition);
        }
    }

    /// Waits until the group has given this member something, for who commits or seeks before the first poll.
    fn await_partitions(&mut self) -> Result<(), BusError> {
        let until = Instant::now() + JOIN;
        while !self.joined && Instant::now() < until {
            if let Some(frame) = self.receive(SOON)? {
                self.early.push_back(frame);
            }
        }
        Ok(())
    }

    fn check_own(&mut self, partitions: impl Iterator<Item = u32>) -> Result<(), BusError> {
        self.await_partitions()?;
        for partition in partitions {
            if !self.assigned.has(partition) {
                return Err(BusError::Revoked(partition));
            }
        }
        Ok(())
    }

    /// Gives a frame out.
    fn give(&mut self, frame: Frame, frames: &mut Vec<Frame>) -> usize {
        let bytes = frame.body.len() + frame.key.len();
        self.next.insert(frame.partition, frame.next_offset());
        frames.push(frame);
        bytes
    }
}

impl Consumer for Member {
    fn poll(&mut self, max_bytes: usize, timeout: Duration) -> Result<Vec<Frame>, BusError> {
        let until = Instant::now() + timeout;
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while frames.len() < FRAMES && (frames.is_empty() || bytes < max_bytes) {
            if let Some(frame) = self.early.pop_front() {
                bytes += self.give(frame, &mut frames);
                continue;
            }
            let left = if frames.is_empty() { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.receive(left)? {
                Some(frame) => bytes += self.give(frame, &mut frames),
                None if !frames.is_empty() || left.is_zero() => break,
                None => {}
            }
        }
        // What went to another member meanwhile is that one's to give.
        frames.retain(|frame| self.assigned.has(frame.partition));
        Ok(frames)
    }

    fn commit(&mut self, positions: &[Position]) -> Result<(), BusError> {
        let Some(first) = positions.first() else { return Ok(()) };
        self.check_own(positions.iter().map(|position| position.partition))?;
        let list = list(&self.topic, positions.iter().copied())?;
        match self.client.commit(&list, CommitMode::Sync) {
            Ok(()) => Ok(()),
            // What is to be committed stands there already.
            Err(error) if error.rdkafka_error_code() == Some(Code::NoOffset) => Ok(()),
            Err(error) if error.rdkafka_error_code().is_some_and(is_fenced) => Err(BusError::Revoked(first.partition)),
            Err(error) => Err(unavailable(&format!("{} cannot commit", self.group), &error)),
        }
    }

    fn seek(&mut self, position: Position) -> Result<(), BusError> {
        self.check_own([position.partition].into_iter())?;
        let wanted = list(&self.topic, [position])?;
        let until = Instant::now() + ANSWER;
        loop {
            let sought = self.client.seek_partitions(wanted.clone(), ANSWER);
            let sought = sought.and_then(|list| list.elements().iter().try_for_each(|element| element.error()));
            match sought {
                Ok(()) => break,
                // A partition that has just come is not being read yet.
                Err(_) if Instant::now() < until => {
                    if let Some(frame) = self.receive(SOON)? {
                        self.early.push_back(frame);
                    }
                    self.check_own([position.partition].into_iter())?;
                }
                Err(error) => return Err(unavailable("the place in the topic cannot be changed", &error)),
            }
        }
        self.early.retain(|frame| frame.partition != position.partition);
        self.next.insert(position.partition, position.offset);
        Ok(())
    }

    fn position(&self, partition: u32) -> Option<u64> {
        if !self.assigned.has(partition) {
            return None;
        }
        if let Some(next) = self.next.get(&partition) {
            return Some(*next);
        }
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&self.topic, partition.cast_signed());
        let committed = self.client.committed_offsets(wanted, ANSWER).ok()?;
        match committed.find_partition(&self.topic, partition.cast_signed())?.offset() {
            Offset::Offset(offset) => u64::try_from(offset).ok(),
            _ => {
                let (low, high) = self.client.fetch_watermarks(&self.topic, partition.cast_signed(), ANSWER).ok()?;
                u64::try_from(if self.reset == "latest" { high } else { low }).ok()
            }
        }
    }

    fn assignment(&self) -> Vec<u32> {
        self.assigned.list()
    }
}

fn connect(
    from: &Settings,
    spoken: &Spoken,
    topic: &str,
    group: &str,
    reset: &str,
) -> Result<(BaseConsumer<Calls>, Arc<Assigned>), BusError> {
    let calls = Calls::default();
    let assigned = calls.assigned.clone();
    let config = from.member(group, spoken.is_classic(from.groups), reset);
    let client: BaseConsumer<Calls> =
        config.create_with_context(calls).map_err(|e| BusError::Unavailable(settings(&e).to_string()))?;
    client.subscribe(&[topic]).map_err(|e| unavailable(&format!("cannot subscribe to {topic}"), &e))?;
    Ok((client, assigned))
}

fn list(topic: &str, positions: impl IntoIterator<Item = Position>) -> Result<TopicPartitionList, BusError> {
    let mut list = TopicPartitionList::new();
    for Position { partition, offset } in positions {
        let offset = Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
        list.add_partition_offset(topic, partition.cast_signed(), offset)
            .map_err(|e| unavailable("an offset cannot be given", &e))?;
    }
    Ok(list)
}

/// A message as a frame: its parts in one allocation.
pub(crate) fn frame(message: &BorrowedMessage<'_>) -> Frame {
    let (key, body) = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
    let heads = message.headers();
    let count = heads.map_or(0, |heads| heads.count());
    let values: usize = heads.map_or(0, |heads| heads.iter().map(|head| head.value.map_or(0, <[u8]>::len)).sum());
    let mut all = Vec::with_capacity(key.len() + body.len() + values);
    all.extend_from_slice(key);
    all.extend_from_slice(body);
    for head in heads.iter().flat_map(|heads| heads.iter()) {
        all.extend_from_slice(head.value.unwrap_or_default());
    }
    let all = Bytes::from(all);
    let mut at = key.len() + body.len();
    let mut time = message.timestamp().to_millis().unwrap_or(0).saturating_mul(1000);
    let mut headers = Headers::with_capacity(count);
    for head in heads.iter().flat_map(|heads| heads.iter()) {
        let value = all.slice(at..at + head.value.map_or(0, <[u8]>::len));
        at += value.len();
        if head.key == TIME_HEADER {
            let said = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            time = said.unwrap_or(time);
        } else {
            headers.push((head.key.to_owned(), value));
        }
    }
    Frame {
        partition: message.partition().cast_unsigned(),
        base_offset: message.offset().cast_unsigned(),
        count: 1,
        time,
        key: all.slice(..key.len()),
        headers,
        body: all.slice(key.len()..key.len() + body.len()),
    }
}

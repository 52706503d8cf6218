//! The bus over a cluster of Kafka.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use whittle_bus::{Bus, BusError, Consumer, Done, Entry, Frame, ProduceError};

use crate::consumer::{Member, Spoken};
use crate::error::{is_leaderless, unavailable};
use crate::follower::{Follower, last_of};
use crate::group::Commits;
use crate::keeper::Keeper;
use crate::producer::Producer;
use crate::settings::{Settings, SettingsError};
use crate::topics::{Cleanup, Strength, Topics, Wanted};

/// Time for the brokers to say where a partition begins and ends.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause before a leader is looked for again.
const SOON: Duration = Duration::from_millis(100);

/// The bus. Nothing needs to answer for it to open: who uses it is told, and tries again.
pub struct KafkaBus {
    settings: Settings,
    producer: Arc<Producer>,
    topics: Arc<Topics>,
    commits: Commits,
    spoken: Arc<Spoken>,
    keeper: Mutex<Keeper>,
}

impl KafkaBus {
    /// Makes the clients. They connect by themselves.
    ///
    /// # Errors
    /// A setting that the clients do not take.
    pub fn open(settings: Settings) -> Result<Arc<Self>, SettingsError> {
        let producer = Arc::new(Producer::new(&settings)?);
        let topics = Arc::new(Topics::new(&settings, producer.clone()));
        let keeper = Keeper::start(producer.clone(), topics.clone())
            .map_err(|e| SettingsError { key: "threads".into(), message: e.to_string() })?;
        let (commits, spoken) = (Commits::default(), Arc::default());
        Ok(Arc::new(KafkaBus { settings, producer, topics, commits, spoken, keeper: Mutex::new(keeper) }))
    }

    /// As [`Bus::ensure_topic`], for a topic that keeps the newest record of each key for ever.
    ///
    /// # Errors
    /// As of [`Bus::ensure_topic`].
    pub fn ensure_compacted(&self, topic: &str, partitions: u32) -> Result<u32, BusError> {
        self.topics.ensure(topic, Wanted { partitions, cleanup: Cleanup::Compact })
    }

    /// Gives a topic more partitions where it has fewer; says how many it has then.
    ///
    /// # Errors
    /// The brokers do not answer, or refuse.
    pub fn grow_topic(&self, topic: &str, partitions: u32) -> Result<u32, BusError> {
        self.topics.grow(topic, partitions)
    }

    /// As [`Bus::subscribe`], but a group that has committed nothing begins with what comes from now on.
    ///
    /// # Errors
    /// As of [`Bus::subscribe`].
    pub fn subscribe_at_end(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, BusError> {
        self.join(topic, group, "latest")
    }

    /// Reads all of a topic from its first record on, beside all groups.
    ///
    /// # Errors
    /// There is no such topic, or the brokers do not answer.
    pub fn follow(&self, topic: &str) -> Result<Follower, BusError> {
        Follower::new(&self.settings, topic, self.topics.count(topic)?)
    }

    /// The last message of a partition that is still there.
    ///
    /// # Errors
    /// There is no such partition, or the brokers do not answer.
    pub fn last(&self, topic: &str, partition: u32) -> Result<Option<Frame>, BusError> {
        last_of(&self.settings, topic, partition)
    }

    /// What records of these topics can bear, for warnings and refusals.
    ///
    /// # Errors
    /// There is no such topic, or the brokers do not answer.
    pub fn strengths(&self, topics: &[&str]) -> Result<Vec<Strength>, BusError> {
        self.topics.strengths(topics)
    }

    /// The id that the cluster has for ever, if the brokers answer.
    pub fn cluster(&self) -> Option<String> {
        self.producer.ask(|client| client.fetch_cluster_id(ANSWER)).flatten()
    }

    /// The names of all topics of the cluster.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn topics(&self) -> Result<Vec<String>, BusError> {
        self.topics.list()
    }

    /// Deletes topics; they are not made again.
    ///
    /// # Errors
    /// The brokers do not answer, or refuse.
    pub fn delete_topics(&self, topics: &[&str]) -> Result<(), BusError> {
        self.topics.delete(topics)
    }

    /// Messages that were acknowledged, and that were not, since the start.
    pub fn sent(&self) -> (u64, u64) {
        use std::sync::atomic::Ordering::Relaxed;
        (self.producer.course.sent.load(Relaxed), self.producer.course.failed.load(Relaxed))
    }

    /// Messages that wait for their acknowledgement.
    pub fn waiting(&self) -> usize {
        self.producer.waiting()
    }

    /// Sends what waits for at most `time`; nothing is taken any more.
    pub fn close(&self, time: Duration) {
        self.producer.close(time);
        self.commits.clear();
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).stop();
    }

    /// Ends as a process does that is killed: what was not acknowledged is given up.
    pub fn abandon(&self) {
        self.producer.abandon();
        self.commits.clear();
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner).stop();
    }

    fn join(&self, topic: &str, group: &str, reset: &'static str) -> Result<Box<dyn Consumer>, BusError> {
        self.topics.count(topic)?;
        Ok(Box::new(Member::join(&self.settings, self.spoken.clone(), topic, group, reset)?))
    }

    /// Begin and end of each partition.
    fn marks(&self, topic: &str) -> Result<Vec<(u64, u64)>, BusError> {
        (0..self.topics.count(topic)?).map(|partition| self.marks_of(topic, partition)).collect()
    }

    fn marks_of(&self, topic: &str, partition: u32) -> Result<(u64, u64), BusError> {
        let until = Instant::now() + ANSWER;
        loop {
            let asked = self.producer.ask(|client| client.fetch_watermarks(topic, partition.cast_signed(), ANSWER));
            match asked.ok_or_else(|| BusError::Unavailable("the bus is closing".into()))? {
                Ok((low, high)) => return Ok((low.cast_unsigned(), high.cast_unsigned())),
                // A partition that was made a moment ago, or whose leader has changed.
                Err(error) if error.rdkafka_error_code().is_some_and(is_leaderless) && Instant::now() < until => {
                    std::thread::sleep(SOON);
                }
                Err(error) => return Err(unavailable(&format!("{topic} cannot be read"), &error)),
            }
        }
    }
}

impl Bus for KafkaBus {
    fn ensure_topic(&self, topic: &str, partitions: u32) -> Result<u32, BusError> {
        self.topics.ensure(topic, Wanted { partitions, cleanup: Cleanup::Delete })
    }

    /// A topic must have been asked for before, in any way: who produces does not wait for the brokers to look for it.
    fn produce(&self, topic: &str, entry: Entry, done: Done) {
        let refused = match (self.topics.known(topic), entry.partition) {
            (None, _) => format!("topic {topic} is not there, or nobody has asked for it yet"),
            (Some(count), Some(partition)) if partition >= count => format!("{topic} has no partition {partition}"),
            _ => return self.producer.send(topic, entry, done),
        };
        done(Err(ProduceError::Unavailable(refused)));
    }

    fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, BusError> {
        self.join(topic, group, "earliest")
    }

    fn ends(&self, topic: &str) -> Result<Vec<u64>, BusError> {
        Ok(self.marks(topic)?.into_iter().map(|(_, end)| end).collect())
    }

    fn starts(&self, topic: &str) -> Result<Vec<u64>, BusError> {
        Ok(self.marks(topic)?.into_iter().map(|(start, _)| start).collect())
    }

    fn committed(&self, topic: &str, group: &str) -> Result<Vec<Option<u64>>, BusError> {
        self.commits.of(&self.settings, group, topic, self.topics.count(topic)?)
    }

    fn refusing(&self) -> Option<String> {
        self.producer.course.trouble()
    }
}

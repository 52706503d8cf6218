//! Topics: what is known of them, made when they are missing, and how much a record in them can bear.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::MetadataTopic;
use whittle_bus::BusError;

use crate::admin::{options, wait};
use crate::error::{self, code_words, unavailable};
use crate::producer::Producer;
use crate::settings::Settings;

/// Time for the brokers to answer a question.
const ANSWER: Duration = Duration::from_secs(5);
/// Time for a topic that was just made to have leaders.
const MADE: Duration = Duration::from_secs(30);

/// What becomes of old records of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cleanup {
    /// The brokers' retention.
    #[default]
    Delete,
    /// The newest of each key stays for ever.
    Compact,
}

/// A topic as it was asked for, to make it again where it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub partitions: u32,
    pub cleanup: Cleanup,
}

/// What a record of a topic can bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strength {
    /// The topic.
    pub topic: String,
    /// Replicas of the partition that has fewest.
    pub replicas: usize,
    /// Replicas that must have a record before it counts as taken, as far as the brokers say.
    pub min_in_sync: Option<usize>,
    /// A replica that lacks acknowledged records may become the leader.
    pub unclean: bool,
}

impl Strength {
    /// What an operator should know, with the fix; nothing where all is well.
    pub fn warnings(&self) -> Vec<String> {
        let Strength { topic, replicas, min_in_sync, unclean } = self;
        let mut warnings = Vec::new();
        if *replicas < 2 {
            warnings.push(format!(
                "{topic} has one replica: what only one machine has is gone with it. Give the topic three, and set KAFKA_REPLICAS for topics made from now on"
            ));
        } else if min_in_sync.is_some_and(|min| min < 2) {
            warnings.push(format!(
                "{topic} takes records that one replica alone has (min.insync.replicas=1): a broker that fails may take acknowledged records along. Set it to 2"
            ));
        }
        if *unclean {
            warnings.push(format!(
                "{topic} lets a replica lead that lacks acknowledged records (unclean.leader.election.enable=true). Set it to false"
            ));
        }
        warnings
    }
}

/// The topics that this bus knows.
pub(crate) struct Topics {
    settings: Settings,
    producer: Arc<Producer>,
    partitions: RwLock<HashMap<String, u32>>,
    wanted: Mutex<BTreeMap<String, Wanted>>,
    admin: Mutex<Option<Arc<AdminClient<DefaultClientContext>>>>,
}

/// What the brokers say of a topic.
struct Seen {
    partitions: u32,
    replicas: usize,
    /// Every partition has a leader.
    led: bool,
}

impl Topics {
    pub fn new(settings: &Settings, producer: Arc<Producer>) -> Self {
        Topics {
            settings: settings.clone(),
            producer,
            partitions: RwLock::default(),
            wanted: Mutex::default(),
            admin: Mutex::new(None),
        }
    }

    /// How many partitions a topic has, as far as anyone asked for it before.
    pub fn known(&self, topic: &str) -> Option<u32> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }

    /// Asks the brokers.
    pub fn count(&self, topic: &str) -> Result<u32, BusError> {
        let seen = self.look(topic)?.ok_or_else(|| BusError::Unknown(topic.to_owned()))?;
        Ok(seen.partitions)
    }

    /// Makes a topic when it is missing, and waits until it can be written. Says how many partitions it has.
    pub fn ensure(&self, topic: &str, wanted: Wanted) -> Result<u32, BusError> {
        self.lock_wanted().insert(topic.to_owned(), wanted);
        let until = Instant::now() + MADE;
        loop {
            match self.look(topic)? {
                Some(seen) if seen.led => return Ok(seen.partitions),
                Some(_) => {}
                None => self.make(topic, wanted)?,
            }
            if Instant::now() > until {
                let message = format!("topic {topic} has partitions without a leader; look at the brokers");
                return Err(BusError::Unavailable(message));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Gives a topic more partitions, where it has fewer. Keys move to others by that.
    pub fn grow(&self, topic: &str, partitions: u32) -> Result<u32, BusError> {
        let count = self.count(topic)?;
        if count >= partitions {
            return Ok(count);
        }
        let admin = self.admin()?;
        let fresh = [NewPartitions::new(topic, partitions as usize)];
        self.done("partitions cannot be added", wait(admin.create_partitions(&fresh, &options())))?;
        tracing::info!(topic, partitions, "partitions were added");
        let until = Instant::now() + MADE;
        while self.look(topic)?.is_none_or(|seen| seen.partitions < partitions || !seen.led) {
            if Instant::now() > until {
                return Err(BusError::Unavailable(format!("the new partitions of {topic} have no leader yet")));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(partitions)
    }

    /// Looks at all topics that were asked for: those that someone deleted are made again.
    pub fn tend(&self) -> Result<(), BusError> {
        let wanted = self.lock_wanted().clone();
        for (topic, wanted) in wanted {
            if self.look(&topic)?.is_none() {
                tracing::error!(topic, "the topic was deleted; it is made again, what it held is lost");
                self.make(&topic, wanted)?;
            }
        }
        Ok(())
    }

    /// What records of these topics can bear.
    pub fn strengths(&self, topics: &[&str]) -> Result<Vec<Strength>, BusError> {
        let mut strengths = Vec::new();
        for topic in topics {
            let seen = self.look(topic)?.ok_or_else(|| BusError::Unknown((*topic).to_owned()))?;
            let replicas = seen.replicas;
            strengths.push(Strength { topic: (*topic).to_owned(), replicas, min_in_sync: None, unclean: false });
        }
        let admin = self.admin()?;
        let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let described = wait(admin.describe_configs(&resources, &options()));
        // A user that may write need not be allowed to read settings; then they count as well.
        let Some(Ok(described)) = described else { return Ok(strengths) };
        for (strength, config) in strengths.iter_mut().zip(described) {
            let Ok(config) = config else { continue };
            let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone());
            strength.min_in_sync = value("min.insync.replicas").and_then(|min| min.parse().ok());
            strength.unclean = value("unclean.leader.election.enable").is_some_and(|value| value == "true");
        }
        Ok(strengths)
    }

    /// Deletes topics, for tests and for whoever starts over.
    pub fn delete(&self, topics: &[&str]) -> Result<(), BusError> {
        for topic in topics {
            self.lock_wanted().remove(*topic);
            self.forget(topic);
        }
        let admin = self.admin()?;
        self.done("topics cannot be deleted", wait(admin.delete_topics(topics, &options())))
    }

    /// The names of all topics of the cluster.
    pub fn list(&self) -> Result<Vec<String>, BusError> {
        let asked = self.producer.ask(|client| client.fetch_metadata(None, ANSWER)).ok_or_else(closed)?;
        let metadata = asked.map_err(|e| unavailable("the brokers cannot be asked", &e))?;
        Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
    }

    fn lock_wanted(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, topic: &str) {
        self.partitions.write().unwrap_or_else(PoisonError::into_inner).remove(topic);
    }

    /// What the brokers say of a topic, if it is there.
    fn look(&self, topic: &str) -> Result<Option<Seen>, BusError> {
        let asked = self.producer.ask(|client| client.fetch_metadata(Some(topic), ANSWER)).ok_or_else(closed)?;
        let metadata = asked.map_err(|e| unavailable("the brokers cannot be asked about topics", &e))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
        if let Some(code) = found.error().map(Code::from) {
            if error::is_unknown(code) {
                self.forget(topic);
                return Ok(None);
            }
            if code != Code::LeaderNotAvailable {
                return Err(BusError::Unavailable(format!("topic {topic}: {}", code_words(code))));
            }
        }
        let seen = seen(found);
        if let Some(wanted) = self.lock_wanted().get_mut(topic) {
            // Where partitions were added, a topic that is made again has them too.
            wanted.partitions = wanted.partitions.max(seen.partitions);
        }
        if seen.led {
            let mut known = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(topic.to_owned(), seen.partitions);
        }
        Ok(Some(seen))
    }

    fn make(&self, topic: &str, wanted: Wanted) -> Result<(), BusError> {
        match self.try_make(topic, wanted, true) {
            // Brokers before 3.6 do not know all settings.
            Err(Code::InvalidConfig) => self.try_make(topic, wanted, false),
            result => result,
        }
        .map_err(|code| BusError::Unavailable(format!("topic {topic} cannot be made: {}", code_words(code))))
    }

    fn try_make(&self, topic: &str, wanted: Wanted, all: bool) -> Result<(), Code> {
        let admin = self.admin().map_err(|_| Code::AllBrokersDown)?;
        let replicas = self.settings.replicas.map_or(-1, i32::from);
        let bytes = self.settings.message_bytes().to_string();
        let mut fresh = NewTopic::new(topic, wanted.partitions.max(1).cast_signed(), TopicReplication::Fixed(replicas))
            .set("max.message.bytes", &bytes);
        if wanted.cleanup == Cleanup::Compact {
            fresh = fresh.set("cleanup.policy", "compact");
        }
        if all {
            // The stamp is what a producer says, however odd its clock: a record is not refused for it.
            let ever = "9223372036854775807";
            fresh = fresh.set("message.timestamp.before.max.ms", ever).set("message.timestamp.after.max.ms", ever);
        }
        match wait(admin.create_topics([&fresh], &options())) {
            None => Err(Code::OperationTimedOut),
            Some(Err(error)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
            Some(Ok(results)) => match results.into_iter().next() {
                Some(Err((_, Code::TopicAlreadyExists))) | Some(Ok(_)) | None => {
                    tracing::info!(topic, partitions = wanted.partitions, "the topic was made");
                    Ok(())
                }
                Some(Err((_, code))) => Err(code),
            },
        }
    }

    /// The client of whoever makes and deletes; it costs a thread, so it is made when it is first needed.
    fn admin(&self) -> Result<Arc<AdminClient<DefaultClientContext>>, BusError> {
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(admin) = admin.as_ref() {
            return Ok(admin.clone());
        }
        let made = AdminClient::from_config(&self.settings.reader());
        let made = Arc::new(made.map_err(|e| unavailable("no client for topics", &e))?);
        *admin = Some(made.clone());
        Ok(made)
    }

    fn done(&self, tried: &str, results: Option<Result<Vec<TopicResult>, KafkaError>>) -> Result<(), BusError> {
        let refused = |words: String| BusError::Unavailable(format!("{tried}: {words}"));
        let results = results.ok_or_else(|| refused(code_words(Code::OperationTimedOut)))?;
        for result in results.map_err(|e| unavailable(tried, &e))? {
            match result {
                Err((topic, code)) if !error::is_unknown(code) => {
                    return Err(refused(format!("{topic}: {}", code_words(code))));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn seen(topic: &MetadataTopic) -> Seen {
    let partitions = topic.partitions();
    Seen {
        partitions: partitions.len() as u32,
        replicas: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
        led: !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0),
    }
}

fn closed() -> BusError {
    BusError::Unavailable("the bus is closing".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_topics_are_named_with_the_fix() {
        let strong = Strength { topic: "t".into(), replicas: 3, min_in_sync: Some(2), unclean: false };
        assert_eq!(strong.warnings(), Vec::<String>::new());
        let single = Strength { replicas: 1, min_in_sync: Some(1), ..strong.clone() };
        assert!(single.warnings()[0].contains("KAFKA_REPLICAS") && single.warnings().len() == 1);
        let loose = Strength { min_in_sync: Some(1), unclean: true, ..strong };
        assert_eq!(loose.warnings().len(), 2);
    }
}

//! The way in: entries as messages, and their producers told what became of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use whittle_bus::{Done, Entry, Position, ProduceError};

use crate::error;
use crate::settings::{Settings, SettingsError};

/// Says the time of an entry where Kafka's own stamp cannot: a stamp of 0 means "now" to the client.
pub(crate) const TIME_HEADER: &str = "time-us";

type Sender = ThreadedProducer<Told>;

/// What is known of how sending goes. Shared with the client's threads.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Why nothing can be sent now.
    trouble: Mutex<Option<String>>,
    /// The client gave up for good: it has to be made anew.
    broken: AtomicBool,
    pub sent: AtomicU64,
    pub failed: AtomicU64,
}

impl Course {
    pub fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An entry under way: who is to be told. The client wants it to be shareable, which the lock makes it; nobody shares it.
pub(crate) struct Delivery(Mutex<Done>);

impl Delivery {
    fn tell(self, result: Result<Position, ProduceError>) {
        (self.0.into_inner().unwrap_or_else(PoisonError::into_inner))(result);
    }
}

/// The client's calls.
pub(crate) struct Told {
    course: Arc<Course>,
    most: usize,
}

impl ClientContext for Told {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "kafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "kafka: {reason}");
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Fatal) => self.course.broken.store(true, Ordering::Release),
            Some(
                code @ (RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL),
            ) => {
                self.course.set_trouble(Some(error::code_words(code)));
            }
            _ => {}
        }
    }
}

impl ProducerContext for Told {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        let told = match result {
            Ok(message) => {
                self.course.sent.fetch_add(1, Ordering::Relaxed);
                let (partition, offset) = (message.partition().cast_unsigned(), message.offset().cast_unsigned());
                Ok(Position { partition, offset })
            }
            Err((error, _)) => {
                self.course.failed.fetch_add(1, Ordering::Relaxed);
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.course.broken.store(true, Ordering::Release);
                }
                Err(error::produce(error, self.most))
            }
        };
        delivery.tell(told);
    }
}

/// The producer, made anew where it gave up.
pub(crate) struct Producer {
    settings: Settings,
    sender: RwLock<Option<Sender>>,
    pub course: Arc<Course>,
}

impl Producer {
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let course = Arc::<Course>::default();
        let sender = connect(settings, &course).map_err(|e| error::settings(&e))?;
        Ok(Producer { settings: settings.clone(), sender: RwLock::new(Some(sender)), course })
    }

    /// Sends; `done` hears of it, here and now where it is not taken.
    pub fn send(&self, topic: &str, entry: Entry, done: Done) {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return done(Err(ProduceError::Closed)) };
        if entry.body.len() > self.settings.entry_bytes {
            return done(Err(ProduceError::TooLarge(self.settings.entry_bytes)));
        }
        let mut record: BaseRecord<'_, [u8], [u8], Box<Delivery>> =
            BaseRecord::with_opaque_to(topic, Box::new(Delivery(Mutex::new(done)))).payload(&entry.body);
        record = record.timestamp(entry.time.div_euclid(1000)).headers(headers(&entry));
        if !entry.key.is_empty() {
            record = record.key(&entry.key);
        }
        if let Some(partition) = entry.partition {
            record = record.partition(partition.cast_signed());
        }
        if let Err((error, record)) = sender.send(record) {
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                self.course.broken.store(true, Ordering::Release);
            }
            record.delivery_opaque.tell(Err(error::produce(&error, self.settings.entry_bytes)));
        }
    }

    /// Makes the client anew where it gave up: what it still had is told that its fate is unknown.
    pub fn mend(&self) {
        if !self.course.broken.swap(false, Ordering::AcqRel) {
            return;
        }
        tracing::error!("the producer lost its place in the log of a partition and is made anew");
        match connect(&self.settings, &self.course) {
            Ok(fresh) => {
                let old = self.sender.write().unwrap_or_else(PoisonError::into_inner).replace(fresh);
                drop(old);
            }
            Err(error) => {
                tracing::error!(%error, "the producer cannot be made; trying again");
                self.course.broken.store(true, Ordering::Release);
            }
        }
    }

    /// How many wait for their answer.
    pub fn waiting(&self) -> usize {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().map_or(0, |sender| usize::try_from(sender.in_flight_count()).unwrap_or(0))
    }

    /// Sends what waits for at most `time`, and takes nothing any more. What is left is told that its fate is unknown.
    pub fn close(&self, time: Duration) {
        let sender = self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(sender) = sender else { return };
        if sender.flush(time).is_err() {
            let waiting = sender.in_flight_count();
            tracing::warn!(waiting, "messages were not taken by the brokers in time; whether they arrive is unknown");
        }
    }

    /// Does what a process that is killed does: nothing is sent any more.
    pub fn abandon(&self) {
        let sender = self.sender.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(sender);
    }

    /// The client, for questions about topics.
    pub fn ask<T>(&self, question: impl FnOnce(&rdkafka::client::Client<Told>) -> T) -> Option<T> {
        // A copy, so that a broker that is slow to answer holds up no change of the client.
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(question(sender.client()))
    }
}

fn connect(settings: &Settings, course: &Arc<Course>) -> Result<Sender, KafkaError> {
    let told = Told { course: course.clone(), most: settings.entry_bytes };
    ThreadedProducer::from_config_and_context(&settings.producer(), told)
}

fn headers(entry: &Entry) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(entry.headers.len() + 1);
    for (key, value) in &entry.headers {
        headers = headers.insert(Header { key, value: Some(value.as_ref()) });
    }
    if entry.time < 1000 {
        let time = Bytes::from(entry.time.to_string());
        headers = headers.insert(Header { key: TIME_HEADER, value: Some(time.as_ref()) });
    }
    headers
}

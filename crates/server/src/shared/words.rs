//! A model's words about patterns: told to all by whoever asked the model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus as _, Entry};
use whittle_kafka::KafkaBus;
use whittle_patterns::PatternId;

use super::{WORDS, follow};
use crate::clock::now_micros;
use crate::insights::{Insights, Words};
use crate::topics::Acks;

/// Time for words to be durable; they are paid for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes in all words that are known, and those that come.
///
/// # Errors
/// The topic cannot be read.
pub fn follow_words(insights: &Insights, bus: &KafkaBus, stop: &CancellationToken) -> anyhow::Result<()> {
    let (now, later) = (insights.clone(), insights.clone());
    let learn = |insights: &Insights, bytes: &[u8]| {
        if let Some(words) = Words::decode(bytes) {
            insights.learn(words);
        }
    };
    follow::follow(bus, WORDS, stop, |frame| learn(&now, &frame.body), move |frame| learn(&later, &frame.body))
}

/// Tells words to all, and waits until they are durable.
///
/// # Errors
/// They are not within half a minute.
pub fn publish_words(bus: &Arc<KafkaBus>, pattern: PatternId, words: &[u8]) -> Result<(), String> {
    let acks = Acks::of(1);
    let told = acks.clone();
    let entry = Entry {
        key: Bytes::from(pattern.to_string()),
        partition: Some(0),
        body: Bytes::copy_from_slice(words),
        count: 1,
        time: now_micros(),
        ..Entry::default()
    };
    bus.produce(WORDS, entry, Box::new(move |result| told.told(0, result)));
    let busy = acks.take_busy();
    let failed = if busy { None } else { acks.wait(&CancellationToken::new(), Some(Instant::now() + PATIENCE)) };
    match failed.as_deref() {
        Some([]) => Ok(()),
        Some([(_, error), ..]) => Err(error.to_string()),
        None => Err("the bus does not take them now".into()),
    }
}

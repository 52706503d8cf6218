//! Candidates between copies of the analysis: each tells what it sees, one of them asks.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use whittle_domain::Level;

use super::hold::Candidate;

/// A candidate on its way.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    pattern_id: String,
    level: Level,
    lines: u32,
}

/// Both ends of the way.
pub struct Relay {
    /// What this copy sees.
    pub told: Told,
    /// The worker of this copy.
    pub heard: Heard,
}

/// Candidates of this copy, to be told to whoever asks.
pub struct Told(pub(super) mpsc::Receiver<Candidate>);

impl Told {
    /// The next one, with its pattern's id as a key.
    pub async fn next(&mut self) -> Option<(String, Vec<u8>)> {
        let Candidate { pattern, level, lines } = self.0.recv().await?;
        let message = Message { pattern_id: pattern.to_string(), level, lines };
        // A struct of texts and numbers always has a JSON form.
        Some((pattern.to_string(), serde_json::to_vec(&message).unwrap_or_default()))
    }
}

/// The queue of the worker that asks.
pub struct Heard(pub(super) mpsc::Sender<Candidate>);

impl Heard {
    /// Takes in a candidate that some copy has told. What is none is passed over; where there is no room it comes again with the
    /// next lines of its pattern.
    pub fn hear(&self, message: &[u8]) {
        let Ok(Message { pattern_id, level, lines }) = serde_json::from_slice(message) else { return };
        let Ok(pattern) = pattern_id.parse() else { return };
        if self.0.try_send(Candidate { pattern, level, lines }).is_err() {
            tracing::debug!("the model's worker has no room for a candidate");
        }
    }
}

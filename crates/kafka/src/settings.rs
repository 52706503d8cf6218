//! What is set, and the clients' settings that follow from it.

use std::time::Duration;

use rdkafka::ClientConfig;

/// The protocol that members of a group speak with the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupProtocol {
    /// The new one; the classic one where the brokers do not know it.
    #[default]
    Auto,
    /// The new one (KIP-848, from Kafka 4.0): a partition moves alone, the others go on.
    Consumer,
    /// The one before.
    Classic,
}

/// How the brokers are told who we are, and we that it is them. Empty where they ask for nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: Option<String>,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: Option<String>,
    /// Name for SASL.
    pub username: Option<String>,
    /// Password for SASL.
    pub password: Option<String>,
    /// File or folder of the authorities whose certificates count; the system's when absent.
    pub ca: Option<String>,
    /// File of our own certificate.
    pub certificate: Option<String>,
    /// File of its key.
    pub key: Option<String>,
    /// Password of that file.
    pub key_password: Option<String>,
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security").field("protocol", &self.protocol).field("mechanism", &self.mechanism).finish()
    }
}

/// What a bus is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Brokers to begin with, `host:port` separated by commas.
    pub brokers: String,
    /// The name under which the brokers count what we do.
    pub client_id: String,
    /// Protocol of groups.
    pub groups: GroupProtocol,
    /// Access to the brokers.
    pub security: Security,
    /// Replicas of topics that are made here; the cluster's default when absent.
    pub replicas: Option<u16>,
    /// Bytes that an entry may have, and that topics made here take.
    pub entry_bytes: usize,
    /// Bytes that may wait to be sent, beyond which entries are refused.
    pub queue_bytes: usize,
    /// How long a group waits for a member that is silent, in the classic protocol; in the new one the brokers say.
    pub session: Duration,
}

impl Settings {
    /// Usual settings for these brokers.
    pub fn new(brokers: impl Into<String>) -> Self {
        Settings {
            brokers: brokers.into(),
            client_id: "whittle".into(),
            groups: GroupProtocol::Auto,
            security: Security::default(),
            replicas: None,
            entry_bytes: 4 << 20,
            queue_bytes: 128 << 20,
            session: Duration::from_secs(6),
        }
    }
}

/// A setting that the clients do not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct SettingsError {
    /// The client's own name of the setting.
    pub key: String,
    /// What it says.
    pub message: String,
}

/// What SASL may be spoken in here: Kerberos would need its libraries.
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
/// What connections may be.
const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// What a message may have beside its value: key, headers, framing.
const BESIDE: usize = 64 << 10;

impl Settings {
    /// Checks what can be told without the brokers.
    ///
    /// # Errors
    /// The first setting that the clients would not take, with the fix.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |key: &str, message: String| Err(SettingsError { key: key.into(), message });
        if self.brokers.split(',').all(|broker| broker.trim().is_empty()) {
            return wrong("bootstrap.servers", "names no broker; give host:port, separated by commas".into());
        }
        let Security { protocol, mechanism, username, password, .. } = &self.security;
        if let Some(protocol) = protocol.as_deref().filter(|protocol| !PROTOCOLS.contains(protocol)) {
            return wrong("security.protocol", format!("{protocol:?} is none of {}", PROTOCOLS.join(", ")));
        }
        if let Some(mechanism) = mechanism.as_deref().filter(|mechanism| !MECHANISMS.contains(mechanism)) {
            return wrong("sasl.mechanism", format!("{mechanism:?} is none of {}", MECHANISMS.join(", ")));
        }
        let sasl = protocol.as_deref().is_some_and(|protocol| protocol.starts_with("sasl"));
        if sasl && mechanism.is_none() {
            return wrong("sasl.mechanism", format!("is needed with SASL; give one of {}", MECHANISMS.join(", ")));
        }
        if sasl && (username.is_none() || password.is_none()) {
            return wrong("sasl.username", "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are needed with SASL".into());
        }
        self.producer().create_native_config().map(drop).map_err(|error| crate::error::settings(&error))
    }

    /// Bytes that a message may have with everything that belongs to it.
    pub(crate) fn message_bytes(&self) -> usize {
        self.entry_bytes + BESIDE
    }

    /// What all clients have in common.
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("message.max.bytes", self.message_bytes().to_string())
            // A broker that hangs keeps its connections open. Asking all of them who leads every few seconds finds the new leader
            // after 3 s where the socket's own timeout would take its time; with the default of a minute it is 44 s.
            .set("topic.metadata.refresh.interval.ms", "3000")
            .set("socket.timeout.ms", "10000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            // A connection that was idle is closed by the broker: nothing to tell anyone.
            .set("log.connection.close", "false")
            .set("allow.auto.create.topics", "false");
        self.secure(&mut config);
        config
    }

    fn secure(&self, config: &mut ClientConfig) {
        let Security { protocol, mechanism, username, password, ca, certificate, key, key_password } = &self.security;
        for (name, value) in [
            ("security.protocol", protocol),
            ("sasl.mechanism", mechanism),
            ("sasl.username", username),
            ("sasl.password", password),
            ("ssl.ca.location", ca),
            ("ssl.certificate.location", certificate),
            ("ssl.key.location", key),
            ("ssl.key.password", key_password),
        ] {
            if let Some(value) = value {
                config.set(name, value);
            }
        }
    }

    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            // For ever: once records time out the client takes a new epoch and sends again what may lie in the log already, and
            // records stand there twice, acknowledged ones among them. Whoever waits has a deadline of its own.
            .set("delivery.timeout.ms", "0")
            .set("queue.buffering.max.kbytes", (self.queue_bytes >> 10).max(1).to_string())
            .set("queue.buffering.max.messages", "1000000")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("compression.type", "lz4")
            // The partition that Java's clients take for a key.
            .set("partitioner", "murmur2_random")
            .set("topic.metadata.propagation.max.ms", "10000");
        config
    }

    /// A consumer that is no member of a group (yet).
    pub(crate) fn reader(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "100")
            .set("fetch.queue.backoff.ms", "50")
            .set("queued.min.messages", "50000")
            .set("queued.max.messages.kbytes", "32768")
            .set("fetch.message.max.bytes", self.message_bytes().max(1 << 20).to_string())
            .set("auto.offset.reset", "earliest");
        config
    }

    /// A member of a group that has committed nothing begins at `reset`.
    pub(crate) fn member(&self, group: &str, classic: bool, reset: &str) -> ClientConfig {
        let mut config = self.reader();
        config.set("group.id", group).set("auto.offset.reset", reset);
        if classic {
            let session = self.session.as_millis();
            config
                .set("group.protocol", "classic")
                .set("session.timeout.ms", session.to_string())
                .set("heartbeat.interval.ms", (session / 4).max(1).to_string())
                // Partitions that stay are not taken away and given back at each change.
                .set("partition.assignment.strategy", "cooperative-sticky");
        } else {
            config.set("group.protocol", "consumer");
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_takes_its_settings() {
        let security = Security {
            protocol: Some("sasl_ssl".into()),
            mechanism: Some("SCRAM-SHA-512".into()),
            username: Some("whittle".into()),
            password: Some("secret".into()),
            ..Security::default()
        };
        let settings = Settings { security, ..Settings::new("127.0.0.1:1") };
        for config in [
            settings.producer(),
            settings.reader(),
            settings.member("g", false, "latest"),
            settings.member("g", true, "earliest"),
        ] {
            config.create_native_config().expect("librdkafka knows every key and value");
        }
        assert!(!format!("{settings:?}").contains("secret"));
    }
}

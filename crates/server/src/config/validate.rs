//! What no single key shows. Whatever passes here is taken by `whittle up` too: only the machine itself (a port that is taken, a
//! folder that cannot be written) can stop it then.

use whittle_domain::scrub::Scrubber;
use whittle_postgres::Address;

use super::{Config, ConfigError, ScrubSetting};
use crate::http::origin;
use crate::model::ModelError;

/// The topic of dead letters. Its name is not set, so that no setting can make stages read what they refused.
pub(crate) const DEAD_LETTERS: &str = "logs.dlq";
/// With Kafka: rows that rules may match, for the one engine that counts them.
pub(crate) const ALERTS: &str = "logs.alerts";
/// With Kafka: patterns without words, for the one worker that asks a model.
pub(crate) const CANDIDATES: &str = "logs.candidates";
/// The longest name of a topic, as Kafka has it.
const TOPIC_NAME: usize = 249;

impl Config {
    /// Checks the settings as a whole.
    ///
    /// # Errors
    /// Names the key and the fix.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_backends()?;
        self.validate_bind()?;
        self.validate_log()?;
        self.validate_scrub()?;
        self.validate_sizes()?;
        self.validate_ports()?;
        self.validate_topics()?;
        self.validate_origins()?;
        self.validate_model()?;
        self.alerts.validate().map_err(|e| ConfigError::new("[alerts]", e))?;
        self.gateway.validate().map_err(|e| ConfigError::new("[gateway]", e))
    }

    fn validate_backends(&self) -> Result<(), ConfigError> {
        if let Some(settings) = self.kafka_settings("check") {
            settings.check().map_err(|error| ConfigError::new(kafka_key(&error.key), error.message))?;
        }
        let address = self.postgres_url.as_deref().map(Address::parse).transpose();
        address.map(drop).map_err(|error| ConfigError::new("POSTGRES_URL", error.to_string()))
    }

    fn validate_bind(&self) -> Result<(), ConfigError> {
        if self.whittle_bind.to_canonical().is_loopback() || self.whittle_allow_open {
            return Ok(());
        }
        Err(ConfigError::new(
            "WHITTLE_BIND",
            format!(
                "{} can be reached from other machines and there is no authentication; set WHITTLE_ALLOW_OPEN=1 if your network is trusted",
                self.whittle_bind
            ),
        ))
    }

    fn validate_log(&self) -> Result<(), ConfigError> {
        let parsed = tracing_subscriber::EnvFilter::try_new(&self.whittle_log);
        parsed.map(drop).map_err(|error| {
            let message = format!("is no filter ({error}); give error, warn, info, debug, or a tracing filter");
            ConfigError::new("WHITTLE_LOG", message)
        })
    }

    fn validate_scrub(&self) -> Result<(), ConfigError> {
        if self.whittle_scrub != ScrubSetting::Hash {
            return Ok(());
        }
        let Some(key) = &self.whittle_scrub_key else {
            return Err(ConfigError::new(
                "WHITTLE_SCRUB_KEY",
                "WHITTLE_SCRUB=hash needs a secret key; set it, or put it in a file and set WHITTLE_SCRUB_KEY_FILE",
            ));
        };
        Scrubber::hash(key.as_bytes()).map(drop).map_err(|e| ConfigError::new("WHITTLE_SCRUB_KEY", e.to_string()))
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("WHITTLE_MAX_BODY_BYTES", self.whittle_max_body_bytes as u64, 1 << 30),
            ("WHITTLE_MAX_DECODED_BYTES", self.whittle_max_decoded_bytes as u64, 1 << 30),
            ("WHITTLE_MAX_RECORDS", self.whittle_max_records as u64, 10_000_000),
            ("WHITTLE_MAX_RECORD_BYTES", self.whittle_max_record_bytes as u64, 64 << 20),
            ("WHITTLE_MAX_INFLIGHT_BYTES", self.whittle_max_inflight_bytes as u64, 1 << 40),
            ("WHITTLE_MAX_LAG_RECORDS", self.whittle_max_lag_records, 1 << 40),
            ("WHITTLE_RETENTION_DAYS", u64::from(self.whittle_retention_days), 36_500),
            ("WHITTLE_RETENTION_BYTES", self.whittle_retention_bytes, 1 << 50),
            ("KAFKA_PARTITIONS", u64::from(self.kafka_partitions), 4096),
            ("KAFKA_REPLICAS", u64::from(self.kafka_replicas.unwrap_or(1)), 64),
        ];
        for (key, value, most) in sizes {
            if value == 0 || value > most {
                return Err(ConfigError::new(key, format!("{value} is out of range; give 1 to {most}")));
            }
        }
        Ok(())
    }

    fn validate_ports(&self) -> Result<(), ConfigError> {
        let ports = [
            ("PORT", self.port),
            ("HTTP_PORT", self.http_port),
            ("WS_PORT", self.ws_port),
            ("DASHBOARD_PORT", self.dashboard_port),
        ];
        for (i, (key, port)) in ports.iter().enumerate() {
            if let Some((other, _)) = ports[..i].iter().find(|(_, p)| p == port && *p != 0) {
                return Err(ConfigError::new(*key, format!("{port} is also {other}; give each its own port")));
            }
        }
        Ok(())
    }

    /// Two topics of one name would feed a stage what it, or one behind it, wrote.
    fn validate_topics(&self) -> Result<(), ConfigError> {
        let topics = [
            ("the dead letters", DEAD_LETTERS),
            ("the alert engine", ALERTS),
            ("the model's worker", CANDIDATES),
            ("KAFKA_TOPIC_RAW", &self.kafka_topic_raw),
            ("KAFKA_TOPIC_NORMALIZED", &self.kafka_topic_normalized),
            ("KAFKA_TOPIC_INSIGHTS", &self.kafka_topic_insights),
        ];
        for (i, (key, name)) in topics.iter().enumerate() {
            if !is_topic(name) {
                let rule = "give letters, digits, '.', '_' and '-', at most 249 of them";
                return Err(ConfigError::new(*key, format!("{name:?} is no name of a topic; {rule}")));
            }
            if let Some((other, _)) = topics[..i].iter().find(|(_, n)| n == name) {
                let message = format!("{name} is also the topic of {other}; give each its own name");
                return Err(ConfigError::new(*key, message));
            }
        }
        Ok(())
    }

    fn validate_origins(&self) -> Result<(), ConfigError> {
        match self.origins().into_iter().find(|o| !origin::is_origin(o)) {
            None => Ok(()),
            Some(origin) => Err(ConfigError::new(
                "CORS_ORIGINS",
                format!(
                    "{origin:?} is no origin; write them like https://logs.example.com, without a path, separated by commas"
                ),
            )),
        }
    }

    fn validate_model(&self) -> Result<(), ConfigError> {
        self.model.validate().map_err(|e| ConfigError::new("[model]", e))?;
        self.model_config().check().map_err(|error| {
            let key = match error {
                ModelError::BaseUrl => "OPENAI_BASE_URL",
                ModelError::Key => "OPENAI_API_KEY",
                _ => "[model]",
            };
            let words = error.to_string();
            ConfigError::new(key, words.strip_prefix(key).unwrap_or(&words).trim_start())
        })
    }
}

/// Our name of a client's setting.
fn kafka_key(theirs: &str) -> &str {
    match theirs {
        "bootstrap.servers" => "KAFKA_BROKERS",
        "security.protocol" => "KAFKA_SECURITY_PROTOCOL",
        "sasl.mechanism" | "sasl.mechanisms" => "KAFKA_SASL_MECHANISM",
        "sasl.username" => "KAFKA_SASL_USERNAME",
        "sasl.password" => "KAFKA_SASL_PASSWORD",
        "ssl.ca.location" => "KAFKA_SSL_CA",
        "ssl.certificate.location" => "KAFKA_SSL_CERTIFICATE",
        "ssl.key.location" => "KAFKA_SSL_KEY",
        "ssl.key.password" => "KAFKA_SSL_KEY_PASSWORD",
        other => other,
    }
}

/// A name that Kafka takes, and that is a folder's name of its own.
fn is_topic(name: &str) -> bool {
    let takes = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !matches!(name, "" | "." | "..") && name.len() <= TOPIC_NAME && name.chars().all(takes)
}

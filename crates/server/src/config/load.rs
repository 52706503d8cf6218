//! Reading the settings: the file as a table, the environment laid over it, then one typed look at all of it.

use std::ffi::OsString;
use std::path::Path;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::Config;

/// A setting that stops the program: which one, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigError {
    /// The key, as it stands in the environment or the file.
    pub key: String,
    /// What is wrong, with the fix.
    pub message: String,
}

impl ConfigError {
    /// An error of one key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { key: key.into(), message: message.into() }
    }
}

/// How a variable's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it stands.
    Text,
    /// As it stands, and `NAME_FILE` may name a file that holds it.
    Secret,
    /// A whole number.
    Number,
    /// `1`, `true`, `yes`, `on`, and their opposites.
    Switch,
}

/// A setting of the environment.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// How it is read.
    pub kind: Kind,
    /// What it does, in a line.
    pub about: &'static str,
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// Every setting of the environment; in lower case each is a key of the file.
pub const KEYS: &[Key] = &[
    key("PORT", Kind::Number, "port of ingestion (3001)"),
    key("HTTP_PORT", Kind::Number, "port of storage and queries (4000)"),
    key("WS_PORT", Kind::Number, "port of the WebSocket gateway (8080)"),
    key("DASHBOARD_PORT", Kind::Number, "port of the page (5173)"),
    key("METRICS_PORT", Kind::Number, "port of /metrics for roles that run alone and have none (9464); not used by up"),
    key("WHITTLE_BIND", Kind::Text, "address to listen on (127.0.0.1)"),
    key("WHITTLE_ALLOW_OPEN", Kind::Switch, "allow an address other machines can reach, without authentication (off)"),
    key("WHITTLE_DATA_DIR", Kind::Text, "folder of everything that is kept (./whittle-data)"),
    key(
        "WHITTLE_LOG",
        Kind::Text,
        "what the program says of itself: error, warn, info, debug, or a tracing filter (info)",
    ),
    key("CORS_ORIGINS", Kind::Text, "origins beside loopback that browsers may come from, comma-separated"),
    key("STORAGE_URL", Kind::Text, "where the page's server finds storage when it runs alone; not used by up"),
    key("GATEWAY_URL", Kind::Text, "where the page's server finds the gateway when it runs alone; not used by up"),
    key("WHITTLE_RATE_LIMIT", Kind::Number, "requests a second and client address; 0 is no limit (0)"),
    key("WHITTLE_MAX_BODY_BYTES", Kind::Number, "bytes of a request as sent (16 MiB)"),
    key("WHITTLE_MAX_DECODED_BYTES", Kind::Number, "bytes of a request decoded (64 MiB)"),
    key("WHITTLE_MAX_RECORDS", Kind::Number, "records in a request (50000)"),
    key("WHITTLE_MAX_RECORD_BYTES", Kind::Number, "bytes of a record (1 MiB)"),
    key(
        "WHITTLE_MAX_INFLIGHT_BYTES",
        Kind::Number,
        "bytes of requests held in memory before new ones are refused (64 MiB)",
    ),
    key(
        "WHITTLE_MAX_LAG_RECORDS",
        Kind::Number,
        "records that may wait for the stages before new ones are refused (20000000)",
    ),
    key("WHITTLE_SCRUB", Kind::Text, "secrets and personal data: off, mask or hash (off)"),
    key("WHITTLE_SCRUB_KEY", Kind::Secret, "key of the hash"),
    key("WHITTLE_RETENTION_DAYS", Kind::Number, "days that the history keeps (7)"),
    key("WHITTLE_RETENTION_BYTES", Kind::Number, "bytes that the history keeps (10 GiB)"),
    key("OPENAI_API_KEY", Kind::Secret, "key of the model's API; without it everything but a model's words works"),
    key("OPENAI_BASE_URL", Kind::Text, "base of an OpenAI-compatible API (https://api.openai.com/v1)"),
    key("OPENAI_MODEL", Kind::Text, "name of the model (gpt-4o-mini)"),
    key("KAFKA_BROKERS", Kind::Text, "Kafka's brokers, host:port separated by commas; the embedded bus without them"),
    key("KAFKA_TOPIC_RAW", Kind::Text, "topic of records as ingested (logs.raw)"),
    key("KAFKA_TOPIC_NORMALIZED", Kind::Text, "topic of normalized records (logs.normalized), with Kafka"),
    key("KAFKA_TOPIC_INSIGHTS", Kind::Text, "topic of records with their insight (logs.insights), with Kafka"),
    key("KAFKA_GROUP_PROTOCOL", Kind::Text, "auto, consumer or classic (auto)"),
    key("KAFKA_PARTITIONS", Kind::Number, "partitions of topics that are made when they are missing (6)"),
    key("KAFKA_REPLICAS", Kind::Number, "replicas of these topics (as the cluster has it)"),
    key(
        "WHITTLE_REQUIRE_REPLICAS",
        Kind::Number,
        "refuse to start where a topic has fewer replicas, or takes records that fewer than two have",
    ),
    key("KAFKA_SECURITY_PROTOCOL", Kind::Text, "plaintext, ssl, sasl_plaintext or sasl_ssl (plaintext)"),
    key("KAFKA_SASL_MECHANISM", Kind::Text, "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    key("KAFKA_SASL_USERNAME", Kind::Text, "name for the brokers"),
    key("KAFKA_SASL_PASSWORD", Kind::Secret, "password for the brokers"),
    key("KAFKA_SSL_CA", Kind::Text, "file of the authorities that sign the brokers' certificates (the system's)"),
    key("KAFKA_SSL_CERTIFICATE", Kind::Text, "file of our own certificate"),
    key("KAFKA_SSL_KEY", Kind::Text, "file of its key"),
    key("KAFKA_SSL_KEY_PASSWORD", Kind::Secret, "password of that file"),
    key(
        "POSTGRES_URL",
        Kind::Secret,
        "PostgreSQL for the history, like postgres://user:password@host:5432/database (columnar files in the data folder)",
    ),
];

/// Reads the settings: defaults, `file` (it must exist if named; `./whittle.toml` is read where there is one), environment.
///
/// # Errors
/// An unknown key in the file, or a value that does not parse, with the key and the fix.
pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<OsString>) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(path) => read_file(path)?,
        None if Path::new("whittle.toml").exists() => read_file(Path::new("whittle.toml"))?,
        None => Table::new(),
    };
    let mut set = Vec::new();
    for key in KEYS {
        if let Some(text) = value_of(key, &environment)? {
            table.insert(key.name.to_lowercase(), typed(key, &text)?);
            set.push(key.name);
        }
    }
    let config = Config::deserialize(table).map_err(|error| {
        let ConfigError { key, message } = explain(&error.to_string());
        // Whoever set a variable looks for its name, not for that of the file's key.
        let variable = set.into_iter().find(|name| name.eq_ignore_ascii_case(&key));
        ConfigError::new(variable.map_or(key, str::to_owned), message)
    })?;
    config.validate()?;
    Ok(config)
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError::new(&shown, format!("cannot be read ({e}); check the path given with --config")))?;
    let mut table: Table = text.parse().map_err(|error| broken_file(&shown, &text, &error))?;
    secrets_from_files(&mut table)?;
    Ok(table)
}

/// Says where a file is broken, but not what stands there: it may be a secret.
fn broken_file(shown: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    let line = before
        .map_or(String::new(), |before| format!(" in line {}", before.iter().filter(|b| **b == b'\n').count() + 1));
    ConfigError::new(shown, format!("is not valid TOML{line}: {}; write settings like port = 3001", error.message()))
}

/// `openai_api_key_file = "…"` in the file works as `OPENAI_API_KEY_FILE` does in the environment.
fn secrets_from_files(table: &mut Table) -> Result<(), ConfigError> {
    for key in KEYS.iter().filter(|k| k.kind == Kind::Secret) {
        let name = format!("{}_file", key.name.to_lowercase());
        match table.remove(&name) {
            None => {}
            Some(Value::String(path)) => {
                table.insert(key.name.to_lowercase(), Value::String(read_secret(&name, &path)?));
            }
            Some(_) => {
                return Err(ConfigError::new(name, "give the path of the file that holds the secret, in quotes"));
            }
        }
    }
    Ok(())
}

fn value_of(key: &Key, environment: &impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, ConfigError> {
    if let Some(text) = variable(key.name, environment)? {
        return Ok(Some(text));
    }
    if key.kind != Kind::Secret {
        return Ok(None);
    }
    let name = format!("{}_FILE", key.name);
    variable(&name, environment)?.map(|path| read_secret(&name, &path)).transpose()
}

/// An empty variable is an unset one: compose files pass `NAME=` for what is not given.
fn variable(name: &str, environment: &impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, ConfigError> {
    let Some(text) = environment(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let not_utf8 = |_| ConfigError::new(name, "is not valid UTF-8; set it again, or unset it");
    text.into_string().map(Some).map_err(not_utf8)
}

fn read_secret(name: &str, path: &str) -> Result<String, ConfigError> {
    let wrong = |what: String| ConfigError::new(name, format!("{path} {what}; name a file that holds the secret"));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read ({error})")))?;
    match text.trim_end() {
        "" => Err(wrong("is empty".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}

fn typed(key: &Key, text: &str) -> Result<Value, ConfigError> {
    let shown = |what: &str| ConfigError::new(key.name, format!("'{text}' is not {what}"));
    match key.kind {
        Kind::Text | Kind::Secret => Ok(Value::String(text.to_owned())),
        Kind::Number => {
            text.trim().parse().map(Value::Integer).map_err(|_| shown("a whole number; give one like 3001"))
        }
        Kind::Switch => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Value::Boolean(true)),
            "0" | "false" | "no" | "off" => Ok(Value::Boolean(false)),
            _ => Err(shown("a switch; give 1 or 0")),
        },
    }
}

/// Words a typed look's error with the key first, where the library puts it last, and with what the key takes.
fn explain(error: &str) -> ConfigError {
    let mut lines = error.lines();
    let message = lines.next().unwrap_or("cannot be read");
    let in_key = lines.find_map(|l| l.trim().strip_prefix("in `")).map(|l| l.trim_end_matches('`'));
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    match (unknown, in_key) {
        (Some((name, rest)), table) => {
            let name = table.map_or(name.to_owned(), |table| format!("{table}.{name}"));
            let known = rest.split_once(", ").map_or("", |(_, known)| known);
            ConfigError::new(name, format!("there is no such setting; {known}"))
        }
        (None, Some(name)) => ConfigError::new(name, with_fix(name, message)),
        (None, None) => ConfigError::new("settings", message),
    }
}

/// The library's words hold the value, so that a secret gets words of its own.
fn with_fix(name: &str, message: &str) -> String {
    let kind = KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name)).map(|key| key.kind);
    match kind {
        Some(Kind::Secret) => "give the secret as text in quotes".to_owned(),
        Some(Kind::Number) => format!("{message}; give a whole number in that range, without quotes"),
        Some(Kind::Switch) => format!("{message}; give true or false, without quotes"),
        Some(Kind::Text) => format!("{message}; give text in quotes of the kind that is expected"),
        None => format!("{message}; give a value of the kind that is expected"),
    }
}

//! Reading the settings: the file as a table, the environment laid over it, then one typed look at all of it.

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
    key("METRICS_PORT", Kind::Number, "port of /metrics for roles without one (9464)"),
    key("WHITTLE_BIND", Kind::Text, "address to listen on (127.0.0.1)"),
    key("WHITTLE_ALLOW_OPEN", Kind::Switch, "allow an address other machines can reach, without authentication (off)"),
    key("WHITTLE_DATA_DIR", Kind::Text, "folder of everything that is kept (./whittle-data)"),
    key(
        "WHITTLE_LOG",
        Kind::Text,
        "what the program says of itself: error, warn, info, debug, or a tracing filter (info)",
    ),
    key("CORS_ORIGINS", Kind::Text, "origins beside loopback that browsers may come from, comma-separated"),
    key("STORAGE_URL", Kind::Text, "where the page's server finds storage (this machine)"),
    key("GATEWAY_URL", Kind::Text, "where the page's server finds the gateway (this machine)"),
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
    key("KAFKA_BROKERS", Kind::Text, "Kafka's brokers; without them the embedded bus"),
    key("KAFKA_TOPIC_RAW", Kind::Text, "topic of records as ingested (logs.raw)"),
    key("KAFKA_TOPIC_NORMALIZED", Kind::Text, "topic of normalized records (logs.normalized)"),
    key("KAFKA_TOPIC_INSIGHTS", Kind::Text, "topic of records with their insight (logs.insights)"),
    key("KAFKA_GROUP_PROTOCOL", Kind::Text, "auto, consumer or classic (auto)"),
    key("POSTGRES_URL", Kind::Secret, "PostgreSQL for the history; without it columnar files"),
];

/// Reads the settings: defaults, `file` (it must exist if named; `./whittle.toml` is read where there is one), environment.
///
/// # Errors
/// An unknown key in the file, or a value that does not parse, with the key and the fix.
pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut table = match file {
        Some(path) => read_file(path)?,
        None if Path::new("whittle.toml").exists() => read_file(Path::new("whittle.toml"))?,
        None => Table::new(),
    };
    for key in KEYS {
        if let Some(text) = value_of(key, &environment)? {
            table.insert(key.name.to_lowercase(), typed(key, &text)?);
        }
    }
    let config = Config::deserialize(table).map_err(|e| explain(&e.to_string()))?;
    config.validate()?;
    Ok(config)
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError::new(&shown, format!("cannot be read ({e}); check the path given with --config")))?;
    let mut table: Table = text.parse().map_err(|e| ConfigError::new(&shown, format!("is not valid TOML: {e}")))?;
    secrets_from_files(&mut table)?;
    Ok(table)
}

/// `openai_api_key_file = "…"` in the file works as `OPENAI_API_KEY_FILE` does in the environment.
fn secrets_from_files(table: &mut Table) -> Result<(), ConfigError> {
    for key in KEYS.iter().filter(|k| k.kind == Kind::Secret) {
        let name = format!("{}_file", key.name.to_lowercase());
        if let Some(Value::String(path)) = table.remove(&name) {
            table.insert(key.name.to_lowercase(), Value::String(read_secret(&name, &path)?));
        }
    }
    Ok(())
}

fn value_of(key: &Key, environment: &impl Fn(&str) -> Option<String>) -> Result<Option<String>, ConfigError> {
    // An empty variable is an unset one: compose files pass `NAME=` for what is not given.
    if let Some(text) = environment(key.name).filter(|t| !t.is_empty()) {
        return Ok(Some(text));
    }
    if key.kind != Kind::Secret {
        return Ok(None);
    }
    let name = format!("{}_FILE", key.name);
    environment(&name).filter(|p| !p.is_empty()).map(|path| read_secret(&name, &path)).transpose()
}

fn read_secret(name: &str, path: &str) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(e) => {
            Err(ConfigError::new(name, format!("{path} cannot be read ({e}); name a file that holds the secret")))
        }
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

/// Words a typed look's error with the key first: the library puts it last.
fn explain(error: &str) -> ConfigError {
    let mut lines = error.lines();
    let message = lines.next().unwrap_or("cannot be read").to_owned();
    let in_key = lines.find_map(|l| l.trim().strip_prefix("in `")).map(|l| l.trim_end_matches('`').to_owned());
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()).map(str::to_owned);
    match (unknown, in_key) {
        (Some(name), _) => ConfigError::new(
            name,
            format!("there is no such setting; {}", message.split_once(", ").map_or("", |m| m.1)),
        ),
        (None, Some(name)) => ConfigError::new(name, message),
        (None, None) => ConfigError::new("settings", message),
    }
}

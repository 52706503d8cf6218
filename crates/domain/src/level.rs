//! The four levels, and how the many names of the field fall into them.

use serde::{Deserialize, Serialize};

/// The level of a normalized record, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Detail for developers (also trace, verbose).
    Debug = 0,
    /// The usual course of things; what is unknown or empty is `info`.
    #[default]
    Info = 1,
    /// Something to look at (also notice of trouble ahead).
    Warn = 2,
    /// A failure (also critical, alert, emergency, fatal, panic).
    Error = 3,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 4] = [Level::Debug, Level::Info, Level::Warn, Level::Error];

    /// The name in payloads: `debug`, `info`, `warn`, `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    /// The level with this exact payload name.
    pub fn from_payload(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|l| l.as_str() == name)
    }
}

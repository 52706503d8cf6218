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

    /// The level that a name of any common family means, in any case: syslog, log4j, Python, Go, .NET, Java's
    /// `util.logging`, glog's letters, OpenTelemetry's numbered names, and numbers written as text.
    pub fn from_name(name: &str) -> Option<Level> {
        let name = name.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '[' | ']' | '<' | '>' | ':'));
        if let Ok(number) = name.parse::<f64>() {
            return Level::from_number(number);
        }
        // OpenTelemetry numbers the names within a range: `WARN2`.
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
        NAMES.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(family))).map(|(level, _)| *level)
    }

    /// The level that a number means: 0–7 syslog; 10 to 60 in tens pino (also bunyan, Python); other 8–24 OpenTelemetry.
    pub fn from_number(number: f64) -> Option<Level> {
        if number.fract() != 0.0 {
            return None;
        }
        match number as i64 {
            0..=3 | 50 | 60 | 17..=19 | 21..=24 => Some(Level::Error),
            4 | 40 | 13..=16 => Some(Level::Warn),
            5 | 6 | 30 | 9 | 11 | 12 => Some(Level::Info),
            7 | 8 | 10 | 20 => Some(Level::Debug),
            _ => None,
        }
    }
}

/// The names of each level, over the families.
const NAMES: [(Level, &[&str]); 4] = [
    (
        Level::Info,
        &[
            "info",
            "information",
            "informational",
            "inf",
            "i",
            "notice",
            "note",
            "n",
            "log",
            "default",
            "config",
            "success",
        ],
    ),
    (
        Level::Error,
        &[
            "error",
            "err",
            "eror",
            "e",
            "fatal",
            "ftl",
            "f",
            "critical",
            "crit",
            "c",
            "alert",
            "a",
            "emergency",
            "emerg",
            "panic",
            "severe",
            "failure",
            "fail",
            "failed",
            "dpanic",
        ],
    ),
    (Level::Warn, &["warn", "warning", "wrn", "w", "caution"]),
    (
        Level::Debug,
        &["debug", "dbg", "d", "trace", "trc", "t", "verbose", "v", "fine", "finer", "finest", "silly", "all"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_each_family_fall_into_the_four() {
        for (name, level) in [
            ("warning", Level::Warn),
            ("WARN", Level::Warn),
            ("Warn2", Level::Warn),
            ("[W]", Level::Warn),
            ("fatal", Level::Error),
            ("E", Level::Error),
            ("emerg", Level::Error),
            ("SEVERE", Level::Error),
            ("ERROR3", Level::Error),
            ("notice", Level::Info),
            ("TRACE4", Level::Debug),
            ("FINEST", Level::Debug),
            ("3", Level::Error),
            ("30", Level::Info),
            (" info ", Level::Info),
        ] {
            assert_eq!(Level::from_name(name), Some(level), "{name}");
        }
        for name in ["", "banana", "2.5", "-1", "99", "NaN", "inf2x"] {
            assert_eq!(Level::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_of_the_three_scales() {
        let expected = [
            (0, Level::Error),
            (3, Level::Error),
            (4, Level::Warn),
            (6, Level::Info),
            (7, Level::Debug),
            (8, Level::Debug),
            (9, Level::Info),
            (10, Level::Debug),
            (13, Level::Warn),
            (17, Level::Error),
            (20, Level::Debug),
            (24, Level::Error),
            (30, Level::Info),
            (40, Level::Warn),
            (50, Level::Error),
            (60, Level::Error),
        ];
        for (number, level) in expected {
            assert_eq!(Level::from_number(f64::from(number)), Some(level), "{number}");
        }
        assert_eq!(Level::from_number(25.0), None);
        assert_eq!(Level::from_number(1e300), None);
    }
}

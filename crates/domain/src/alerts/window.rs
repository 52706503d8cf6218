//! A stretch of time in which equal rows are one notification.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use whittle_patterns::PatternId;

use super::AlertRule;
use crate::{Level, Row, RowText, Severity};

/// Characters of the message that a notice carries.
const MESSAGE_CHARS: usize = 500;

/// An open window of one fingerprint (rule, pattern, source). Times are `receivedAt`, in microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Name of the rule.
    pub rule: String,
    /// Pattern, as it was resolved when the window opened.
    pub pattern: u64,
    /// Who sent the rows.
    pub source: String,
    /// Level of the first row.
    pub level: Level,
    /// Severity of the first row's insight.
    pub severity: Severity,
    /// The first row's message, cut to 500 characters.
    pub message: String,
    /// Partition and offset of the first row.
    pub first: (u32, u64),
    /// When the first row came.
    pub opened_at: i64,
    /// When the newest row came.
    pub last_at: i64,
    /// When the window ends.
    pub ends_at: i64,
    /// Rows so far.
    pub count: u64,
    /// Rows at the first notice; 0 before it.
    pub notified: u64,
}

/// First word of a window, or its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// The window opened; the count so far.
    Firing,
    /// The window ended; the total.
    Update,
}

/// One notification. This is also the webhook's body (`docs/api/webhook.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The same for both notices of a window, and when a record is computed again: 32 hex digits.
    pub key: String,
    /// First word or last.
    pub kind: NoticeKind,
    /// Name of the rule.
    pub rule: String,
    /// Severity of the insight.
    pub severity: Severity,
    /// Level of the first row.
    pub level: Level,
    /// Who sent the rows.
    pub source: String,
    /// Id of the pattern: 16 hex digits.
    pub pattern_id: String,
    /// The first row's message, cut to 500 characters.
    pub message: String,
    /// `<partition>-<offset>` of the first row.
    pub first_seq: String,
    /// When the first row was received: milliseconds since 1970.
    pub first_seen: i64,
    /// When the newest row was received: milliseconds since 1970.
    pub last_seen: i64,
    /// Rows so far; in the update, all rows of the window.
    pub count: u64,
    /// Length of the window.
    pub window_seconds: u32,
}

impl Window {
    pub(super) fn open(
        rule: &AlertRule,
        pattern: PatternId,
        severity: Severity,
        row: &Row,
        text: &RowText<'_>,
    ) -> Self {
        Window {
            rule: rule.name.clone(),
            pattern: pattern.0,
            source: text.source.to_owned(),
            level: row.level,
            severity,
            message: text.message.chars().take(MESSAGE_CHARS).collect(),
            first: (row.partition, row.offset),
            opened_at: row.received_at,
            last_at: row.received_at,
            ends_at: row.received_at.saturating_add(i64::from(rule.window_seconds) * 1_000_000),
            count: 1,
            notified: 0,
        }
    }

    /// Whether a row of this time belongs to a later window. A clock that was far ahead and came back also ends one,
    /// else the window would stay open for as long as the clock had been wrong.
    pub(super) fn is_over(&self, received_at: i64) -> bool {
        let length = self.ends_at - self.opened_at;
        received_at >= self.ends_at || received_at < self.opened_at.saturating_sub(length)
    }

    /// Whether a notice is this window's.
    pub(super) fn is_of(&self, notice: &Notice) -> bool {
        self.opened_at / 1_000 == notice.first_seen && self.key() == notice.key
    }

    /// The first notice, if it has not been given.
    pub(super) fn first_notice(&mut self) -> Option<Notice> {
        if self.notified > 0 {
            return None;
        }
        self.notified = self.count;
        Some(self.notice(NoticeKind::Firing))
    }

    /// What is left to be said at the end: the total, where the first notice did not have it.
    pub(super) fn last_notice(mut self) -> Option<Notice> {
        match self.first_notice() {
            Some(first) => Some(first),
            None if self.count > self.notified => Some(self.notice(NoticeKind::Update)),
            None => None,
        }
    }

    fn notice(&self, kind: NoticeKind) -> Notice {
        Notice {
            key: self.key(),
            kind,
            rule: self.rule.clone(),
            severity: self.severity,
            level: self.level,
            source: self.source.clone(),
            pattern_id: PatternId(self.pattern).to_string(),
            message: self.message.clone(),
            first_seq: format!("{}-{}", self.first.0, self.first.1),
            first_seen: self.opened_at / 1_000,
            last_seen: self.last_at / 1_000,
            count: self.count,
            window_seconds: ((self.ends_at - self.opened_at) / 1_000_000) as u32,
        }
    }

    /// From the rule and the window's first record alone: computing the record again gives the same key, also where
    /// its pattern has been merged into another meanwhile.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.rule.as_bytes(), self.source.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.first.0.to_le_bytes());
        hash.update(self.first.1.to_le_bytes());
        hash.update(self.opened_at.to_le_bytes());
        hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

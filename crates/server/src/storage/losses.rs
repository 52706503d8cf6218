//! What retention takes away while an export runs: counted before and after, so that a file says what it lacks.

use std::sync::Arc;

use whittle_history::{Budget, Filter, Positions, Reader, Total};

use super::Storage;
use crate::http::Refusal;

/// What was there when an export began.
pub(super) struct Losses {
    /// The filter of the export without its query: counting it reads no text.
    plain: Filter,
    /// Whether these are the rows of the export, and not just all that it chooses from.
    is_exact: bool,
    rows: Total,
    /// Rows that retention had dropped by then.
    dropped: u64,
}

/// The start of an export: its anchor, the times of all that is stored, and what is watched.
pub(super) struct Start {
    pub head: Positions,
    pub range: Option<(i64, i64)>,
    pub losses: Losses,
}

impl Losses {
    /// Notes what is there. The anchor comes before the range, so that the range holds all that the anchor lets in.
    pub(super) async fn watch(storage: &Arc<Storage>, filter: &Filter) -> Result<Start, Refusal> {
        let is_exact = filter.query.is_none();
        let mut plain = Filter { query: None, ..filter.clone() };
        let question = move |reader: &dyn Reader, budget: &Budget| {
            let dropped = reader.stats().dropped_rows;
            let head = reader.head();
            plain.until.get_or_insert_with(|| head.clone());
            let rows = reader.recent(&plain, 0, 0, budget)?.total;
            Ok(Start { head, range: reader.stats().range, losses: Losses { plain, is_exact, rows, dropped } })
        };
        storage.ask(question).await
    }

    /// What a file lacks that was given `given` rows, in words; `None` when it lacks nothing.
    pub(super) async fn missing(self, storage: &Arc<Storage>, given: u64) -> Result<Option<String>, Refusal> {
        if storage.reader.stats().dropped_rows == self.dropped {
            return Ok(None);
        }
        let lost = match (&self.rows, self.is_exact) {
            (Total::Exact(rows), true) => Some(rows.saturating_sub(given)),
            (Total::Exact(before), false) => {
                let plain = self.plain;
                match storage.ask(move |reader, budget| reader.recent(&plain, 0, 0, budget)).await?.total {
                    Total::Exact(now) => Some(before.saturating_sub(now)),
                    Total::AtLeast(..) => None,
                }
            }
            (Total::AtLeast(..), _) => None,
        };
        Ok(match lost {
            Some(0) => None,
            Some(lost) if self.is_exact => {
                Some(format!("retention dropped {lost} of these records while this file was written"))
            }
            Some(lost) => Some(format!(
                "retention dropped {lost} records while this file was written; those of them that match are missing"
            )),
            None => Some("retention dropped records while this file was written; some may be missing".to_owned()),
        })
    }
}

//! Rows as they come back.

use tokio_postgres::Row;
use whittle_domain::Level;
use whittle_history::StoredRow;
use whittle_patterns::{Catalog, PatternId};

use super::judge::pattern_of;
use super::sql::Micros;
use crate::identity::place;
use crate::series::AllSeries;
use crate::text::from_exact;

/// The columns that [`stored`] reads.
pub(crate) const COLUMNS: &str =
    "id, timestamp, received_at, series, source, message, context::text, level_text, exact";

/// Texts of a row, byte for byte.
pub(crate) struct Texts {
    pub(crate) source: String,
    pub(crate) message: String,
    pub(crate) level_text: String,
    pub(crate) context: String,
}

impl Texts {
    /// From columns of these numbers, `exact` last.
    pub(crate) fn of(row: &Row, [source, message, context, level_text, exact]: [usize; 5]) -> Texts {
        if let Some([source, message, level_text, context]) = from_exact(row.get(exact)) {
            return Texts { source, message, level_text, context };
        }
        let text = |at: usize| row.get::<_, &str>(at);
        let context = if text(context) == "{}" { String::new() } else { text(context).to_owned() };
        let (source, message, level_text) = (text(source).into(), text(message).into(), text(level_text).into());
        Texts { source, message, level_text, context }
    }
}

/// A row of [`COLUMNS`].
pub(crate) fn stored(row: &Row, series: &AllSeries, catalog: &Catalog) -> StoredRow {
    let (partition, offset) = place(row.get(0));
    let of = series.get(row.get(3));
    let Texts { source, message, level_text, context } = Texts::of(row, [4, 5, 6, 7, 8]);
    StoredRow {
        partition,
        offset,
        timestamp: row.get::<_, Micros>(1).0,
        received_at: row.get::<_, Micros>(2).0,
        level: of.map_or(Level::default(), |series| series.level),
        level_text,
        source,
        message,
        context,
        pattern: of.map_or(PatternId::default(), |series| pattern_of(catalog, series.form)),
    }
}

//! Counts of what matches for certain, by minutes and hours: exact, without reading rows but those of cut minutes.

use super::cut::Cut;
use super::sql::{Args, Span, Which};

/// Microseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000_000;

/// How fine the times of counts must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Dates (UTC), or whatever: where nobody looks at them.
    Date,
}

impl Grain {
    /// The minutes that are one.
    pub(crate) fn minutes(self) -> i64 {
        match self {
            Grain::Minute => 1,
            Grain::Hour => 60,
            Grain::Date => 1_440,
        }
    }

    /// The tables to count from, the coarsest first.
    fn tables(self) -> &'static [(&'static str, i64)] {
        const ALL: &[(&str, i64)] = &[("dates", 1_440), ("hours", 60), ("minutes", 1)];
        match self {
            Grain::Minute => &ALL[2..],
            Grain::Hour => &ALL[1..],
            Grain::Date => ALL,
        }
    }
}

/// What is counted.
pub(crate) struct Cells<'a> {
    pub(crate) span: Span,
    pub(crate) which: &'a Which,
    pub(crate) cut: Option<&'a Cut>,
}

impl Cells<'_> {
    /// A query that gives `minute` (since 1970), `series`, `rows` for each count; some may be negative.
    pub(crate) fn sql(&self, grain: Grain, args: &mut Args) -> String {
        let Span { from, to } = self.span;
        let series = self.which.sql(args);
        let whole = (from.div_euclid(MINUTE) + i64::from(from % MINUTE != 0), to.div_euclid(MINUTE));
        let mut parts = Vec::new();
        if whole.0 > whole.1 {
            // Begins and ends within one minute.
            parts.push(self.rows(self.span, &series, args));
        } else {
            parts.extend(minutes(whole, grain, &series));
            let edges = [Span { from, to: whole.0 * MINUTE }, Span { from: whole.1 * MINUTE, to }];
            for edge in edges.into_iter().filter(|edge| !edge.is_empty()) {
                parts.push(self.rows(edge, &series, args));
            }
        }
        if let Some(cut) = self.cut {
            let span = self.span.sql(args);
            parts.push(format!(
                "SELECT floor(extract(epoch FROM timestamp) / 60)::int8, series, -1::int8 FROM logs WHERE {} AND {span} AND {series}",
                cut.above()
            ));
        }
        parts.join(" UNION ALL ")
    }

    /// Rows within one minute.
    fn rows(&self, span: Span, series: &str, args: &mut Args) -> String {
        let minute = span.from.div_euclid(MINUTE);
        let span = span.sql(args);
        format!("SELECT {minute}::int8 AS minute, series, 1::int8 AS rows FROM logs WHERE {span} AND {series}")
    }
}

fn minutes((from, to): (i64, i64), grain: Grain, series: &str) -> Vec<String> {
    let mut parts = Vec::new();
    if from < to {
        parts.push(part("fresh", (from, to), series));
        cover((from, to), grain.tables(), series, &mut parts);
    }
    parts
}

fn part(table: &str, (from, to): (i64, i64), series: &str) -> String {
    format!("SELECT minute, series, rows FROM whittle.{table} WHERE minute >= {from} AND minute < {to} AND {series}")
}

/// Covers minutes from the coarsest table that has any of them whole, and what is left at the ends from finer ones.
fn cover((from, to): (i64, i64), tables: &[(&str, i64)], series: &str, parts: &mut Vec<String>) {
    let Some((&(table, width), finer)) = tables.split_first().filter(|_| from < to) else { return };
    let (first, last) = ((from + width - 1).div_euclid(width) * width, to.div_euclid(width) * width);
    if first >= last {
        return cover((from, to), finer, series, parts);
    }
    parts.push(part(table, (first, last), series));
    cover((from, first), finer, series, parts);
    cover((last, to), finer, series, parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_is_counted_once_and_whole_dates_as_such() {
        let sql = |from: i64, to: i64, grain| minutes((from, to), grain, "true").join(" ");
        let ranges = sql(1_439, 4 * 1_440 + 61, Grain::Date);
        for range in [
            "dates WHERE minute >= 1440 AND minute < 5760",
            "hours WHERE minute >= 5760 AND minute < 5820",
            "minutes WHERE minute >= 1439 AND minute < 1440",
            "minutes WHERE minute >= 5820 AND minute < 5821",
            "fresh WHERE minute >= 1439 AND minute < 5821",
        ] {
            assert!(ranges.contains(range), "{range} in {ranges}");
        }
        assert_eq!(ranges.matches("SELECT").count(), 5);
        assert_eq!(sql(5, 90, Grain::Date).matches("SELECT").count(), 2, "no whole hour");
        assert_eq!(sql(7, 7, Grain::Date), "");
    }
}

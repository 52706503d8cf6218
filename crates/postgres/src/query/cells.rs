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
    /// Hours, or whatever: where nobody looks at them.
    Hour,
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
    if from == to {
        return Vec::new();
    }
    let of = |table: &str, range: &str| {
        format!("SELECT minute, series, rows FROM whittle.{table} WHERE ({range}) AND {series}")
    };
    let range = |from: i64, to: i64| format!("minute >= {from} AND minute < {to}");
    let fresh = of("fresh", &range(from, to));
    let hours = (from.div_euclid(60) + i64::from(from % 60 != 0), to.div_euclid(60));
    if grain == Grain::Minute || hours.0 >= hours.1 {
        return vec![of("minutes", &range(from, to)), fresh];
    }
    let (first, last) = (hours.0 * 60, hours.1 * 60);
    let mut parts = vec![of("hours", &range(first, last)), fresh];
    for (from, to) in [(from, first), (last, to)] {
        if from < to {
            parts.push(of("minutes", &range(from, to)));
        }
    }
    parts
}

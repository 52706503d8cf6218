//! The patterns of what matches.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_history::{Filter, PatternCount, Patterns, Total};
use whittle_patterns::PatternId;

use super::ask::{Ask, Stop};
use super::cells::{Cells, Grain, MINUTE};
use super::cut::Cut;
use super::judge::{Judged, pattern_of};
use super::scan;
use super::sql::{Args, Micros, Span};
use crate::series::Series;

#[derive(Default)]
struct OfPattern {
    levels: [u64; 4],
    sources: HashMap<Arc<str>, u64>,
    seen: Option<(i64, i64)>,
}

impl OfPattern {
    fn add(&mut self, series: &Series, rows: u64, seen: (i64, i64)) {
        self.levels[series.level as usize] += rows;
        *self.sources.entry(series.source.clone()).or_insert(0) += rows;
        let known = self.seen.unwrap_or(seen);
        self.seen = Some((known.0.min(seen.0), known.1.max(seen.1)));
    }
}

pub(super) async fn patterns(ask: &mut Ask<'_>, filter: &Filter) -> Result<Patterns, Stop> {
    let mut found: HashMap<PatternId, OfPattern> = HashMap::new();
    let done = count(ask, filter, &mut found).await;
    ask.settle(done).await?;
    let (firsts, oldest) = firsts(ask).await?;
    let counted = |(pattern, of): (PatternId, OfPattern)| {
        let seen = of.seen.unwrap_or_default();
        let first_ever = firsts.get(&pattern).copied().unwrap_or(seen.0);
        PatternCount { pattern, levels: of.levels, sources: by_count(of.sources), seen, first_ever }
    };
    let mut patterns: Vec<PatternCount> = found.into_iter().map(counted).collect();
    let rows = |pattern: &PatternCount| pattern.levels.iter().sum::<u64>();
    patterns.sort_unstable_by(|a, b| rows(b).cmp(&rows(a)).then(a.pattern.cmp(&b.pattern)));
    let total: Total = ask.total(patterns.iter().map(rows).sum());
    Ok(Patterns { total, patterns, oldest })
}

/// Most frequent first, then by value.
pub(super) fn by_count<T: AsRef<str>>(values: HashMap<T, u64>) -> Vec<(String, u64)> {
    let mut values: Vec<(String, u64)> = values.into_iter().map(|(value, n)| (value.as_ref().to_owned(), n)).collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values
}

async fn count(ask: &mut Ask<'_>, filter: &Filter, found: &mut HashMap<PatternId, OfPattern>) -> Result<(), Stop> {
    let span = Span::of(filter.from, filter.to);
    if span.is_empty() {
        return Ok(());
    }
    let judged = Judged::of(filter, &ask.series, &ask.shared.catalog, &ask.shared.literals);
    let cut = Cut::of(filter.until.as_ref(), &ask.head);
    let (all, catalog) = (ask.series.clone(), ask.shared.catalog.clone());
    if !judged.yes.is_empty() {
        let mut args = Args::default();
        let cells = Cells { span, which: &judged.yes, cut: cut.as_ref() }.sql(Grain::Hour, &mut args);
        // By hour first: what is left out by `until` may empty one.
        let sql = format!(
            "SELECT series, sum(rows)::int8, min(hour), max(hour) FROM ( \
               SELECT series, minute - minute % 60 AS hour, sum(rows) AS rows FROM ({cells}) c GROUP BY 1, 2 HAVING sum(rows) > 0 \
             ) h GROUP BY 1"
        );
        for row in ask.rows(&sql, args).await? {
            let Some(series) = all.get(row.get(0)) else { continue };
            let seen = (row.get::<_, i64>(2) * MINUTE, (row.get::<_, i64>(3) + 60) * MINUTE - 1);
            let seen = (seen.0.max(span.from), seen.1.min(span.to - 1));
            let of = found.entry(pattern_of(&catalog, series.form)).or_default();
            of.add(series, row.get::<_, i64>(1).unsigned_abs(), seen);
        }
    }
    scan::matching(ask, &judged, span, cut.as_ref(), |row| {
        let of = found.entry(pattern_of(&catalog, row.series.form)).or_default();
        of.add(row.series, 1, (row.timestamp, row.timestamp));
        Ok(())
    })
    .await
}

/// First timestamp of each pattern, and of all, in all that is stored.
async fn firsts(ask: &mut Ask<'_>) -> Result<(HashMap<PatternId, i64>, Option<i64>), Stop> {
    let sql = "SELECT series, min(first) FROM whittle.firsts GROUP BY 1";
    let rows = ask.rows(sql, Args::default()).await?;
    let (mut firsts, mut oldest): (HashMap<PatternId, i64>, Option<i64>) = (HashMap::new(), None);
    for row in rows {
        let Some(series) = ask.series.get(row.get(0)) else { continue };
        let time = row.get::<_, Micros>(1).0;
        let first = firsts.entry(pattern_of(&ask.shared.catalog, series.form)).or_insert(time);
        *first = time.min(*first);
        oldest = Some(oldest.map_or(time, |oldest| time.min(oldest)));
    }
    Ok((firsts, oldest))
}

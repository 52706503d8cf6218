//! A page of rows, newest first, and how many match.
//!
//! The counts say in which stretch of time the page stands; only rows of that stretch are read, however deep it is.

use std::collections::BTreeMap;

use whittle_history::{Filter, Recent, StoredRow, Total};

use super::ask::{Ask, Stop};
use super::cells::{Cells, Grain, MINUTE};
use super::cut::Cut;
use super::judge::Judged;
use super::rows::{self, stored};
use super::scan;
use super::sql::{Args, Micros, Span, Which};

/// Rows of a stretch that are sorted rather than counted more finely.
const FEW: u64 = 2_000;

/// Rows that are passed over for one that matches.
const RARE: f64 = 50.0;
/// Microseconds within which this may be so everywhere: three hours.
const DENSE_WITHIN: i64 = 3 * 60 * MINUTE;

/// The order of a page: timestamp, then id, falling.
type Key = (i64, i64);

/// What a page is cut from.
struct Matches {
    /// Those that match for certain.
    yes: Which,
    cut: Option<Cut>,
    /// Keys of the others.
    read: Vec<Key>,
}

pub(super) async fn recent(ask: &mut Ask<'_>, filter: &Filter, limit: usize, offset: u64) -> Result<Recent, Stop> {
    let until = filter.until.clone().unwrap_or_else(|| ask.head.clone());
    let nothing = |total| Recent { rows: Vec::new(), total, until: until.clone() };
    let span = Span::of(filter.from, filter.to);
    let cut = Cut::of(filter.until.as_ref(), &ask.head);
    if span.is_empty() {
        return Ok(nothing(Total::Exact(0)));
    }
    let judged = Judged::of(filter, &ask.series, &ask.shared.catalog, &ask.shared.literals);
    let mut matches = Matches { yes: judged.yes.clone(), cut, read: Vec::new() };
    let mut dates = match matches.counted(ask, span, Grain::Date).await {
        Err(Stop::Partial) => return Ok(nothing(ask.total(0))),
        dates => dates?,
    };
    let most = ask.memory() / size_of::<Key>();
    let found = scan::matching(ask, &judged, span, matches.cut.as_ref(), |row| {
        matches.read.push((row.timestamp, row.id));
        if matches.read.len() < most { Ok(()) } else { Err(Stop::Full) }
    });
    let found = found.await;
    ask.settle(found).await?;
    matches.add_read(&mut dates, span, Grain::Date);
    let total = ask.total(dates.values().sum());
    let rows = match limit {
        0 => Vec::new(),
        _ => matches.page(ask, dates, span, limit as u64, offset).await?,
    };
    Ok(Recent { rows, total, until })
}

/// Counts by the first minute of a stretch.
type Counts = BTreeMap<i64, u64>;

impl Matches {
    /// What matches for certain, by minute or hour.
    async fn counted(&self, ask: &mut Ask<'_>, span: Span, grain: Grain) -> Result<Counts, Stop> {
        if self.yes.is_empty() {
            return Ok(Counts::new());
        }
        let mut args = Args::default();
        let cells = Cells { span, which: &self.yes, cut: self.cut.as_ref() }.sql(grain, &mut args);
        let minutes = grain.minutes();
        let sql = format!(
            "SELECT minute - minute % {minutes}, sum(rows)::int8 FROM ({cells}) c GROUP BY 1 HAVING sum(rows) > 0"
        );
        let rows = ask.rows(&sql, args).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
    }

    /// Adds the rows that were read to the counts.
    fn add_read(&self, counts: &mut Counts, span: Span, grain: Grain) {
        for (timestamp, _) in self.read.iter().filter(|(timestamp, _)| span.contains(*timestamp)) {
            let minute = timestamp.div_euclid(MINUTE);
            *counts.entry(minute - minute % grain.minutes()).or_insert(0) += 1;
        }
    }

    async fn page(
        &mut self,
        ask: &mut Ask<'_>,
        dates: Counts,
        span: Span,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<StoredRow>, Stop> {
        let Some(mut window) = Window::of(&dates, Grain::Date, offset, limit) else { return Ok(Vec::new()) };
        window.span = window.span.and(span);
        for grain in [Grain::Hour, Grain::Minute] {
            if window.rows <= window.skip + limit + FEW || self.is_dense(ask, &window, limit) {
                break;
            }
            let mut finer = self.counted(ask, window.span, grain).await?;
            self.add_read(&mut finer, window.span, grain);
            let Some(found) = Window::of(&finer, grain, window.skip, limit) else { return Ok(Vec::new()) };
            window = Window { span: found.span.and(window.span), ..found };
        }
        match self.read.is_empty() {
            true => self.rows_of(ask, &window, limit).await,
            false => self.merged(ask, &window, limit).await,
        }
    }

    /// Whether so many rows match that the page is found soon by going through all in order, and finer counts would only cost.
    fn is_dense(&self, ask: &Ask<'_>, window: &Window, limit: u64) -> bool {
        if !self.read.is_empty() || window.skip.saturating_add(limit) > FEW {
            return false;
        }
        if self.yes == Which::All {
            return true;
        }
        // Over longer times they may stand together anywhere.
        let stats = ask.shared.stats();
        let (first, last) = stats.range.unwrap_or_default();
        let (here, all) = (window.span.to - window.span.from, (last - first).max(1));
        let expected = stats.rows as f64 * here as f64 / all as f64;
        here <= DENSE_WITHIN && window.rows as f64 * RARE >= expected
    }

    /// Where and in which order the rows of a window stand that match for certain.
    fn ordered(&self, window: &Window, args: &mut Args) -> String {
        let conditions = [window.span.sql(args), self.yes.sql(args), Cut::below(self.cut.as_ref()).to_owned()];
        format!("FROM logs WHERE {} ORDER BY timestamp DESC, id DESC", conditions.join(" AND "))
    }

    async fn rows_of(&self, ask: &mut Ask<'_>, window: &Window, limit: u64) -> Result<Vec<StoredRow>, Stop> {
        let mut args = Args::default();
        let ordered = self.ordered(window, &mut args);
        let sql = format!("SELECT {} {ordered} LIMIT {limit} OFFSET {}", rows::COLUMNS, window.skip);
        let rows = ask.rows(&sql, args).await?;
        Ok(rows.iter().map(|row| stored(row, &ask.series, &ask.shared.catalog)).collect())
    }

    /// The page from rows that match for certain and rows that were read.
    async fn merged(&mut self, ask: &mut Ask<'_>, window: &Window, limit: u64) -> Result<Vec<StoredRow>, Stop> {
        let most = window.skip.saturating_add(limit);
        let mut keys: Vec<Key> = self.read.iter().copied().filter(|key| window.span.contains(key.0)).collect();
        if !self.yes.is_empty() {
            let mut args = Args::default();
            let ordered = self.ordered(window, &mut args);
            let rows = ask.rows(&format!("SELECT timestamp, id {ordered} LIMIT {most}"), args).await?;
            keys.extend(rows.iter().map(|row| (row.get::<_, Micros>(0).0, row.get::<_, i64>(1))));
        }
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let skip = usize::try_from(window.skip).unwrap_or(usize::MAX);
        let keys: Vec<Key> = keys.into_iter().skip(skip).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        by_keys(ask, &keys).await
    }
}

/// The rows of some keys, in their order.
async fn by_keys(ask: &mut Ask<'_>, keys: &[Key]) -> Result<Vec<StoredRow>, Stop> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::default();
    let times = args.times(keys.iter().map(|key| key.0));
    let ids = args.bigints(keys.iter().map(|key| key.1).collect());
    let sql = format!("SELECT {} FROM logs WHERE timestamp = ANY({times}) AND id = ANY({ids})", rows::COLUMNS);
    let found = ask.rows(&sql, args).await?;
    let mut rows: BTreeMap<Key, StoredRow> = found
        .iter()
        .map(|row| ((row.get::<_, Micros>(1).0, row.get(0)), stored(row, &ask.series, &ask.shared.catalog)))
        .collect();
    Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
}

/// A stretch of time that holds a page.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    span: Span,
    /// Rows in it.
    rows: u64,
    /// Its newest rows that stand before the page.
    skip: u64,
}

impl Window {
    /// The window of the rows from `skip` on, `limit` of them; `None` when there are no such rows.
    fn of(counts: &Counts, grain: Grain, mut skip: u64, limit: u64) -> Option<Window> {
        let mut window: Option<Window> = None;
        for (&minute, &rows) in counts.iter().rev() {
            let (from, to) = (minute * MINUTE, (minute + grain.minutes()) * MINUTE);
            match &mut window {
                None if rows <= skip => skip -= rows,
                None => window = Some(Window { span: Span { from, to }, rows, skip }),
                Some(window) => {
                    window.span.from = from;
                    window.rows += rows;
                }
            }
            if window.as_ref().is_some_and(|window| window.rows >= skip.saturating_add(limit)) {
                break;
            }
        }
        window
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_holds_the_page(
            counts in prop::collection::btree_map(0i64..30, 1u64..5, 0..12), skip in 0u64..40, limit in 1u64..10,
        ) {
            let minutes: Vec<i64> = counts.iter().rev().flat_map(|(&minute, &n)| (0..n).map(move |_| minute)).collect();
            let page: Vec<i64> = minutes.iter().copied().skip(skip as usize).take(limit as usize).collect();
            match Window::of(&counts, Grain::Minute, skip, limit) {
                None => prop_assert!(page.is_empty()),
                Some(window) => {
                    let inside: Vec<i64> =
                        minutes.into_iter().filter(|minute| window.span.contains(minute * MINUTE)).collect();
                    prop_assert_eq!(inside.len() as u64, window.rows);
                    let found: Vec<i64> = inside.into_iter().skip(window.skip as usize).take(limit as usize).collect();
                    prop_assert_eq!(found, page);
                }
            }
        }
    }
}

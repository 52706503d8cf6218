//! Counts over time, by level or source.

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_history::{Chart, Filter, Histogram, SplitBy};

use super::ask::{Ask, Stop};
use super::cells::{Cells, Grain, MINUTE};
use super::cut::Cut;
use super::judge::Judged;
use super::scan;
use super::sql::{Args, Span};
use crate::series::Series;

/// Sources with a series of their own.
const MAX_SERIES: usize = 20;

/// Counts by name, one a bucket.
struct Buckets {
    by: SplitBy,
    chart: Chart,
    named: HashMap<String, Vec<u64>>,
    total: u64,
}

impl Buckets {
    fn name(&self, series: &Series) -> String {
        match self.by {
            SplitBy::Level => series.level.as_str().to_owned(),
            SplitBy::Source => series.source.to_string(),
        }
    }

    fn add(&mut self, series: &Series, timestamp: i64, rows: u64) {
        let Some(at) = self.chart.bucket_of(timestamp) else { return };
        let counts = self.named.entry(self.name(series)).or_insert_with(|| vec![0; self.chart.len]);
        counts[at] += rows;
        self.total += rows;
    }

    /// The series in the order of the answer.
    fn series(mut self) -> Vec<(String, Vec<u64>)> {
        let len = self.chart.len;
        if self.by == SplitBy::Level {
            let counts = |level: Level| self.named.remove(level.as_str()).unwrap_or_else(|| vec![0; len]);
            return Level::ALL
                .map(counts)
                .into_iter()
                .zip(Level::ALL)
                .map(|(n, l)| (l.as_str().to_owned(), n))
                .collect();
        }
        let mut series: Vec<(String, Vec<u64>)> = self.named.into_iter().collect();
        series.sort_by_cached_key(|(name, counts)| (std::cmp::Reverse(counts.iter().sum::<u64>()), name.clone()));
        let others = series.split_off(series.len().min(MAX_SERIES));
        if !others.is_empty() {
            let mut all = vec![0; len];
            others.iter().for_each(|(_, counts)| all.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n));
            series.push(("Other".to_owned(), all));
        }
        series
    }
}

pub(super) async fn histogram(
    ask: &mut Ask<'_>,
    filter: &Filter,
    buckets: usize,
    by: SplitBy,
) -> Result<Histogram, Stop> {
    let chart = chart(ask, filter, buckets).await?;
    let mut counts = Buckets { by, chart, named: HashMap::new(), total: 0 };
    let apart = match by {
        SplitBy::Level => Apart::Levels,
        SplitBy::Source => Apart::Sources,
    };
    let done = count(ask, filter, chart, apart, |series, timestamp, rows| counts.add(series, timestamp, rows)).await;
    match done {
        Err(Stop::Partial | Stop::Full) => {}
        done => done?,
    }
    let (from, bucket, total) = (counts.chart.from, counts.chart.bucket, ask.total(counts.total));
    Ok(Histogram { from, bucket, series: counts.series(), total })
}

/// The buckets over the range that is asked for, else over what is stored.
pub(super) async fn chart(ask: &mut Ask<'_>, filter: &Filter, buckets: usize) -> Result<Chart, Stop> {
    let stored = match (filter.from, filter.to) {
        (Some(_), Some(_)) => (0, -1),
        _ => range(ask).await?.unwrap_or((0, -1)),
    };
    let first = filter.from.unwrap_or(stored.0);
    let last = filter.to.map_or(stored.1, |to| to.saturating_sub(1));
    Ok(Chart::over((first, last.max(first.saturating_sub(1))), buckets))
}

/// First and last timestamp of what is stored.
async fn range(ask: &mut Ask<'_>) -> Result<Option<(i64, i64)>, Stop> {
    let sql = "SELECT (extract(epoch FROM min(first)) * 1000000)::int8, (extract(epoch FROM max(last)) * 1000000)::int8 \
        FROM whittle.days WHERE rows > 0";
    let rows = ask.rows(sql, Args::default()).await?;
    Ok(rows.first().and_then(|row| row.get::<_, Option<i64>>(0).zip(row.get(1))))
}

/// By what counts are told apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Apart {
    Levels,
    Sources,
    Series,
}

impl Apart {
    fn key(self) -> &'static str {
        match self {
            Apart::Levels => "s.level",
            Apart::Sources => "s.source",
            Apart::Series => "b.series",
        }
    }
}

/// Gives what matches to `add`: a series of those that are not told apart, a time within a bucket, and how many rows.
pub(super) async fn count(
    ask: &mut Ask<'_>,
    filter: &Filter,
    chart: Chart,
    apart: Apart,
    mut add: impl FnMut(&Series, i64, u64),
) -> Result<(), Stop> {
    let span = Span::of(filter.from, filter.to);
    if span.is_empty() || chart.len == 0 {
        return Ok(());
    }
    let judged = Judged::of(filter, &ask.series, &ask.shared.catalog, &ask.shared.literals);
    let cut = Cut::of(filter.until.as_ref(), &ask.head);
    if !judged.yes.is_empty() {
        certain(ask, &judged, span, cut.as_ref(), chart, apart, &mut add).await?;
    }
    scan::matching(ask, &judged, span, cut.as_ref(), |row| {
        add(row.series, row.timestamp, 1);
        Ok(())
    })
    .await
}

/// Counts what matches for certain: from the tables of counts, or from rows where buckets are shorter than a minute.
async fn certain(
    ask: &mut Ask<'_>,
    judged: &Judged,
    span: Span,
    cut: Option<&Cut>,
    chart: Chart,
    apart: Apart,
    add: &mut impl FnMut(&Series, i64, u64),
) -> Result<(), Stop> {
    let (from, bucket) = (chart.from, chart.bucket);
    let mut args = Args::default();
    let cells = if bucket % MINUTE == 0 {
        let fits = |grain: &Grain| bucket % (grain.minutes() * MINUTE) == 0;
        let grain = [Grain::Date, Grain::Hour].into_iter().find(fits).unwrap_or(Grain::Minute);
        let cells = Cells { span, which: &judged.yes, cut }.sql(grain, &mut args);
        let (from, bucket) = (from / MINUTE, bucket / MINUTE);
        format!("SELECT (minute - {from}) / {bucket} AS bucket, series, rows FROM ({cells}) c")
    } else {
        let conditions = [span.sql(&mut args), judged.yes.sql(&mut args), Cut::below(cut).to_owned()];
        format!(
            "SELECT ((extract(epoch FROM timestamp) * 1000000)::int8 - {from}) / {bucket} AS bucket, series, count(*) AS rows \
             FROM logs WHERE {} GROUP BY 1, 2",
            conditions.join(" AND ")
        )
    };
    // Where series are many and their names few, one of a name stands for all of them.
    let key = apart.key();
    let all = ask.series.clone();
    let sql = format!(
        "SELECT b.bucket, min(b.series), sum(b.rows)::int8 FROM ({cells}) b JOIN whittle.series s ON s.id = b.series \
         GROUP BY b.bucket, {key} HAVING sum(b.rows) > 0"
    );
    ask.each(&sql, args, |row| {
        if let Some(series) = all.get(row.get(1)) {
            let start = from.saturating_add(row.get::<_, i64>(0).saturating_mul(bucket));
            add(series, start, row.get::<_, i64>(2).unsigned_abs());
        }
        Ok(())
    })
    .await
}

//! The courses of some patterns over one range, from one question.

use hashbrown::HashMap;
use whittle_history::{Filter, Trends};
use whittle_patterns::PatternId;

use super::ask::{Ask, Stop};
use super::histogram::{Apart, chart, count};
use super::judge::pattern_of;
use crate::series::Series;

pub(super) async fn trends(
    ask: &mut Ask<'_>,
    filter: &Filter,
    patterns: &[PatternId],
    buckets: usize,
) -> Result<Trends, Stop> {
    let chart = chart(ask, filter, buckets).await?;
    let places: HashMap<PatternId, usize> = patterns.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let catalog = ask.shared.catalog.clone();
    let (mut counts, mut total) = (vec![vec![0; chart.len]; patterns.len()], 0);
    let add = |series: &Series, timestamp: i64, rows: u64| {
        total += rows;
        let place = places.get(&pattern_of(&catalog, series.form));
        if let (Some(&place), Some(at)) = (place, chart.bucket_of(timestamp)) {
            counts[place][at] += rows;
        }
    };
    match count(ask, filter, chart, Apart::Series, add).await {
        Err(Stop::Partial | Stop::Full) => {}
        done => done?,
    }
    Ok(Trends { from: chart.from, bucket: chart.bucket, counts, total: ask.total(total) })
}

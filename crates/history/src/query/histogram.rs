//! Buckets over time: how wide, and in which order their series come.

use hashbrown::HashMap;
use whittle_domain::Level;

use crate::SplitBy;

const SECOND: i64 = 1_000_000;

/// Widths of buckets in seconds, as a reader of a chart expects them; beyond, days by powers of two.
const WIDTHS: [i64; 17] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/// Most buckets of an answer.
const MAX_BUCKETS: usize = 500;

/// Sources with a series of their own.
const MAX_SERIES: usize = 20;

/// The least width that needs no more than `buckets` buckets.
pub(crate) fn bucket_width(first: i64, last: i64, buckets: usize) -> i64 {
    let most = buckets.clamp(1, MAX_BUCKETS) as i64;
    let fits = |&width: &i64| last.div_euclid(width) - first.div_euclid(width) < most;
    let days = (0..23).map(|power| (86_400 * SECOND) << power);
    WIDTHS.into_iter().map(|seconds| seconds * SECOND).chain(days).find(fits).unwrap_or(i64::MAX)
}

/// The series in the order of the answer, each of `len` counts.
pub(crate) fn arrange(mut series: HashMap<String, Vec<u64>>, by: SplitBy, len: usize) -> Vec<(String, Vec<u64>)> {
    if by == SplitBy::Level {
        let take = |level: Level| {
            let counts = series.remove(level.as_str()).unwrap_or_else(|| vec![0; len]);
            (level.as_str().to_owned(), counts)
        };
        return Level::ALL.map(take).to_vec();
    }
    let mut series: Vec<(String, Vec<u64>)> = series.into_iter().collect();
    series.sort_by_cached_key(|(name, counts)| (std::cmp::Reverse(counts.iter().sum::<u64>()), name.clone()));
    let others = series.split_off(series.len().min(MAX_SERIES));
    if !others.is_empty() {
        let mut all = vec![0; len];
        others.iter().for_each(|(_, counts)| all.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n));
        series.push(("Other".to_owned(), all));
    }
    series
}

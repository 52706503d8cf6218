//! The buckets of a chart: how wide they are and where they begin, the same in every history.

const SECOND: i64 = 1_000_000;

/// Widths of buckets in seconds, as a reader of a chart expects them; beyond, days by powers of two.
const WIDTHS: [i64; 17] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/// No timestamp is further from 1970: 10,000 years.
const FAR: i64 = 10_000 * 366 * 86_400 * SECOND;

/// Most buckets of an answer.
const MAX_BUCKETS: usize = 500;

/// Buckets over a stretch of time. Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chart {
    /// Start of the first bucket, a multiple of the width.
    pub from: i64,
    /// Width of each.
    pub bucket: i64,
    /// How many.
    pub len: usize,
}

impl Chart {
    /// At most so many buckets over the times from `first` to `last`; none when `last` is before `first`.
    pub fn over((first, last): (i64, i64), buckets: usize) -> Chart {
        let (first, last) = (first.clamp(-FAR, FAR), last.clamp(-FAR, FAR));
        let bucket = width(first, last, buckets);
        let from = first.div_euclid(bucket) * bucket;
        let len = if last < first { 0 } else { usize::try_from((last - from) / bucket + 1).unwrap_or(0) };
        Chart { from, bucket, len }
    }

    /// The bucket that a time falls into.
    pub fn bucket_of(&self, timestamp: i64) -> Option<usize> {
        let at = timestamp.saturating_sub(self.from).div_euclid(self.bucket);
        usize::try_from(at).ok().filter(|&at| at < self.len)
    }
}

/// The least width that needs no more than `buckets` buckets.
fn width(first: i64, last: i64, buckets: usize) -> i64 {
    let most = buckets.clamp(1, MAX_BUCKETS) as i64;
    let fits = |&width: &i64| last.div_euclid(width) - first.div_euclid(width) < most;
    let days = (0..23).map(|power| (86_400 * SECOND) << power);
    WIDTHS.into_iter().map(|seconds| seconds * SECOND).chain(days).find(fits).unwrap_or(i64::MAX)
}

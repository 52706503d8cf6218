//! The rows next to one in the raw log, of the same source.

use whittle_history::StoredRow;

use super::ask::{Ask, Stop};
use super::rows::{self, stored};
use super::sql::{Args, Which};
use crate::identity::{PARTITION_BITS, SEED_PARTITION, row_id};

/// Offsets that are looked through first, on each side; then eight times as many, and so on.
const FIRST_REACH: u64 = 4_096;

/// One partition, one source.
struct Beside {
    partition: u32,
    which: Which,
}

pub(super) async fn around(
    ask: &mut Ask<'_>,
    partition: u32,
    offset: u64,
    each: usize,
) -> Result<Vec<StoredRow>, Stop> {
    if partition > SEED_PARTITION || offset >= 1 << (63 - PARTITION_BITS - 1) {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {} FROM logs WHERE id = {}", rows::COLUMNS, row_id(partition, offset));
    let found = ask.rows(&sql, Args::default()).await?;
    let Some(center) = found.first() else { return Ok(Vec::new()) };
    let Some(source) = ask.series.get(center.get(3)).map(|series| series.source.clone()) else { return Ok(Vec::new()) };
    let center = stored(center, &ask.series, &ask.shared.catalog);
    let of_source = ask.series.list.iter().filter(|series| series.source == source).map(|series| series.id).collect();
    let beside = Beside { partition, which: Which::These(of_source) };
    let end = ask.head.get(&partition).copied().unwrap_or(u64::from(i32::MAX as u32));
    let mut rows = beside.before(ask, offset, each).await?;
    rows.reverse();
    rows.push(center);
    rows.extend(beside.after(ask, offset, end, each).await?);
    Ok(rows)
}

impl Beside {
    /// The nearest rows with lower offsets, nearest first.
    async fn before(&self, ask: &mut Ask<'_>, offset: u64, each: usize) -> Result<Vec<StoredRow>, Stop> {
        let (mut found, mut to, mut reach) = (Vec::new(), offset, FIRST_REACH);
        while found.len() < each && to > 0 {
            let from = to.saturating_sub(reach);
            found.extend(self.rows(ask, (from, to), each - found.len(), "DESC").await?);
            (to, reach) = (from, reach.saturating_mul(8));
        }
        Ok(found)
    }

    /// The nearest rows with higher offsets.
    async fn after(&self, ask: &mut Ask<'_>, offset: u64, end: u64, each: usize) -> Result<Vec<StoredRow>, Stop> {
        let (mut found, mut from, mut reach) = (Vec::new(), offset + 1, FIRST_REACH);
        while found.len() < each && from < end {
            let to = from.saturating_add(reach).min(end);
            found.extend(self.rows(ask, (from, to), each - found.len(), "ASC").await?);
            (from, reach) = (to, reach.saturating_mul(8));
        }
        Ok(found)
    }

    async fn rows(
        &self,
        ask: &mut Ask<'_>,
        (from, to): (u64, u64),
        limit: usize,
        order: &str,
    ) -> Result<Vec<StoredRow>, Stop> {
        let mut args = Args::default();
        let series = self.which.sql(&mut args);
        let of_partition = match self.partition {
            SEED_PARTITION => "true".to_owned(),
            partition => format!("(id & {}) = {partition}", (1 << PARTITION_BITS) - 1),
        };
        let sql = format!(
            "SELECT {} FROM logs WHERE id >= {} AND id < {} AND {of_partition} AND {series} ORDER BY id {order} LIMIT {limit}",
            rows::COLUMNS,
            row_id(self.partition, from),
            row_id(self.partition, to),
        );
        let rows = ask.rows(&sql, args).await?;
        Ok(rows.iter().map(|row| stored(row, &ask.series, &ask.shared.catalog)).collect())
    }
}

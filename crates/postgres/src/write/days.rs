//! Days of receipt, and their partitions.

use tokio_postgres::Client;
use whittle_domain::timestamp;

use crate::connection::DbError;
use crate::shared::{Shared, lock};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// One at a time makes or drops partitions. The number is any that nobody else takes.
const LOCK: i64 = 0x7768_6974_746c_6502;

/// The day of a time, since 1970.
pub(crate) fn of_day(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(0)
}

/// A day as `2025-11-30`.
pub(crate) fn day_name(day: i32) -> String {
    let text = timestamp::to_string(i64::from(day) * DAY);
    text.get(..10).unwrap_or_default().to_owned()
}

/// The table of a day's rows.
pub(crate) fn table_of(day: i32) -> String {
    format!("whittle.logs_{}", day_name(day).replace('-', ""))
}

/// Makes the partitions of days that have none. Made beside and then attached: readers and writers of others go on.
pub(crate) async fn ensure(client: &mut Client, shared: &Shared, days: &[i32]) -> Result<(), DbError> {
    let missing: Vec<i32> = {
        let known = lock(&shared.days);
        days.iter().copied().filter(|day| !known.contains(day)).collect()
    };
    for day in missing {
        let (table, name) = (table_of(day), day_name(day));
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let there = transaction.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?;
        if !there.get::<_, bool>(0) {
            let make = format!(
                "CREATE TABLE {table} (LIKE logs INCLUDING DEFAULTS); \
                 ALTER TABLE logs ATTACH PARTITION {table} FOR VALUES IN ('{name}')"
            );
            transaction.batch_execute(&make).await?;
        }
        transaction.commit().await?;
        lock(&shared.days).insert(day);
    }
    Ok(())
}

/// Drops a day with all that is counted of it; gives how many rows it had. Waits for nobody for long.
pub(crate) async fn drop_day(client: &mut Client, shared: &Shared, day: i32) -> Result<u64, DbError> {
    let name = day_name(day);
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    // Questions hold the tables that they read; a drop that waits for one would hold up all that come after.
    transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await?;
    let rows = transaction
        .query_one(&format!("SELECT coalesce(sum(rows), 0)::int8 FROM whittle.days WHERE day = '{name}'"), &[])
        .await?;
    transaction.batch_execute(&format!("DROP TABLE IF EXISTS {}", table_of(day))).await?;
    for table in ["fresh", "minutes", "hours", "dates", "firsts", "days"] {
        transaction.batch_execute(&format!("DELETE FROM whittle.{table} WHERE day = '{name}'")).await?;
    }
    transaction.commit().await?;
    lock(&shared.days).remove(&day);
    Ok(rows.get::<_, i64>(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_names() {
        assert_eq!((of_day(0), of_day(DAY - 1), of_day(-1)), (0, 0, -1));
        assert_eq!(table_of(of_day(1_764_504_000_000_000)), "whittle.logs_20251130");
    }
}

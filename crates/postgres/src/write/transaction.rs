//! One batch, one transaction.

use bytes::Bytes;
use futures_util::SinkExt as _;
use hashbrown::HashSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};
use whittle_domain::Batch;
use whittle_history::Positions;

use super::batch::{COLUMNS, Counts, Fresh, Known, days_around, encode, key};
use super::days::{self, day_name};
use super::{Link, MOST_FIRSTS};
use crate::connection::DbError;
use crate::shared::Shared;

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is durable.
    Stored {
        /// First and last timestamp.
        seen: (i64, i64),
        /// Where the partitions stand now.
        positions: Positions,
    },
    /// Another writer has moved the positions.
    Overtaken,
    /// PostgreSQL refuses a value.
    Malformed(String),
}

/// Stores the new rows of a batch.
pub(crate) async fn store(
    link: &mut Link,
    shared: &Shared,
    batch: &Batch,
    rows: &Fresh,
    own: Option<&[String]>,
    careful: bool,
) -> Result<Outcome, DbError> {
    let series = series_of(link, batch, rows).await?;
    let insights = link.insights.of(batch, rows, &series, &shared.settings.insight);
    let days = days_around(shared.settings.clock.now(), shared.settings.keep_age);
    let known = Known { series: &series, insights: &insights, own, days, careful };
    let (copied, counts) = encode(batch, rows, &known);
    let of_rows: HashSet<i32> = counts.days.keys().map(|(day, _)| *day).collect();
    days::ensure(&mut link.client, shared, &of_rows.into_iter().collect::<Vec<_>>()).await?;
    enter_partitions(&link.client, rows, &link.positions).await?;
    let firsts = new_firsts(link, &counts);
    let transaction = link.client.transaction().await?;
    match write(&transaction, rows, copied, &counts, &firsts).await {
        Ok(true) => {}
        Ok(false) => return Ok(Outcome::Overtaken),
        Err(error) if is_malformed(&error) => return Ok(Outcome::Malformed(DbError::from(error).0)),
        Err(error) => return Err(error.into()),
    }
    transaction.commit().await?;
    if link.firsts.len() > MOST_FIRSTS {
        link.firsts.clear();
    }
    link.firsts.extend(firsts.into_iter().map(|(day, series, first)| ((day, series), first)));
    let mut positions = link.positions.clone();
    positions.extend(rows.moved.iter().map(|&(partition, _, next)| (partition, next)));
    Ok(Outcome::Stored { seen: counts.seen(), positions })
}

/// A value that can never be stored, as against a database that cannot store now.
fn is_malformed(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        code.code().starts_with("22")
            || [SqlState::UNTRANSLATABLE_CHARACTER, SqlState::STATEMENT_TOO_COMPLEX].contains(code)
    })
}

/// The series of each new row.
async fn series_of(link: &mut Link, batch: &Batch, rows: &Fresh) -> Result<Vec<i32>, DbError> {
    let Link { client, series, .. } = link;
    let mut unknown: HashSet<(&str, u8, u64)> = HashSet::new();
    let mut keys = Vec::new();
    for (_, row) in rows.rows(batch) {
        let key = key(batch, row);
        if series.get(&key).is_none() && unknown.insert((key.source, key.level as u8, key.form.0)) {
            keys.push(key);
        }
    }
    if !keys.is_empty() {
        series.add(client, &keys).await?;
    }
    let found = rows.rows(batch).map(|(_, row)| series.get(&key(batch, row)));
    found
        .collect::<Option<Vec<i32>>>()
        .ok_or_else(|| DbError("PostgreSQL did not give the number of a series".to_owned()))
}

/// A partition that was never written has no row to move.
async fn enter_partitions(client: &Client, rows: &Fresh, positions: &Positions) -> Result<(), DbError> {
    let new: Vec<i32> =
        rows.moved.iter().filter(|(p, _, _)| !positions.contains_key(p)).map(|(p, _, _)| *p as i32).collect();
    if !new.is_empty() {
        let sql = "INSERT INTO whittle.positions SELECT p, 0 FROM unnest($1::int4[]) p ON CONFLICT DO NOTHING";
        client.execute(sql, &[&new]).await?;
    }
    Ok(())
}

/// First timestamps that are lower than what is stored.
fn new_firsts(link: &Link, counts: &Counts) -> Vec<(i32, i32, i64)> {
    let is_new = |at: &(i32, i32), first: i64| link.firsts.get(at).is_none_or(|known| first < *known);
    let new = counts.firsts.iter().filter(|(at, first)| is_new(at, **first));
    new.map(|(&(day, series), &first)| (day, series, first)).collect()
}

/// Writes everything; false when the positions are not where they should be.
async fn write(
    transaction: &Transaction<'_>,
    rows: &Fresh,
    copied: Bytes,
    counts: &Counts,
    firsts: &[(i32, i32, i64)],
) -> Result<bool, tokio_postgres::Error> {
    if !move_positions(transaction, rows).await? {
        return Ok(false);
    }
    copy(transaction, &format!("COPY logs ({COLUMNS}) FROM STDIN (FORMAT binary)"), copied).await?;
    let fresh = "COPY whittle.fresh (minute, series, day, rows) FROM STDIN (FORMAT binary)";
    copy(transaction, fresh, counts.cells()).await?;
    add_firsts(transaction, firsts).await?;
    add_days(transaction, counts).await?;
    Ok(true)
}

/// Moves each partition from where it is known to stand. In the order of their numbers, so that two writers cannot wait for
/// each other.
async fn move_positions(transaction: &Transaction<'_>, rows: &Fresh) -> Result<bool, tokio_postgres::Error> {
    let mut moved = rows.moved.clone();
    moved.sort_unstable();
    let partitions: Vec<i32> = moved.iter().map(|(partition, _, _)| *partition as i32).collect();
    let known: Vec<i64> = moved.iter().map(|(_, known, _)| *known as i64).collect();
    let next: Vec<i64> = moved.iter().map(|(_, _, next)| *next as i64).collect();
    let sql = "WITH held AS (SELECT partition FROM whittle.positions WHERE partition = ANY($1) ORDER BY 1 FOR UPDATE) \
        UPDATE whittle.positions p SET next = given.next \
        FROM held, unnest($1::int4[], $2::int8[], $3::int8[]) AS given(partition, known, next) \
        WHERE p.partition = held.partition AND p.partition = given.partition AND p.next = given.known";
    let updated = transaction.execute(sql, &[&partitions, &known, &next]).await?;
    Ok(updated == moved.len() as u64)
}

async fn copy(transaction: &Transaction<'_>, sql: &str, bytes: Bytes) -> Result<(), tokio_postgres::Error> {
    let sink = transaction.copy_in(sql).await?;
    tokio::pin!(sink);
    sink.send(bytes).await?;
    sink.finish().await?;
    Ok(())
}

async fn add_firsts(transaction: &Transaction<'_>, firsts: &[(i32, i32, i64)]) -> Result<(), tokio_postgres::Error> {
    if firsts.is_empty() {
        return Ok(());
    }
    let mut rows = crate::copy::CopyRows::new(3, firsts.len() * 32);
    for &(day, series, first) in firsts {
        rows.row();
        rows.day(day);
        rows.int(series);
        rows.time(first);
    }
    copy(transaction, "COPY whittle.firsts (day, series, first) FROM STDIN (FORMAT binary)", rows.finish()).await
}

async fn add_days(transaction: &Transaction<'_>, counts: &Counts) -> Result<(), tokio_postgres::Error> {
    let mut days: Vec<_> = counts.days.iter().collect();
    days.sort_unstable();
    let names: Vec<String> = days.iter().map(|((day, _), _)| day_name(*day)).collect();
    let partitions: Vec<i32> = days.iter().map(|((_, partition), _)| *partition as i32).collect();
    let rows: Vec<i64> = days.iter().map(|(_, of)| of.0).collect();
    let first: Vec<i64> = days.iter().map(|(_, of)| of.1).collect();
    let last: Vec<i64> = days.iter().map(|(_, of)| of.2).collect();
    let sql = "INSERT INTO whittle.days AS known \
        SELECT day::date, partition, rows, 'epoch'::timestamptz + first * interval '1 microsecond', \
          'epoch'::timestamptz + last * interval '1 microsecond' \
        FROM unnest($1::text[], $2::int4[], $3::int8[], $4::int8[], $5::int8[]) AS given(day, partition, rows, first, last) \
        ON CONFLICT (day, partition) DO UPDATE SET rows = known.rows + excluded.rows, \
          first = least(known.first, excluded.first), last = greatest(known.last, excluded.last)";
    transaction.execute(sql, &[&names, &partitions, &rows, &first, &last]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::of_day;

    #[test]
    fn days_ahead_and_behind_are_bounded() {
        let week = std::time::Duration::from_secs(7 * 86_400);
        let now = 1_764_504_000_000_000;
        assert_eq!(days_around(now, week), (of_day(now) - 9, of_day(now) + 3));
        let (first, last) = days_around(i64::MAX, week);
        assert!(first <= last, "a clock beyond all times");
    }
}

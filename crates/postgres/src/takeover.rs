//! Rows that the seed's program had stored, taken over stretch by stretch, in the order of their ids.
//!
//! They go the way of all rows, under a partition of their own whose positions are their ids: a crash in between repeats and
//! skips nothing. They count as received now, since they would be too old for retention at once otherwise. Their old table
//! is left to its owner.

use tokio_postgres::Client;
use whittle_domain::{Batch, BatchBuilder, Level, Row};
use whittle_patterns::{PatternId, Scanner, Var, form_of};

use crate::connection::DbError;
use crate::identity::SEED_PARTITION;
use crate::schema::SEED_TABLE;
use crate::shared::{Shared, positions};
use crate::write::Link;

/// Rows of a stretch.
const STRETCH: i64 = 10_000;
/// The last microsecond of the year 9999.
const LAST: i64 = 253_402_300_799_999_999;

/// Takes over all that is left.
pub(crate) async fn all(client: &Client, shared: &Shared) -> Result<(), DbError> {
    let there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&SEED_TABLE]).await?;
    if !there.get::<_, bool>(0) {
        return Ok(());
    }
    let next = positions(client, "whittle.positions").await?.get(&SEED_PARTITION).copied().unwrap_or(0);
    let mut link = None;
    let mut next = i64::try_from(next).unwrap_or(i64::MAX);
    loop {
        let Some((batch, insights)) = stretch(client, shared, next).await? else { break };
        let link = match &mut link {
            Some(link) => link,
            none => none.insert(Link::open(shared).await?),
        };
        link.append(shared, &batch, Some(&insights)).await?;
        next = batch.rows().last().map_or(next, |row| row.offset as i64 + 1);
        tracing::info!(up_to = next, "rows of the table that was there before are taken over");
    }
    Ok(())
}

/// The next rows, with the insights that they have.
async fn stretch(client: &Client, shared: &Shared, next: i64) -> Result<Option<(Batch, Vec<String>)>, DbError> {
    let sql = format!(
        "SELECT id::int8, coalesce(source, ''), coalesce(level, ''), coalesce(message, ''), \
           CASE WHEN isfinite(timestamp) THEN (extract(epoch FROM timestamp) * 1000000)::int8 ELSE 0 END, \
           coalesce(insight, '{{\"summary\": \"analysis_failed\", \"confidence\": 0}}')::text \
         FROM {SEED_TABLE} WHERE id >= $1::int8 ORDER BY id LIMIT $2"
    );
    let rows = client.query(&sql, &[&next, &STRETCH]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut taken = Taken { now: shared.settings.clock.now(), ..Taken::default() };
    let insights = rows.iter().map(|row| taken.push(row)).collect();
    Ok(Some((taken.builder.finish(), insights)))
}

/// Makes a batch of rows.
#[derive(Default)]
struct Taken {
    builder: BatchBuilder,
    scanner: Scanner,
    vars: Vec<Var>,
    /// When they count as received.
    now: i64,
}

impl Taken {
    /// Takes a row in; gives its insight.
    fn push(&mut self, row: &tokio_postgres::Row) -> String {
        let (source, name, message): (&str, &str, &str) = (row.get(1), row.get(2), row.get(3));
        self.vars.clear();
        self.scanner.scan(message, &mut self.vars);
        let form = form_of(message.as_bytes(), &self.vars);
        let level = Level::from_name(name).unwrap_or_default();
        let level_text = if name == level.as_str() { "" } else { name };
        let builder = &mut self.builder;
        let (source, message) = (builder.push_text(source), builder.push_text(message));
        let (context, level_text) = (builder.push_text(""), builder.push_text(level_text));
        builder.push_row(Row {
            partition: SEED_PARTITION,
            offset: row.get::<_, i64>(0).unsigned_abs(),
            event_id: 0,
            timestamp: row.get::<_, Option<i64>>(4).unwrap_or(self.now).clamp(0, LAST),
            received_at: self.now,
            level,
            source,
            message,
            context,
            level_text,
            vars_start: 0,
            vars_len: 0,
            form,
            pattern: PatternId(form.0),
        });
        row.get(5)
    }
}

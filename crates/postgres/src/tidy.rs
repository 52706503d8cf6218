//! Housekeeping: counts added up, old days dropped, patterns named, the seed's rows taken over. One copy of the role does it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::runtime::Handle;
use tokio_postgres::Client;
use whittle_domain::Level;
use whittle_patterns::{FormId, PatternId};

use crate::connection::DbError;
use crate::shared::Shared;
use crate::store::Bell;
use crate::takeover;
use crate::text::storable;
use crate::write::{DAY, drop_day, of_day, storable_json};

/// Who holds it is the housekeeper. The number is any that nobody else takes.
const LOCK: i64 = 0x7768_6974_746c_6503;
/// Rounds between two that look at what changes slowly.
const SLOW: u64 = 12;
/// Counts moved at once beyond which their room is made free at once.
const MANY: u64 = 20_000;

/// What is named in `whittle.patterns`: of each form and level the pattern and the hash of the rest.
pub(crate) type Named = HashMap<(FormId, Level), (PatternId, u64)>;

/// Keeps house until the bell rings. A round that fails is tried again at the next; the first failure of a row is told.
pub(crate) fn keep_tidy(shared: &Arc<Shared>, handle: &Handle, bell: &Bell, every: Duration) {
    let (mut named, mut failing) = (Named::new(), false);
    for round in 0.. {
        match handle.block_on(keep(shared, &mut named, round % SLOW == 0)) {
            Ok(()) if failing => {
                tracing::info!("the history in PostgreSQL can be reached again");
                failing = false;
            }
            Ok(()) => {}
            Err(error) => {
                shared.doubt(&error.0);
                if !failing {
                    tracing::warn!(%error, "the history in PostgreSQL cannot be reached; trying again until it can");
                }
                failing = true;
            }
        }
        if bell.wait(every) {
            return;
        }
    }
}

/// One whole round, for tests and tools.
pub(crate) async fn all(shared: &Shared) -> Result<(), DbError> {
    keep(shared, &mut Named::new(), true).await
}

async fn keep(shared: &Shared, named: &mut Named, slow: bool) -> Result<(), DbError> {
    shared.prepare().await?;
    let mut lease = shared.pool.lease().await?;
    let client = &mut lease.client;
    let ours: bool = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0);
    if ours {
        let kept = keep_house(client, shared, named, slow).await;
        client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
        kept?;
    }
    shared.refresh(client).await?;
    lease.give_back();
    Ok(())
}

async fn keep_house(client: &mut Client, shared: &Shared, named: &mut Named, slow: bool) -> Result<(), DbError> {
    let batches = shared.fresh.load(Ordering::Relaxed);
    let moved = add_up(client).await?;
    // What came meanwhile stays counted as fresh.
    shared.fresh.fetch_sub(batches, Ordering::Relaxed);
    if moved > MANY {
        client.batch_execute("VACUUM (TRUNCATE false) whittle.fresh").await?;
    }
    if slow {
        drop_old(client, shared).await?;
        forget_later_firsts(client).await?;
        summarize(client).await?;
        takeover::all(client, shared).await?;
    }
    name_patterns(client, shared, named).await
}

/// Adds fresh counts to those by minute and by hour; gives how many there were.
async fn add_up(client: &Client) -> Result<u64, DbError> {
    let by = |table: &str, minutes: i64| {
        format!(
            "{table} AS (INSERT INTO whittle.{table} AS known \
               SELECT minute - minute % {minutes}, series, day, sum(rows)::int8 FROM moved GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 \
               ON CONFLICT (series, minute, day) DO UPDATE SET rows = known.rows + excluded.rows)"
        )
    };
    let sql = format!(
        "WITH moved AS (DELETE FROM whittle.fresh RETURNING minute, series, day, rows), {}, {}, {} SELECT count(*) FROM moved",
        by("minutes", 1),
        by("hours", 60),
        by("dates", 1_440)
    );
    Ok(client.query_one(&sql, &[]).await?.get::<_, i64>(0).unsigned_abs())
}

/// Drops the days that are too old, then the oldest while there is too much. The newest stays.
async fn drop_old(client: &mut Client, shared: &Shared) -> Result<(), DbError> {
    let settings = &shared.settings;
    let sql = "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') - '1970-01-01'::date, pg_total_relation_size(c.oid) \
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'logs'::regclass ORDER BY 1";
    let days: Vec<(i32, u64)> =
        client.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect();
    let keep = i64::try_from(settings.keep_age.as_micros()).unwrap_or(i64::MAX);
    // A day goes when its last moment is too old.
    let oldest = of_day(settings.clock.now().saturating_sub(keep));
    let mut bytes: u64 = days.iter().map(|(_, bytes)| bytes).sum();
    for (at, &(day, size)) in days.iter().enumerate() {
        let too_much = bytes > settings.keep_bytes && at + 1 < days.len();
        if day >= oldest && !too_much {
            continue;
        }
        let rows = drop_day(client, shared, day).await?;
        shared.dropped.fetch_add(rows, Ordering::Relaxed);
        bytes = bytes.saturating_sub(size);
        let reason = if day < oldest { "age" } else { "size" };
        tracing::info!(rows, reason, received = i64::from(day) * DAY / 1_000_000, "a day of the history was dropped");
    }
    Ok(())
}

/// Of several first timestamps of a series and a day the least stays: each start of a writer adds some.
async fn forget_later_firsts(client: &Client) -> Result<(), DbError> {
    let sql = "DELETE FROM whittle.firsts f USING whittle.firsts g WHERE f.day = g.day AND f.series = g.series \
        AND (g.first < f.first OR g.first = f.first AND g.ctid < f.ctid)";
    client.execute(sql, &[]).await?;
    Ok(())
}

/// Brings the summaries up to date by which rows are found by their ids.
async fn summarize(client: &Client) -> Result<(), DbError> {
    let sql = "SELECT coalesce(sum(brin_summarize_new_values(c.oid)), 0)::int8 \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam \
        WHERE a.amname = 'brin' AND (i.indrelid = 'whittle.minutes'::regclass \
          OR i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'logs'::regclass))";
    client.query_one(sql, &[]).await?;
    Ok(())
}

/// Says in `whittle.patterns` what forms are called now and what is known of them.
async fn name_patterns(client: &Client, shared: &Shared, named: &mut Named) -> Result<(), DbError> {
    let rows = client.query("SELECT DISTINCT form_id, level FROM whittle.series", &[]).await?;
    let mut new = NewNames::default();
    for row in rows {
        let form = FormId(row.get::<_, i64>(0) as u64);
        let level = Level::ALL.get(usize::try_from(row.get::<_, i16>(1)).unwrap_or(0)).copied().unwrap_or_default();
        let pattern = shared.catalog.pattern_of(form).unwrap_or(PatternId(form.0));
        let insight = (shared.settings.insight)(pattern, level);
        let template = shared.catalog.template(pattern).unwrap_or_default();
        let known = (pattern, hash_of(&(&insight, &template)));
        if named.get(&(form, level)) != Some(&known) {
            new.push(form, level, pattern, &template, &insight);
            named.insert((form, level), known);
        }
    }
    if new.forms.is_empty() {
        return Ok(());
    }
    let written = new.write(client).await;
    if written.is_err() {
        named.clear();
    }
    written
}

fn hash_of(value: &impl std::hash::Hash) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// Rows of `whittle.patterns`, by column.
#[derive(Debug, Default)]
struct NewNames {
    forms: Vec<i64>,
    levels: Vec<i16>,
    patterns: Vec<i64>,
    templates: Vec<String>,
    insights: Vec<String>,
}

impl NewNames {
    fn push(&mut self, form: FormId, level: Level, pattern: PatternId, template: &str, insight: &str) {
        self.forms.push(form.0 as i64);
        self.levels.push(level as i16);
        self.patterns.push(pattern.0 as i64);
        self.templates.push(storable(template).into_owned());
        self.insights.push(storable_json(insight));
    }

    async fn write(&self, client: &Client) -> Result<(), DbError> {
        let sql = "INSERT INTO whittle.patterns (form_id, level, pattern_id, template, insight) \
            SELECT form, level, pattern, template, insight::jsonb \
            FROM unnest($1::int8[], $2::int2[], $3::int8[], $4::text[], $5::text[]) AS given(form, level, pattern, template, insight) \
            ON CONFLICT (form_id, level) DO UPDATE \
              SET pattern_id = excluded.pattern_id, template = excluded.template, insight = excluded.insight";
        client.execute(sql, &[&self.forms, &self.levels, &self.patterns, &self.templates, &self.insights]).await?;
        Ok(())
    }
}

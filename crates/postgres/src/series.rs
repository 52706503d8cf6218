//! Series: what a row has in common with many others, by a small number.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use tokio_postgres::Client;
use whittle_domain::Level;
use whittle_patterns::FormId;

use crate::connection::DbError;
use crate::text::{escaped, unescaped};

/// One source, level and form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) id: i32,
    pub(crate) source: Arc<str>,
    pub(crate) level: Level,
    pub(crate) form: FormId,
}

/// What a series is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    source: Arc<str>,
    level: Level,
    form: FormId,
}

/// The same, borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) source: &'a str,
    pub(crate) level: Level,
    pub(crate) form: FormId,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef { source: &self.source, level: self.level, form: self.form }.hash(state);
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The form is a hash itself and tells nearly all of them apart.
        state.write_u64(self.form.0 ^ self.source.len() as u64 ^ (self.level as u64) << 32);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.form == key.form && self.level == key.level && *self.source == *key.source
    }
}

/// The series that the writer knows. Bounded: beyond it all are looked up anew.
#[derive(Debug, Default)]
pub(crate) struct KnownSeries(HashMap<Key, i32>);

/// Series that are kept in memory.
const MOST: usize = 1 << 20;

impl KnownSeries {
    pub(crate) fn get(&self, key: &KeyRef<'_>) -> Option<i32> {
        self.0.get(key).copied()
    }

    /// Finds or makes series. They are there for good, whatever becomes of the rows that brought them.
    pub(crate) async fn add(&mut self, client: &Client, keys: &[KeyRef<'_>]) -> Result<(), DbError> {
        if self.0.len() + keys.len() > MOST {
            self.0.clear();
        }
        let sources: Vec<String> = keys.iter().map(|key| escaped(key.source).into_owned()).collect();
        let levels: Vec<i16> = keys.iter().map(|key| key.level as i16).collect();
        let forms: Vec<i64> = keys.iter().map(|key| key.form.0 as i64).collect();
        // An update that changes nothing: only what is inserted or updated is returned.
        let sql = "INSERT INTO whittle.series (source, level, form_id) \
            SELECT DISTINCT * FROM unnest($1::text[], $2::int2[], $3::int8[]) AS given(source, level, form_id) ORDER BY 3, 2, 1 \
            ON CONFLICT (form_id, level, md5(source)) DO UPDATE SET level = excluded.level RETURNING id, source, level, form_id";
        for row in client.query(sql, &[&sources, &levels, &forms]).await? {
            let Series { id, source, level, form } = from_row(&row);
            self.0.insert(Key { source, level, form }, id);
        }
        Ok(())
    }
}

fn from_row(row: &tokio_postgres::Row) -> Series {
    let level = Level::ALL.get(usize::try_from(row.get::<_, i16>(2)).unwrap_or(0)).copied().unwrap_or_default();
    Series { id: row.get(0), source: unescaped(row.get(1)).into(), level, form: FormId(row.get::<_, i64>(3) as u64) }
}

/// All series, as a question sees them.
#[derive(Debug, Default)]
pub(crate) struct AllSeries {
    pub(crate) list: Vec<Series>,
    by_id: HashMap<i32, u32>,
}

impl AllSeries {
    /// Reads them, within the question's own snapshot; `known` when nothing has changed since that was read.
    pub(crate) async fn read(client: &Client, known: &Arc<AllSeries>) -> Result<Arc<AllSeries>, DbError> {
        let count: i64 = client.query_one("SELECT count(*) FROM whittle.series", &[]).await?.get(0);
        if usize::try_from(count) == Ok(known.list.len()) {
            return Ok(known.clone());
        }
        let rows = client.query("SELECT id, source, level, form_id FROM whittle.series", &[]).await?;
        let list: Vec<Series> = rows.iter().map(from_row).collect();
        let by_id = list.iter().enumerate().map(|(at, series)| (series.id, at as u32)).collect();
        Ok(Arc::new(AllSeries { list, by_id }))
    }

    pub(crate) fn get(&self, id: i32) -> Option<&Series> {
        self.list.get(*self.by_id.get(&id)? as usize)
    }
}

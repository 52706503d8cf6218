//! Making the tables, and bringing older ones up to date.

use tokio_postgres::Client;

use crate::connection::DbError;
use crate::store::OpenError;

/// What is run for each format, in order; a database of format n has had the first n.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql")];

/// Of all programs that come at once one migrates. The number is any that nobody else takes.
const LOCK: i64 = 0x7768_6974_746c_6501;

/// The name that a table of the seed's program gets. It is left to its owner once its rows are taken over.
pub(crate) const SEED_TABLE: &str = "logs_of_the_seed";

/// Makes or migrates the tables, and checks that they hold the records of this raw log.
pub(crate) async fn prepare(client: &mut Client, raw_log: &str) -> Result<(), OpenError> {
    let encoding = client.query_one("SHOW server_encoding", &[]).await.map_err(DbError::from)?;
    if encoding.get::<_, &str>(0) != "UTF8" {
        return Err(OpenError::Encoding(encoding.get(0)));
    }
    let transaction = client.transaction().await.map_err(DbError::from)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(DbError::from)?;
    let format = format(&transaction).await?;
    let missing = MIGRATIONS.get(format..).ok_or(OpenError::Newer(format))?;
    if format == 0 {
        set_seed_aside(&transaction).await?;
    }
    for migration in missing {
        transaction.batch_execute(migration).await.map_err(DbError::from)?;
    }
    if !missing.is_empty() {
        let format = MIGRATIONS.len() as i32;
        transaction.execute("UPDATE whittle.meta SET format = $1", &[&format]).await.map_err(DbError::from)?;
    }
    claim(&transaction, raw_log).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(())
}

async fn format(transaction: &tokio_postgres::Transaction<'_>) -> Result<usize, DbError> {
    let there = transaction.query_one("SELECT to_regclass('whittle.meta') IS NOT NULL", &[]).await?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = transaction.query_one("SELECT format FROM whittle.meta", &[]).await?;
    Ok(usize::try_from(row.get::<_, i32>(0)).unwrap_or(0))
}

/// The first program to come with a raw log has the database; another raw log's offsets would name other records.
async fn claim(transaction: &tokio_postgres::Transaction<'_>, raw_log: &str) -> Result<(), OpenError> {
    let claimed = "UPDATE whittle.meta SET raw_log = $1 WHERE raw_log IS NULL OR raw_log = $1";
    match transaction.execute(claimed, &[&raw_log]).await.map_err(DbError::from)? {
        0 => Err(OpenError::OtherLog),
        _ => Ok(()),
    }
}

/// Renames a table `logs` that the seed's program made, so that its rows can be taken over one stretch after the other.
async fn set_seed_aside(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), OpenError> {
    let columns = "SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute \
        WHERE attrelid = to_regclass('logs') AND attnum > 0 AND NOT attisdropped";
    let row = transaction.query_one(columns, &[]).await.map_err(DbError::from)?;
    let columns: Vec<String> = row.get(0);
    if columns.is_empty() {
        return Ok(());
    }
    let seeds = ["id", "source", "level", "message", "timestamp", "insight"];
    if let Some(missing) = seeds.iter().find(|wanted| !columns.iter().any(|column| column == *wanted)) {
        return Err(OpenError::OtherTable(missing));
    }
    let rename = format!("ALTER TABLE logs RENAME TO {SEED_TABLE}");
    transaction.batch_execute(&rename).await.map_err(DbError::from)?;
    tracing::info!("the table logs is there already: it is {SEED_TABLE} now, and its rows are taken over");
    Ok(())
}

//! What a restart goes on from: states and journals of the stages, as of positions whose rows are stored.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use tokio_postgres::Client;
use whittle_history::{Checkpoint, Positions, StageState};

use crate::connection::DbError;
use crate::shared::positions;

/// Reads the last commit.
pub(crate) async fn read(client: &Client) -> Result<Checkpoint, DbError> {
    let states = client.query("SELECT name, state FROM whittle.states", &[]).await?;
    let states = states.iter().map(|row| (row.get(0), Bytes::copy_from_slice(row.get(1)))).collect();
    let mut journals: BTreeMap<String, BytesMut> = BTreeMap::new();
    for row in client.query("SELECT name, bytes FROM whittle.journals ORDER BY name, number", &[]).await? {
        journals.entry(row.get(0)).or_default().extend_from_slice(row.get(1));
    }
    let journals = journals.into_iter().map(|(name, bytes)| (name, bytes.freeze())).collect();
    Ok(Checkpoint { positions: positions(client, "whittle.checkpoint").await?, states, journals })
}

/// Commits: the states replace those of their names, the journals grow.
pub(crate) async fn write(client: &mut Client, positions: &Positions, state: &StageState) -> Result<(), DbError> {
    let own = || positions.iter().filter(|(partition, _)| **partition != crate::SEED_PARTITION);
    let partitions: Vec<i32> = own().map(|(partition, _)| *partition as i32).collect();
    let next: Vec<i64> = own().map(|(_, next)| *next as i64).collect();
    let transaction = client.transaction().await?;
    // A commit that comes late, from a writer that was overtaken, must not take a later one back.
    let moved = "INSERT INTO whittle.checkpoint AS known SELECT * FROM unnest($1::int4[], $2::int8[]) \
        ON CONFLICT (partition) DO UPDATE SET next = greatest(known.next, excluded.next)";
    transaction.execute(moved, &[&partitions, &next]).await?;
    for (name, bytes) in &state.states {
        let set = "INSERT INTO whittle.states VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET state = excluded.state";
        transaction.execute(set, &[name, &bytes.as_ref()]).await?;
    }
    for (name, bytes) in &state.journals {
        let add = "INSERT INTO whittle.journals (name, bytes) VALUES ($1, $2)";
        transaction.execute(add, &[name, &bytes.as_ref()]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

//! What only the history in PostgreSQL promises: its tables, its writers, and what happens when it goes away.

use std::time::Duration;

use whittle_domain::Level;
use whittle_history::{Budget, Filter, QueryError, StageState, Total, WriteError};
use whittle_postgres::{OpenError, PgHistory, SEED_PARTITION};
use whittle_testkit::{Postgres, wait};

use crate::checks::{pages, same_answers};
use crate::database::Database;
use crate::harness::Harness;
use crate::laws::{append, finish, usual_lines};
use crate::model::Model;
use crate::rows::{Feeder, NOON, line};

/// Time for a server to come back, on a machine that is shared.
const BACK: Duration = Duration::from_secs(60);

#[test]
fn a_writer_that_lost_its_partition_stores_nothing_twice() {
    let Some(mut database) = Database::empty() else { return };
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let (mut old, mut new) = (database.open(feeder.catalog()), database.open(feeder.catalog()));
    let placed = feeder.place(&usual_lines(60));
    old.writer.append(&feeder.batch(&placed[..20])).expect("the database takes it");
    new.writer.append(&feeder.batch(&placed[10..40])).expect("what the old one stored is skipped");
    old.writer.append(&feeder.batch(&placed[20..30])).expect("what the new one stored is skipped");
    old.writer.append(&feeder.batch(&placed[25..50])).expect("the rest goes on from there");
    new.writer.append(&feeder.batch(&placed[40..60])).expect("and so on");
    model.rows = placed;
    same_answers(&*new.reader, &model, &Filter::default());
    assert_eq!(new.reader.head(), model.head());
    // A commit that comes late does not take the checkpoint back.
    new.writer.commit(StageState::default()).expect("the database takes it");
    old.writer.commit(StageState::default()).expect("the database takes it");
    assert_eq!(database.open(feeder.catalog()).checkpoint.positions, model.head());
}

#[test]
fn a_table_of_the_seed_is_taken_over() {
    let Some(mut database) = Database::empty() else { return };
    let seed = "CREATE TABLE logs (id SERIAL PRIMARY KEY, source TEXT, level TEXT, message TEXT, timestamp TIMESTAMPTZ, insight JSONB); \
        INSERT INTO logs (source, level, message, timestamp, insight) VALUES \
          ('demo-app', 'error', 'Database timeout', '2025-11-30T11:00:00.5Z', '{\"summary\": \"slow\", \"confidence\": 0.5}'), \
          ('demo-app', 'FATAL', 'gone', '2025-11-30T11:00:01Z', NULL), (NULL, NULL, NULL, NULL, NULL); \
        DELETE FROM logs WHERE id = 2; INSERT INTO logs (source, level, message, timestamp) VALUES ('x', 'FATAL', 'kept 7', 'infinity')";
    database.server.sql(&database.url, seed).expect("the seed's table is made");
    let mut feeder = Feeder::default();
    let mut open = database.open(feeder.catalog());
    let placed = feeder.place(&usual_lines(5));
    open.writer.append(&feeder.batch(&placed)).expect("rows come at once");
    for _ in 0..2 {
        database.tidy();
    }
    let found = open.reader.recent(&Filter::default(), 100, 0, &Budget::default()).expect("an answer");
    assert_eq!(found.total, Total::Exact(8));
    let seeds: Vec<_> = found.rows.iter().filter(|row| row.partition == SEED_PARTITION).collect();
    let ids: Vec<u64> = seeds.iter().map(|row| row.offset).collect();
    assert_eq!(ids, [1, 4, 3], "ids are kept; a time that is none is 1970 or now");
    assert_eq!((seeds[0].level, seeds[0].timestamp), (Level::Error, NOON - 3_599_500_000));
    assert_eq!((seeds[1].level, seeds[1].level_text.as_str()), (Level::Error, "FATAL"));
    assert!(!open.reader.head().contains_key(&SEED_PARTITION));
    let insight = "SELECT insight->>'summary' FROM logs WHERE id = 1";
    assert_eq!(database.server.sql(&database.url, insight).expect("SQL"), "slow");
    let around = open.reader.around(SEED_PARTITION, 4, 3, &Budget::default()).expect("an answer");
    assert_eq!(around.len(), 1);
    drop(open);
    let open = database.open(feeder.catalog());
    database.tidy();
    assert_eq!(open.reader.stats().rows, 8);
}

#[test]
fn others_find_the_columns_of_the_seed_and_what_is_known_now() {
    let Some(mut database) = Database::empty() else { return };
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = database.open(feeder.catalog());
    append(
        &mut open,
        &mut feeder,
        &mut model,
        &[line(NOON, "demo-app", Level::Error, "Database timeout \0 after 3 s")],
    );
    database.settings.insight =
        std::sync::Arc::new(|_, _| r#"{"summary":"better","confidence":1,"hint":"look"}"#.to_owned());
    drop(open);
    let open = database.open(feeder.catalog());
    database.tidy();
    let sql = |sql: &str| database.server.sql(&database.url, sql).expect("SQL");
    assert_eq!(
        sql("SELECT source, level, message, timestamp, insight FROM logs"),
        "demo-app|error|Database timeout \u{2400} after 3 s|2025-11-30 12:00:00+00|{\"summary\": \"analysis_failed\", \"confidence\": 0}"
    );
    let pattern = open.reader.recent(&Filter::default(), 1, 0, &Budget::default()).expect("an answer").rows[0].pattern;
    let current = format!("{}|better|look|Database timeout <*> after <*> s", pattern.0 as i64);
    let asked = "SELECT pattern_id, insight->>'summary', insight->>'hint', replace(template, ' \u{2400}', ' <*>') FROM logs_current";
    let found = sql(asked);
    assert!(found.starts_with(&current[..current.len() - 20]), "{found}");
}

#[test]
fn a_database_of_another_raw_log_is_refused() {
    let Some(mut database) = Database::empty() else { return };
    drop(database.open(Feeder::default().catalog()));
    database.settings.raw_log = "another".to_owned();
    assert_eq!(PgHistory::open(database.settings.clone()).err(), Some(OpenError::OtherLog));
    let (history, mut writer) =
        PgHistory::start(database.settings.clone(), Feeder::default().catalog(), Box::new(|_| {})).expect("it starts");
    let refused = writer.commit(StageState::default());
    assert!(matches!(&refused, Err(WriteError::Unavailable(why)) if why.contains("another raw log")), "{refused:?}");
    let asked = whittle_history::Reader::recent(&*history, &Filter::default(), 1, 0, &Budget::default());
    assert!(matches!(asked, Err(QueryError::Unavailable(_))), "{asked:?}");
}

#[test]
fn what_a_crash_of_the_server_interrupts_is_stored_once() {
    // A server of its own: others must not crash with it.
    let Some(server) = Postgres::start("crash").expect("PostgreSQL starts") else { return };
    let mut database = Database::on(std::sync::Arc::new(server));
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = database.open(feeder.catalog());
    append(&mut open, &mut feeder, &mut model, &usual_lines(40));
    for _ in 0..3 {
        database.server.kill().expect("it crashes");
        let placed = feeder.place(&usual_lines(25));
        let batch = feeder.batch(&placed);
        assert!(matches!(open.writer.append(&batch), Err(WriteError::Unavailable(_))));
        let asked = open.reader.recent(&Filter::default(), 1, 0, &Budget::default());
        assert!(matches!(asked, Err(QueryError::Unavailable(_))), "{asked:?}");
        database.server.restart().expect("it starts again");
        let appended = || open.writer.append(&batch).ok();
        wait::until("the batch to be stored", BACK, appended).expect("the server is back");
        open.writer.append(&batch).expect("a second time changes nothing");
        model.rows.extend(placed);
        pages(&*open.reader, &model, &Filter::default());
    }
    finish(&mut open);
    same_answers(&*open.reader, &model, &Filter::default());
}

#[test]
fn odd_receipts_and_other_encodings_harm_nothing() {
    let Some(mut database) = Database::empty() else { return };
    let mut feeder = Feeder::default();
    let mut model = Model::new(feeder.catalog());
    let mut open = database.open(feeder.catalog());
    let lines: Vec<_> =
        [0, 1, NOON - 4_000 * crate::rows::DAY, NOON + 90_000 * crate::rows::DAY, 253_402_300_799_999_999]
            .into_iter()
            .map(|received_at| crate::rows::Line { received_at, ..line(NOON, "odd", Level::Info, "clock") })
            .collect();
    append(&mut open, &mut feeder, &mut model, &lines);
    same_answers(&*open.reader, &model, &Filter::default());
    let days = "SELECT count(DISTINCT day) FROM logs";
    assert_eq!(
        database.server.sql(&database.url, days).expect("SQL"),
        "2",
        "no more partitions than days that are kept"
    );
    drop(open);
    let latin = "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    database.server.sql(&database.url, latin).expect("SQL");
    let url = format!("{}/latin", database.url.rsplit_once('/').expect("a path").0);
    database.settings.address = whittle_postgres::Address::parse(&url).expect("an address");
    assert_eq!(PgHistory::open(database.settings.clone()).err(), Some(OpenError::Encoding("LATIN1".to_owned())));
}

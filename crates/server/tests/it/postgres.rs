//! The history in PostgreSQL: it goes away and comes back under load, and the program is killed as well. Skipped where
//! PostgreSQL is not installed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use whittle_testkit::load::Load;
use whittle_testkit::numbered::query_of;
use whittle_testkit::oracle::Oracle;
use whittle_testkit::{Postgres, Server, recent, wait};

use crate::{VISIBLE, ingestion, send, setup, storage};

/// Clients that send at once.
const CLIENTS: u64 = 3;
/// Records that must get through in each state of the database.
const LEAST: u64 = 300;
/// Time for them, and for a database to be noticed.
const SOON: Duration = Duration::from_secs(60);
/// Time for a clean end.
const END: Duration = Duration::from_secs(20);

/// A server over an empty database; `None` where there is no PostgreSQL.
fn over(postgres: &Postgres) -> Server {
    let url = postgres.database().expect("a database");
    setup().env("POSTGRES_URL", url).start().expect("the server starts")
}

/// Waits until so many more records are acknowledged.
fn more(load: &Load, what: &str) {
    let enough = load.acknowledged() + LEAST;
    let done = wait::until(what, SOON, || (load.acknowledged() >= enough).then_some(()));
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// Compares all numbers with the history, once it has caught up.
fn judge(server: &Server, oracle: &Oracle, end: u64) {
    let mut connection = storage(server);
    let mut verdict = None;
    let caught_up = wait::until("the history to catch up", SOON, || {
        let rows = recent::all(&mut connection, &query_of(0, end)).ok()?;
        let judged = oracle.judge(&rows);
        let clean = judged.is_clean();
        verdict = Some(judged);
        clean.then_some(())
    });
    caught_up.unwrap_or_else(|error| panic!("{error}: {verdict:?}; the server said:\n{}", server.said()));
}

#[test]
fn a_database_that_goes_away_stops_only_the_history() {
    let Some(postgres) = Postgres::start("outage").expect("PostgreSQL starts") else { return };
    let server = over(&postgres);
    // Of the load it sees nothing: only whether events get through is asked.
    let mut live = server.listen("/?source=live").expect("the gateway listens");
    let next = Arc::new(AtomicU64::new(0));
    let load = Load::start(server.ingestion(), CLIENTS, &next, 7);
    for _ in 0..2 {
        more(&load, "records while the database is there");
        postgres.kill().expect("it crashes");
        more(&load, "records while the database is away");
        let answer = wait::until("the history to be unavailable", SOON, || {
            let answer = storage(&server).get("/recent").ok()?;
            (answer.status == 503).then_some(answer)
        });
        let answer = answer.expect("questions are refused");
        assert!(!answer.text().contains("[]"), "never an empty list: {}", answer.text());
        send(&mut ingestion(&server), "live", "said while the database is away");
        wait::until("an event", SOON, || {
            let event = live.next_text(SOON).ok()??;
            event.contains("said while the database is away").then_some(())
        })
        .expect("live events go on");
        postgres.restart().expect("it starts again");
    }
    more(&load, "records once the database is back");
    let oracle = load.finish().expect("clients end");
    judge(&server, &oracle, next.load(Ordering::Relaxed));
    recent::wait_for(&mut storage(&server), "source=live", 2, VISIBLE).expect("what was live is stored");
    eprintln!("{} records acknowledged, none lost, none twice", oracle.acknowledged());
}

#[test]
fn kills_of_either_side_lose_and_double_nothing() {
    let Some(postgres) = Postgres::start("kills").expect("PostgreSQL starts") else { return };
    let mut server = over(&postgres);
    let next = Arc::new(AtomicU64::new(0));
    let mut all = Oracle::default();
    for round in 0..6 {
        let load = Load::start(server.ingestion(), CLIENTS, &next, round);
        more(&load, "the first acknowledgements");
        if round % 2 == 0 {
            postgres.kill().expect("it crashes");
        }
        match round % 3 {
            0 => drop(server.kill()),
            _ => assert!(server.terminate(END).expect("it ends in time").success(), "{}", server.said()),
        }
        all.extend(load.finish().expect("clients end"));
        server.spawn().expect("it starts, also while the database is away");
        server.wait_bound().expect("it takes its ports");
        if round % 2 == 0 {
            send_until_taken(&server);
            postgres.restart().expect("it starts again");
        }
        server.wait_ready().expect("all roles are ready");
        // Ready means that what was acknowledged before is there: no waiting.
        let rows = recent::all(&mut storage(&server), &query_of(0, next.load(Ordering::Relaxed))).expect("rows");
        let verdict = all.judge(&rows);
        assert!(verdict.is_clean(), "round {round}: {verdict:?}; the server said:\n{}", server.said());
    }
    recent::wait_for(&mut storage(&server), "source=early", 3, VISIBLE)
        .expect("what came before the database is stored");
}

/// Records are taken without the database.
fn send_until_taken(server: &Server) {
    let record = r#"{"source":"early","message":"before the database"}"#;
    wait::until("ingestion to take a record", SOON, || {
        let answer = ingestion(server).post("/ingest", "application/json", record.as_bytes()).ok()?;
        (answer.status == 202).then_some(())
    })
    .expect("ingestion needs no database");
}

#[test]
fn rows_have_the_ids_of_the_table_and_the_secrets_of_the_url_stay_secret() {
    let Some(postgres) = Postgres::start("ids").expect("PostgreSQL starts") else { return };
    let url = postgres.database().expect("a database");
    let secret = url.replace("whittle@", "whittle:canary@");
    let server = setup().env("POSTGRES_URL", secret).env("WHITTLE_LOG", "debug").start().expect("it starts");
    send(&mut ingestion(&server), "demo-app", "Database timeout after 120 ms");
    recent::wait_for(&mut storage(&server), "source=demo-app", 1, VISIBLE).expect("the row is stored");
    let row = storage(&server).get("/recent?source=demo-app").expect("an answer").json()[0].clone();
    let id = postgres.sql(&url, "SELECT id FROM logs WHERE source = 'demo-app'").expect("SQL");
    assert_eq!((row["id"].to_string(), row["seq"].as_str()), (id, Some("0-0")));
    let known = "SELECT insight->>'severity' FROM logs_current WHERE source = 'demo-app' AND insight ? 'severity'";
    let severity = wait::until("logs_current to know the pattern", SOON, || {
        postgres.sql(&url, known).ok().filter(|found| !found.is_empty())
    });
    assert_eq!(row["insight"]["severity"].as_str(), severity.ok().as_deref());
    assert!(!server.said().contains("canary"), "a password is never said");
}

//! Rows in PostgreSQL: copies of storage share the topic, and a database that is away stops only the history.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use whittle_testkit::load::Load;
use whittle_testkit::server::is_ready;
use whittle_testkit::{Kafka, Postgres, recent, wait};

use crate::SOON;
use crate::cast::{Cast, PIPELINE, send, setup};
use crate::outages::{judge, some};

#[test]
fn copies_of_storage_share_the_work_and_wait_for_a_database_that_is_away() {
    let Some(kafka) = Kafka::start(1).expect("Kafka starts") else { return };
    let Some(postgres) = Postgres::start("kafka-roles").expect("PostgreSQL starts") else { return };
    let url = postgres.database().expect("a database");
    let with_database = |role| setup(&kafka, role).env("POSTGRES_URL", &url);
    let mut cast = Cast::start_with(&PIPELINE, with_database);
    let other = with_database("storage-service").start().expect("a second copy starts");
    let next = Arc::new(AtomicU64::new(0));
    let load = Load::start(cast.ingestion(), 2, &next, 5);
    some(&load, 500);
    postgres.kill().expect("the database can be killed");
    // Ingestion and the live stream do not mind.
    some(&load, 300);
    let mut stream = cast.of("websocket-gateway").listen("/?source=live").expect("the stream is open");
    send(cast.ingestion(), "live", "info", "while the database is away");
    stream.next_text(SOON).expect("the stream stays open").expect("live events go on");
    let refused = cast.storage().get("/recent?limit=1").expect("storage answers");
    assert_eq!(refused.status, 503, "{}", refused.text());
    postgres.restart().expect("the database starts again");
    some(&load, 300);
    // A copy that is killed is taken over for by the other.
    cast.of("storage-service").kill().expect("it runs");
    some(&load, 300);
    let oracle = load.finish().expect("clients end");
    cast.of("storage-service").spawn().expect("the binary runs");
    let address = other.storage();
    wait::until("the other copy to answer", SOON, || is_ready(address).then_some(()))
        .unwrap_or_else(|error| panic!("{error}\n{}", other.said()));
    cast.of("storage-service").wait_ready().expect("it is ready again");
    judge(&mut cast, &oracle, &next);
    let through_the_other = recent::count(&mut other.connect(address).expect("it listens"), "source=live");
    assert_eq!(through_the_other.expect("it answers"), 1);
}

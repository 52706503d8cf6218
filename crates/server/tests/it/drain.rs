//! SIGTERM: what is under way ends, what was acknowledged stays, the program ends with 0 within ten seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use whittle_testkit::load::Load;
use whittle_testkit::numbered::query_of;
use whittle_testkit::{recent, wait};

use crate::{VISIBLE, ingestion, send, server, storage};

/// Time for the end.
const END: Duration = Duration::from_secs(10);

#[test]
fn restarts_under_load_lose_and_double_nothing() {
    let mut server = server();
    let next = Arc::new(AtomicU64::new(0));
    for restart in 0..5 {
        let start = next.load(Ordering::Relaxed);
        let load = Load::start(server.ingestion(), 4, &next, restart);
        wait::until("some acknowledgements", VISIBLE, || (load.acknowledged() > 500).then_some(()))
            .expect("it takes records");
        let status = server.terminate(END).expect("it ends in time");
        assert!(status.success(), "restart {restart}: {status}; it said:\n{}", server.said());
        let oracle = load.finish().expect("clients end");
        server.spawn().expect("it starts again");
        server.wait_ready().expect("it is ready again");
        let query = query_of(start, next.load(Ordering::Relaxed));
        let rows = recent::all(&mut storage(&server), &query).expect("the history is read");
        let verdict = oracle.judge(&rows);
        assert!(verdict.is_clean(), "restart {restart}: {verdict:?}; it said:\n{}", server.said());
    }
}

#[test]
fn an_idle_server_with_open_connections_ends() {
    let mut server = server();
    let mut kept = ingestion(&server);
    send(&mut kept, "drain", "before");
    let mut events = server.listen("/").expect("the gateway listens");
    let half = {
        let mut half = ingestion(&server);
        half.send(b"POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{").expect("half a request");
        half
    };
    let status = server.terminate(END).expect("a client that never ends its request holds nothing up");
    assert!(status.success(), "{status}; it said:\n{}", server.said());
    drop(half);
    // What was sent before is read, then the end.
    while let Ok(Some(_)) = events.next_text(Duration::from_secs(1)) {}
    assert!(events.next_text(Duration::from_secs(5)).is_err(), "the WebSocket is closed");
}

#[test]
fn while_something_is_under_way_new_requests_are_told_of_the_end() {
    let mut server = server();
    let (mut kept, mut watching) = (ingestion(&server), ingestion(&server));
    send(&mut kept, "drain", "before");
    assert_eq!(watching.get("/readyz").expect("it answers").status, 200);
    let mut half = ingestion(&server);
    half.send(b"POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{").expect("half a request");
    // Bytes of bodies under way are counted once the server has the head.
    wait::until("the half request to be under way", VISIBLE, || {
        let metrics = watching.get("/metrics").ok()?.text();
        let nothing = metrics.lines().any(|line| line == "whittle_ingest_inflight_bytes 0");
        (!nothing).then_some(())
    })
    .expect("half a request is a request");
    server.signal(Signal::TERM).expect("it runs");
    let not_ready = wait::until("it to be not ready", VISIBLE, || {
        let answer = watching.get("/readyz").expect("it still answers");
        (answer.status == 503).then(|| answer.text())
    });
    assert!(not_ready.as_ref().is_ok_and(|text| text.contains("ending")), "{not_ready:?}");
    let refused = kept.post("/ingest", "application/json", b"{}").expect("open connections are answered");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    let status = server.wait_end(END).expect("it ends in time");
    assert!(status.success(), "{status}; it said:\n{}", server.said());
}

#[test]
fn ctrl_c_ends_it_too() {
    let mut server = server();
    send(&mut ingestion(&server), "drain", "before");
    server.signal(Signal::INT).expect("it runs");
    let status = server.wait_end(END).expect("it ends in time");
    assert!(status.success(), "{status}; it said:\n{}", server.said());
    assert!(!server.data_dir().join("ports.json").exists(), "nobody is to be looked for at its ports");
    server.spawn().expect("it starts again");
    server.wait_ready().expect("it is ready again");
    assert_eq!(recent::count(&mut storage(&server), "").expect("a count"), 1, "ready means visible");
}

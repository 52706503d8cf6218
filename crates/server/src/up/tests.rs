//! What clients get while the data are opened.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use whittle_testkit::Connection;

use super::*;

/// Bound of every wait: generous, since tests share machines.
const WAIT: Duration = Duration::from_secs(20);

fn get(port: u16, method: &str, path: &str) -> whittle_testkit::Response {
    let connection = Connection::open(([127, 0, 0, 1], port).into(), WAIT);
    let answer = connection.and_then(|mut connection| connection.request(method, path, &[], b"{}"));
    answer.unwrap_or_else(|error| panic!("{port}{path} has no answer: {error}"))
}

fn says_that_it_starts(role: &str, port: u16) {
    assert_eq!(get(port, "GET", "/livez").status, 200, "{role}");
    let ready = get(port, "GET", "/readyz");
    assert_eq!(ready.status, 503, "{role}");
    let body: Value = serde_json::from_slice(&ready.body).expect("JSON");
    assert_eq!(body["status"], "not_ready");
    assert!(body["reasons"][role].as_str().is_some_and(|reason| reason.contains("starting")), "{body}");
    for (method, path) in [("POST", "/ingest"), ("GET", "/recent"), ("GET", "/")] {
        let refused = get(port, method, path);
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{role} {path}");
        let body: Value = serde_json::from_slice(&refused.body).expect("JSON");
        assert_eq!(body["error"], "not_ready", "{role} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_say_that_the_server_starts_and_the_stop_is_obeyed() {
    let config = Config { port: 0, http_port: 0, ws_port: 0, dashboard_port: 0, ..Config::default() };
    let (tell, told) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let stop = CancellationToken::new();
    let opens_until_told = move |_, ports: Ports| {
        tell.send(ports).expect("the test listens");
        let _ = gate.recv();
        bail!("nothing is built here")
    };
    let running = tokio::spawn(build_and_run(config, stop.clone(), opens_until_told));
    let checks = tokio::task::spawn_blocking(move || {
        let ports = told.recv_timeout(WAIT).expect("the ports are taken in time");
        says_that_it_starts("ingestion", ports.ingestion);
        says_that_it_starts("storage", ports.storage);
        says_that_it_starts("gateway", ports.gateway);
        says_that_it_starts("dashboard", ports.dashboard);
    });
    checks.await.expect("every port answers");
    stop.cancel();
    let ended = tokio::time::timeout(WAIT, running).await.expect("a stop does not wait for the data to be open");
    ended.expect("no panic").expect("a stop is no error");
    drop(open);
}

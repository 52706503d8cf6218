//! The command against a real server that takes, refuses, fails and goes away.

use std::io::Write as _;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use whittle_domain::raw::Limits;

use super::testing::*;
use super::*;

#[tokio::test]
async fn files_and_pipes_arrive_whole_and_in_order() {
    let (server, place) = (Server::new().await, Place::new());
    let file = place.file(
        "app.log",
        "2026-02-24 16:40:31 ERROR it broke\r\n\n\tat x\n{\"source\":\"own\",\"message\":\"m\"}\nlast",
    );
    assert_eq!(place.run(&server.url, &[&file, "-"], b"from a pipe \xff\n").await, SendStatus::Sent);
    let records: Vec<Value> = server.took().into_iter().flat_map(|took| took.records).collect();
    assert_eq!(
        records,
        [
            json!({ "source": "app", "message": "2026-02-24 16:40:31 ERROR it broke", "level": "ERROR", "timestamp": "2026-02-24T16:40:31.000Z" }),
            json!({ "source": "app", "message": "\tat x" }),
            json!({ "source": "own", "message": "m" }),
            json!({ "source": "app", "message": "last" }),
            json!({ "source": "stdin", "message": "from a pipe \u{fffd}" }),
        ]
    );
    let shown = place.shown();
    assert!(shown.contains("sent 5 lines") && shown.contains("1 empty line") && shown.contains("no UTF-8"), "{shown}");
}

#[tokio::test]
async fn batches_are_bounded_and_may_be_packed() {
    for compress in ["none", "gzip", "zstd"] {
        let (server, place) = (Server::new().await, Place::new());
        let input = numbered(0..2_500);
        let status = place.run(&server.url, &["--source", "s", "--compress", compress], input.as_bytes()).await;
        assert_eq!((status, server.messages()), (SendStatus::Sent, expected(0..2_500)), "{compress}");
        let took = server.took();
        assert!(took.iter().all(|took| took.records.len() <= 1_000 && took.records[0]["source"] == "s"));
        let large = "x".repeat(400_000) + "\n";
        assert_eq!(place.run(&server.url, &[], large.repeat(4).as_bytes()).await, SendStatus::Sent);
        assert_eq!(server.took().len() - took.len(), 2, "1 MiB a batch");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_under_the_same_key() {
    let wait = (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
    let server = Server::after(vec![answer(503), answer(500), answer(502), wait]).await;
    let place = Place::new();
    let began = std::time::Instant::now();
    assert_eq!(place.run(&server.url, &[], b"a\nb\n").await, SendStatus::Sent);
    assert!(began.elapsed() >= Duration::from_millis(990), "the wait that was asked for is kept");
    assert_eq!(server.messages(), ["a", "b"]);
    let keys = server.keys();
    assert_eq!((keys.len(), &keys[0]), (5, &server.took()[0].key));
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(place.kept(), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_sent_is_kept_and_the_next_run_sends_it_first() {
    let (server, place) = (Server::new().await, Place::impatient());
    server.answer_all(503);
    assert_eq!(place.run(&server.url, &[], numbered(0..2_500).as_bytes()).await, SendStatus::Kept);
    let shown = place.shown();
    assert!(shown.contains("2,500 lines could not be sent") && shown.contains("--kept"), "{shown}");
    assert_eq!(place.kept(), ["batch", "batch", "batch"]);

    let other = Server::new().await;
    assert_eq!(place.run(&other.url, &["--kept"], b"").await, SendStatus::Sent);
    assert_eq!(other.messages().len(), 0, "what was going to one server is not sent to another");
    assert!(place.shown().contains("3 files"), "{}", place.shown());

    server.answer_all(0);
    let first_key = server.keys()[0].clone();
    assert_eq!(place.run(&server.url, &[], b"new\n").await, SendStatus::Sent);
    let mut all = expected(0..2_500);
    all.push("new".into());
    assert_eq!(server.messages(), all);
    assert_eq!(server.took()[0].key, first_key, "a batch keeps its key");
    assert_eq!(place.kept(), Vec::<String>::new());
    assert!(place.shown().contains("2,500 lines of them had been kept"), "{}", place.shown());
}

#[tokio::test]
async fn a_server_that_is_not_there_or_no_ingestion_gets_nothing_and_nothing_is_lost() {
    let place = Place::impatient();
    assert_eq!(place.run(&nowhere(), &[], b"a\n").await, SendStatus::Kept);
    assert!(place.shown().contains("cannot be reached"), "{}", place.shown());
    let server = Server::new().await;
    for status in [200, 301, 401, 404, 415] {
        let place = Place::new();
        server.answer_all(status);
        assert_eq!(place.run(&server.url, &[], b"a\n").await, SendStatus::Kept, "{status}");
        assert_eq!(place.kept(), ["batch"], "{status}");
        assert!(place.shown().contains("--url"), "{}", place.shown());
        server.answer_all(0);
        assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Sent, "{status}");
    }
    assert_eq!(server.messages(), ["a"; 5]);
}

#[tokio::test]
async fn refused_records_are_kept_with_their_reasons_and_the_rest_is_sent_once() {
    let (server, place) = (Server::new().await, Place::new());
    server.limit(Limits { source_bytes: 4, ..Limits::default() });
    let line = |n: usize| {
        let source = if n.is_multiple_of(9) { "too long" } else { "ok" };
        format!("{{\"source\":\"{source}\",\"message\":\"line {n}\"}}\n")
    };
    let input: String = (0..2_000).map(line).collect();
    assert_eq!(place.run(&server.url, &[], input.as_bytes()).await, SendStatus::Kept);
    let good: Vec<String> = (0..2_000_usize).filter(|n| !n.is_multiple_of(9)).map(|n| format!("line {n}")).collect();
    assert_eq!(server.messages(), good);
    assert_eq!(place.kept(), ["refused"]);
    let shown = place.shown();
    assert!(shown.contains("refused: source: String must contain at most 4 byte(s)"), "{shown}");
    assert!(shown.contains("223 lines refused") && shown.matches("refused: ").count() == 5, "{shown}");

    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Kept, "still refused");
    assert_eq!((server.messages().len(), place.kept()), (good.len(), vec!["refused".to_owned()]));
    server.limit(Limits::default());
    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Sent);
    assert_eq!((server.messages().len(), place.kept().len()), (2_000, 0));
    assert_eq!(server.took().last().expect("a batch").records.last().expect("a record")["source"], "too long");
}

#[tokio::test]
async fn a_record_that_is_too_large_is_found_by_halves() {
    let (server, place) = (Server::new().await, Place::new());
    server.limit(Limits { record_bytes: 100, ..Limits::default() });
    let mut input = numbered(0..300);
    input.push_str(&"x".repeat(200));
    input.push('\n');
    input.push_str(&numbered(300..600));
    assert_eq!(place.run(&server.url, &[], input.as_bytes()).await, SendStatus::Kept);
    assert_eq!(server.messages(), expected(0..600), "in order");
    assert_eq!(place.kept(), ["refused"]);
    assert!(server.keys().len() < 30, "{} requests", server.keys().len());
}

#[tokio::test]
async fn lines_that_no_server_takes_are_kept_too() {
    let (server, place) = (Server::new().await, Place::new());
    let input = b"{\"message\":\"good\"}\n{broken\n\n{\"message\":\"\"}\n";
    assert_eq!(place.run(&server.url, &["--json", "--source", "s"], input).await, SendStatus::Kept);
    assert_eq!(server.messages(), ["good"]);
    let shown = place.shown();
    assert!(
        shown.contains("refused: standard input:2: invalid JSON") && shown.contains("input:4: message:"),
        "{shown}"
    );
    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Kept);
    assert_eq!((server.messages().len(), place.kept()), (1, vec!["refused".to_owned()]));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_kept_whole() {
    let (server, place) = (Server::new().await, Place::new());
    let long = "x".repeat(300_000);
    let input = format!("before\n{long}\nafter\n{long}");
    assert_eq!(place.run(&server.url, &["--max-line", "1000"], input.as_bytes()).await, SendStatus::Kept);
    assert_eq!(server.messages(), ["before", "after"]);
    assert_eq!(place.kept(), ["line", "line"]);
    let shown = place.shown();
    assert!(
        shown.contains("standard input:2 is longer than 1000 bytes; kept as") && shown.contains("2 lines too long"),
        "{shown}"
    );
    assert_eq!(place.run(&server.url, &["--kept", "--max-line", "1000"], b"").await, SendStatus::Kept);
    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Sent, "under a higher bound");
    assert_eq!(server.messages(), ["before", "after", &long, &long]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_file_is_read_through_rotation_and_cuts() {
    let (server, place) = (Server::new().await, Place::new());
    let path = place.file("a.log", "1\n2");
    let steps = async {
        server.wait_for(1).await;
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(b".5\n").expect("written");
        server.wait_for(2).await;
        std::fs::rename(&path, format!("{path}.1")).expect("renamed");
        file.write_all(b"3\n").expect("written");
        std::fs::write(&path, "4 in a new file\n").expect("written");
        server.wait_for(4).await;
        std::fs::write(&path, "5\n").expect("written");
        server.wait_for(5).await;
        place.stop.cancel();
    };
    let more = ["--follow", path.as_str()];
    let (status, ()) = tokio::join!(place.run(&server.url, &more, b""), steps);
    assert_eq!(
        (status, server.messages()),
        (SendStatus::Sent, ["1", "2.5", "3", "4 in a new file", "5"].map(String::from).to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_gets_what_waited_before_what_is_new() {
    let (server, place) = (Server::new().await, Place::impatient());
    let path = place.file("a.log", "1\n");
    let append = |line: &str| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(line.as_bytes()).expect("written");
    };
    let steps = async {
        server.wait_for(1).await;
        server.answer_all(503);
        for line in ["2\n", "3\n"] {
            let before = place.kept().len();
            append(line);
            let deadline = Instant::now() + PATIENCE;
            while place.kept().len() == before {
                assert!(Instant::now() < deadline, "never kept: {line}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        server.answer_all(0);
        append("4\n");
        server.wait_for(4).await;
        place.stop.cancel();
    };
    let more = ["--follow", path.as_str()];
    let (status, ()) = tokio::join!(place.run(&server.url, &more, b""), steps);
    assert_eq!((status, server.messages()), (SendStatus::Sent, ["1", "2", "3", "4"].map(String::from).to_vec()));
    assert!(place.shown().contains("takes lines again"), "{}", place.shown());
}

/// A pipe that gives some bytes and then nothing, as a terminal does.
struct Silent(Option<Vec<u8>>);

impl Read for Silent {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.take() {
            Some(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            None => loop {
                std::thread::park();
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_pipe_is_sent_as_it_comes_and_a_stop_ends_the_wait_for_it() {
    let (server, place) = (Server::new().await, Place::new());
    let steps = async {
        assert_eq!(server.wait_for(2).await, ["1", "2"]);
        place.stop.cancel();
    };
    let silent = Box::new(Silent(Some(b"1\n2\n".to_vec())));
    let (status, ()) = tokio::join!(place.run_from(&server.url, &[], silent), steps);
    assert_eq!(status, SendStatus::Sent);
    assert!(place.shown().contains("stopped before the end"), "{}", place.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_keeps_what_is_being_tried() {
    let (server, place) = (Server::new().await, Place::new());
    server.answer_all(503);
    let steps = async {
        let deadline = Instant::now() + PATIENCE;
        while server.keys().is_empty() {
            assert!(Instant::now() < deadline, "no request came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        place.stop.cancel();
    };
    let input = numbered(0..1_500);
    let (status, ()) = tokio::join!(place.run(&server.url, &[], input.as_bytes()), steps);
    assert_eq!((status, place.kept()), (SendStatus::Kept, vec!["batch".to_owned(); 2]));
    server.answer_all(0);
    let again = Place { stop: CancellationToken::new(), ..place };
    assert_eq!(again.run(&server.url, &["--kept"], b"").await, SendStatus::Sent);
    assert_eq!(server.messages(), expected(0..1_500));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_kept_reading_waits_for_the_server() {
    let server = Server::with(|before| (before < 10).then(|| answer(503))).await;
    let place = Place::impatient();
    let input = numbered(0..2_500);
    let status = place.run(&server.url, &["--spool-limit", "0"], input.as_bytes()).await;
    assert_eq!((status, server.messages()), (SendStatus::Sent, expected(0..2_500)));
    assert!(place.shown().contains("waiting for the server"), "{}", place.shown());
    // A spool that cannot be made is no other case.
    let server = Server::after((0..10).map(|_| answer(503)).collect()).await;
    let file = place.file("a-file", "");
    let status = place.run(&server.url, &["--spool", &format!("{file}/spool")], input.as_bytes()).await;
    assert_eq!((status, server.messages()), (SendStatus::Sent, expected(0..2_500)));
}

#[tokio::test]
async fn two_runs_do_not_send_the_same_twice() {
    let (server, place) = (Server::new().await, Place::impatient());
    server.answer_all(503);
    assert_eq!(place.run(&server.url, &[], b"a\n").await, SendStatus::Kept);
    server.answer_all(0);
    let spool = Spool::new(place.dir.path().join("spool"), String::new(), 0);
    let lock = spool.lock().expect("lockable").expect("free");
    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Kept);
    assert!(place.shown().contains("another `whittle send`"), "{}", place.shown());
    assert_eq!(server.messages().len(), 0);
    drop(lock);
    assert_eq!(place.run(&server.url, &["--kept"], b"").await, SendStatus::Sent);
    assert_eq!(server.messages(), ["a"]);
}

#[tokio::test]
async fn wrong_arguments_send_nothing() {
    let (server, place) = (Server::new().await, Place::new());
    let good = place.file("good.log", "a\n");
    let dir = place.dir.path().display().to_string();
    for (more, words) in [
        (vec![good.as_str(), "/nonexistent/x"], "/nonexistent/x cannot be opened"),
        (vec![good.as_str(), dir.as_str()], "is a folder"),
        (vec!["-", "-"], "only once"),
        (vec!["--source="], "--source takes"),
    ] {
        assert_eq!(place.run(&server.url, &more, b"a\n").await, SendStatus::Usage, "{more:?}");
        assert!(place.shown().contains(words), "{}", place.shown());
    }
    assert_eq!(server.keys(), Vec::<String>::new());
}

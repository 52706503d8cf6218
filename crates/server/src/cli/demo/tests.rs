//! The stream is the same for a seed, tells its stories in order, and reaches a server that is slow to come.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use whittle_domain::Level;

use super::incident::STORIES;
use super::span::{parse_span, parse_span_or_forever};
use super::{Demo, DemoArgs, Timeline, run};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: DemoArgs,
}

fn args(words: &[&str]) -> DemoArgs {
    Line::try_parse_from(["demo"].iter().chain(words)).expect("valid arguments").args
}

#[test]
fn a_seed_gives_one_stream() {
    let records = |seed| {
        let mut demo = Demo::new(seed, 1_700_000_000_000_000, 200, Timeline::LIVE);
        (0..5_000).map(|_| demo.next_record()).collect::<Vec<_>>()
    };
    assert_eq!(records(1), records(1));
    assert_ne!(records(1), records(2));
    let records = records(1);
    assert!(records.is_sorted_by_key(|record| record.time), "times rise");
    let last = records.last().map_or(0, |r| r.time) - 1_700_000_000_000_000;
    assert!((24_990_000..25_000_000).contains(&last), "5,000 records at 200 a second take 25 s: {last}");
}

#[test]
fn all_levels_and_services_come() {
    let mut demo = Demo::new(1, 0, 200, Timeline::LIVE);
    let records: Vec<_> = (0..12_000).map(|_| demo.next_record()).collect();
    let sources: BTreeSet<_> = records.iter().map(|r| r.source.clone()).collect();
    assert!(sources.len() >= 12, "{sources:?}");
    for (level, least) in [(Level::Debug, 0.05), (Level::Info, 0.5), (Level::Warn, 0.05), (Level::Error, 0.02)] {
        let share = records.iter().filter(|r| r.level == level).count() as f64 / records.len() as f64;
        assert!(share > least, "{level:?}: {share}");
    }
}

#[test]
fn every_story_is_told_with_what_to_look_for() {
    let mut demo = Demo::new(1, 0, 500, Timeline::LIVE);
    let seconds = 8 + 45 * STORIES.len();
    let records: Vec<_> = (0..seconds * 500).map(|_| demo.next_record()).collect();
    let begun = demo.begun();
    assert_eq!(begun.len(), STORIES.len());
    for incident in begun {
        let during = |time: i64| (incident.elapsed..incident.elapsed + 30_000_000).contains(&time);
        let told = records.iter().filter(|r| r.message.contains(incident.look_for));
        let (inside, outside): (Vec<_>, Vec<_>) = told.partition(|r| during(r.time));
        assert!(inside.len() > 50, "{}: {} times", incident.title, inside.len());
        assert!(outside.len() < inside.len() / 2, "{}: {} times outside", incident.title, outside.len());
    }
    assert_eq!(demo.begun().len(), 0, "told once");
}

#[test]
fn a_timeline_has_pauses() {
    for timeline in [Timeline::LIVE, Timeline::SLOW] {
        assert_eq!(timeline.at(0), None);
        let numbers: Vec<u64> = (0..20_000).filter_map(|s| timeline.at(s * 1_000_000)).map(|(n, _)| n).collect();
        assert!(numbers.is_sorted() && numbers.first() == Some(&0) && numbers.last() > Some(&1), "{timeline:?}");
        assert!(numbers.len() < 20_000 * 7 / 10, "quiet in between: {}", numbers.len());
    }
}

#[test]
fn spans_are_read_and_refused_with_the_fix() {
    for (text, millis) in [("60s", 60_000), ("1.5m", 90_000), ("24h", 86_400_000), ("500ms", 500), ("7", 7_000)] {
        assert_eq!(parse_span(text).map(|d| d.as_millis()), Ok(millis), "{text}");
    }
    for text in ["", "s", "-1s", "1w", "1e9d", "99999999999999999999d", "forever"] {
        assert!(parse_span(text).expect_err(text).contains("60s"), "{text}");
    }
    assert!(parse_span_or_forever("forever").is_ok());
}

#[tokio::test]
async fn print_writes_ndjson() {
    let mut out = Vec::new();
    run(
        &args(&["--print", "--for", "2s", "--rate", "50", "--backfill", "10s"]),
        &mut out,
        Vec::new(),
        CancellationToken::new(),
    )
    .await
    .expect("prints");
    let text = String::from_utf8(out).expect("UTF-8");
    assert_eq!(text.lines().count(), 2 * 50 + 10 * 5);
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(record["message"].as_str().is_some_and(|m| !m.is_empty()), "{line}");
    }
}

/// A server that is not ready at first, then busy, then takes; it hands on what it took.
async fn server(taken: mpsc::Sender<String>) -> String {
    let looks = std::sync::atomic::AtomicU32::new(0);
    let posts = std::sync::atomic::AtomicU32::new(0);
    let counts = std::sync::Arc::new((looks, posts));
    let first = |count: &std::sync::atomic::AtomicU32| count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
    let ready = counts.clone();
    let router = Router::new()
        .route(
            "/readyz",
            get(async move || if first(&ready.0) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }),
        )
        .route(
            "/ingest",
            post(async move |body: String| {
                if first(&counts.1) {
                    return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
                }
                taken.send(body).await.expect("the test reads");
                StatusCode::ACCEPTED.into_response()
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn waits_for_the_server_and_sends_everything_once() {
    let (taken, mut bodies) = mpsc::channel(100);
    let url = server(taken).await;
    let mut out = Vec::new();
    run(&args(&["--url", &url, "--for", "500ms", "--rate", "400"]), &mut out, Vec::new(), CancellationToken::new())
        .await
        .expect("sent");
    let mut lines = BTreeSet::new();
    let mut count = 0;
    while let Ok(body) = bodies.try_recv() {
        count += body.lines().count();
        lines.extend(body.lines().map(str::to_owned));
    }
    assert_eq!((count, lines.len()), (200, 200), "each record once");
    let summary = String::from_utf8(out).expect("UTF-8");
    assert!(summary.starts_with("sent 200 records of "), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn no_server_is_an_error_with_the_fix() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error =
        run(&args(&["--url", &url]), Vec::new(), Vec::new(), CancellationToken::new()).await.expect_err("nobody there");
    assert!(error.to_string().contains("whittle up") && error.to_string().contains("--url"), "{error}");
}

#[tokio::test]
async fn a_stop_ends_the_run_with_its_summary() {
    let (taken, mut bodies) = mpsc::channel(100);
    let url = server(taken).await;
    let stop = CancellationToken::new();
    let mut out = Vec::new();
    let args = args(&["--url", &url, "--for", "forever", "--rate", "100"]);
    let stopping = async {
        bodies.recv().await.expect("something is sent");
        stop.cancel();
    };
    let (done, ()) = tokio::join!(run(&args, &mut out, Vec::new(), stop.clone()), stopping);
    done.expect("a stop is no error");
    assert!(String::from_utf8(out).expect("UTF-8").starts_with("sent "), "a summary is printed");
}

#[tokio::test]
async fn records_that_are_refused_end_the_run() {
    let router = Router::new()
        .route("/readyz", get(async || StatusCode::OK))
        .route("/ingest", post(async || (StatusCode::BAD_REQUEST, "\x1b[2Jbad")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let error =
        run(&args(&["--url", &url]), Vec::new(), Vec::new(), CancellationToken::new()).await.expect_err("refused");
    let text = error.to_string();
    assert!(text.contains("400") && text.contains("\\u{1b}"), "control characters are escaped: {text}");
}

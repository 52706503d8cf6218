//! What the tests of alerting share: notices, a receiver of webhooks, an outbox that can be closed and killed.

use std::future::pending;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, header};
use axum::routing::post;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use whittle_disk::{Disk, OsDisk};
use whittle_domain::alerts::{Notice, NoticeKind};
use whittle_domain::{Level, Severity};

use super::*;
use crate::http::retry::Backoff;

/// How long a test waits for what should come at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The first notice of a window of its own.
pub(super) fn notice(n: u64) -> Notice {
    Notice {
        key: format!("{n:032x}"),
        kind: NoticeKind::Firing,
        rule: "errors".into(),
        severity: Severity::High,
        level: Level::Error,
        source: "db".into(),
        pattern_id: "00000000000000aa".into(),
        message: format!("no space left on device {n}"),
        first_seq: format!("0-{n}"),
        first_seen: 1_000,
        last_seen: 2_000,
        count: 3,
        window_seconds: 300,
    }
}

/// The last notice of the same window.
pub(super) fn update(n: u64) -> Notice {
    Notice { kind: NoticeKind::Update, count: 10, ..notice(n) }
}

/// What a receiver answers.
pub(super) enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    Redirect(u16, String),
    Hang,
    /// 200 with a body that never ends.
    Endless,
}

type Script = Box<dyn Fn(usize, &Notice) -> Answer + Send + Sync>;

/// A request that a receiver got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub idempotency_key: String,
    pub notice: Notice,
    pub at: std::time::Instant,
}

/// An HTTP server that answers by a script and keeps what it got.
pub(super) struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    got: watch::Sender<Vec<Got>>,
    requests: AtomicUsize,
    script: Script,
}

impl Receiver {
    /// Listens on a free port of an address. The script is told how many requests came before.
    pub async fn at(address: &str, script: impl Fn(usize, &Notice) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            got: watch::Sender::new(Vec::new()),
            requests: AtomicUsize::new(0),
            script: Box::new(script),
        });
        let router = Router::new().route("/hook", post(receive)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, inner }
    }

    pub async fn new(script: impl Fn(usize, &Notice) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", script).await
    }

    /// What came so far.
    pub fn got(&self) -> Vec<Got> {
        self.inner.got.borrow().clone()
    }

    /// Waits until so much came.
    pub async fn wait_for(&self, requests: usize) -> Vec<Got> {
        let mut got = self.inner.got.subscribe();
        let waited = tokio::time::timeout(PATIENCE, got.wait_for(|got| got.len() >= requests)).await;
        assert!(waited.is_ok(), "only {} of {requests} requests came", self.got().len());
        self.got()
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let idempotency_key = headers["idempotency-key"].to_str().expect("text").to_owned();
    let notice: Notice = serde_json::from_slice(&body).expect("a notice");
    let before = inner.requests.fetch_add(1, Ordering::SeqCst);
    let answer = (inner.script)(before, &notice);
    let got = Got { idempotency_key, notice, at: std::time::Instant::now() };
    inner.got.send_modify(|all| all.push(got));
    let response = |status: u16| Response::builder().status(status);
    let response = match answer {
        Answer::Status(status) => response(status).body(Body::empty()),
        Answer::RetryAfter(status, wait) => response(status).header(header::RETRY_AFTER, wait).body(Body::empty()),
        Answer::Redirect(status, to) => response(status).header(header::LOCATION, to).body(Body::empty()),
        Answer::Hang => pending().await,
        Answer::Endless => {
            let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 4096])));
            response(200).body(Body::from_stream(chunks))
        }
    };
    response.expect("a response")
}

/// A webhook that may reach this machine.
pub(super) fn hook(name: &str, url: &str, timeout_ms: u64) -> Sink {
    let settings = WebhookSettings { name: name.into(), url: url.into(), allow_private: true, timeout_ms };
    Sink::Webhook(WebhookSink::new(&settings, AddressGuard::any()).expect("a client"))
}

/// A standard output that is kept.
#[derive(Clone, Default)]
pub(super) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    pub fn sink(&self) -> Sink {
        Sink::Stdout(StdoutSink::new(self.clone()))
    }

    pub fn notices(&self) -> Vec<Notice> {
        let bytes = self.0.lock().expect("unpoisoned");
        let text = std::str::from_utf8(&bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a notice")).collect()
    }
}

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A clock that is moved by hand.
#[derive(Clone)]
pub(super) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn new() -> Self {
        ManualClock(Arc::new(AtomicI64::new(1_700_000_000_000)))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }

    pub fn clock(&self) -> Clock {
        let time = self.0.clone();
        Arc::new(move || time.load(Ordering::Relaxed))
    }
}

/// Retries at once, nearly.
pub(super) fn policy() -> DeliveryPolicy {
    let backoff = Backoff { base: Duration::from_millis(2), most: Duration::from_millis(20) };
    DeliveryPolicy { backoff, disk_retry: Duration::from_millis(5), ..DeliveryPolicy::new(24) }
}

/// An outbox that runs.
pub(super) struct Running {
    pub outbox: OutboxHandle,
    pub clock: ManualClock,
    registry: Registry,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub fn start(dir: &Path, sinks: Vec<Sink>) -> Self {
        Self::with(Arc::new(OsDisk), dir, sinks, policy())
    }

    pub fn with(disk: Arc<dyn Disk>, dir: &Path, sinks: Vec<Sink>, policy: DeliveryPolicy) -> Self {
        let clock = ManualClock::new();
        let mut registry = Registry::default();
        let metrics = AlertMetrics::register(&mut registry, clock.clock());
        let outbox = Outbox::open(disk, dir, sinks, policy, &metrics, clock.clock()).expect("the outbox opens");
        let (handle, stop) = (outbox.handle(), CancellationToken::new());
        let task = tokio::spawn(outbox.run(stop.clone()));
        Running { outbox: handle, clock, registry, stop, task }
    }

    /// Ends in order.
    pub async fn close(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("a clean end");
    }

    /// Ends as a crash does: nothing more is written, whatever was under way.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err(), "the outbox was still running");
    }

    /// The metrics as they are scraped.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encodable");
        text
    }

    /// Waits until a line stands in the metrics.
    pub async fn wait_for_metric(&self, line: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.metrics().lines().any(|found| found == line) {
            assert!(tokio::time::Instant::now() < deadline, "never '{line}' in:\n{}", self.metrics());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

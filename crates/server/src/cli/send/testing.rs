//! A server that checks records as ingestion does, and a place to run the command in.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Parser;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use whittle_domain::BodyFormat;
use whittle_domain::raw::{self, Limits, ParseError};

use super::*;

/// How long a test waits for what should come at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server took of a request, and how it was asked.
#[derive(Debug, Clone)]
pub(super) struct Took {
    pub key: String,
    pub records: Vec<Value>,
}

type Script = Box<dyn Fn(usize) -> Option<Response> + Send + Sync>;

struct Inner {
    took: watch::Sender<Vec<Took>>,
    /// Keys of all requests, taken or not.
    keys: Mutex<Vec<String>>,
    limits: Mutex<Limits>,
    /// Answers all requests with this status; 0: as ingestion does.
    status: AtomicU16,
    script: Script,
}

/// An ingestion that checks records as the real one does.
pub(super) struct Server {
    pub url: String,
    inner: Arc<Inner>,
}

impl Server {
    /// `script` is told how many requests came before, and may answer in the server's place.
    pub async fn with(script: impl Fn(usize) -> Option<Response> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (took, keys) = (watch::Sender::new(Vec::new()), Mutex::default());
        let (limits, status) = Default::default();
        let inner = Arc::new(Inner { took, keys, limits, status, script: Box::new(script) });
        let router = Router::new().route("/ingest", post(ingest)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Server { url, inner }
    }

    pub async fn new() -> Self {
        Self::with(|_| None).await
    }

    /// The first requests are answered by others.
    pub async fn after(mut answers: Vec<Response>) -> Self {
        answers.reverse();
        let answers = Mutex::new(answers);
        Self::with(move |_| answers.lock().expect("unpoisoned").pop()).await
    }

    pub fn answer_all(&self, status: u16) {
        self.inner.status.store(status, Ordering::SeqCst);
    }

    pub fn limit(&self, limits: Limits) {
        *self.inner.limits.lock().expect("unpoisoned") = limits;
    }

    pub fn took(&self) -> Vec<Took> {
        self.inner.took.borrow().clone()
    }

    pub fn messages(&self) -> Vec<String> {
        messages(&self.took())
    }

    pub async fn wait_for(&self, records: usize) -> Vec<String> {
        let mut took = self.inner.took.subscribe();
        let waited = tokio::time::timeout(PATIENCE, took.wait_for(|took| messages(took).len() >= records)).await;
        assert!(waited.is_ok(), "only {} of {records} records came", self.messages().len());
        self.messages()
    }

    pub fn keys(&self) -> Vec<String> {
        self.inner.keys.lock().expect("unpoisoned").clone()
    }
}

fn messages(took: &[Took]) -> Vec<String> {
    let records = took.iter().flat_map(|took| &took.records);
    records.map(|record| record["message"].as_str().expect("a message").to_owned()).collect()
}

fn unpack(headers: &HeaderMap, body: Bytes) -> Bytes {
    let mut out = Vec::new();
    match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.to_str().expect("text")) {
        Some("gzip") => flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut out).expect("gzip"),
        Some("zstd") => zstd::stream::read::Decoder::new(&body[..]).expect("zstd").read_to_end(&mut out).expect("zstd"),
        _ => return body,
    };
    out.into()
}

async fn ingest(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers["idempotency-key"].to_str().expect("text").to_owned();
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-ndjson");
    let before = {
        let mut keys = inner.keys.lock().expect("unpoisoned");
        keys.push(key.clone());
        keys.len() - 1
    };
    if let Some(answer) = (inner.script)(before) {
        return answer;
    }
    if let status @ 1.. = inner.status.load(Ordering::SeqCst) {
        return answer(status);
    }
    let body = unpack(&headers, body);
    let limits = *inner.limits.lock().expect("unpoisoned");
    match raw::parse(body.clone(), BodyFormat::Ndjson, &limits) {
        Ok(_) => {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let records = lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect();
            inner.took.send_modify(|took| took.push(Took { key, records }));
            (StatusCode::ACCEPTED, r#"{"status":"queued"}"#).into_response()
        }
        Err(ParseError::Invalid(invalid)) => {
            let body = json!({ "error": invalid }).to_string();
            (StatusCode::BAD_REQUEST, body).into_response()
        }
        Err(ParseError::TooLarge(message)) => {
            let body = json!({ "error": "payload_too_large", "message": message }).to_string();
            (StatusCode::PAYLOAD_TOO_LARGE, body).into_response()
        }
    }
}

pub(super) fn answer(status: u16) -> Response {
    StatusCode::from_u16(status).expect("a status").into_response()
}

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: SendArgs,
}

#[derive(Clone, Default)]
pub(super) struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("text")
    }
}

/// A folder with files and a spool, and how the command is run there.
pub(super) struct Place {
    pub dir: TempDir,
    pub patience: Duration,
    pub stop: CancellationToken,
    pub shown: Shown,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Place { dir, patience: PATIENCE, stop: CancellationToken::new(), shown: Shown::default() }
    }

    /// A server that is not there is given up at once.
    pub fn impatient() -> Self {
        Place { patience: Duration::ZERO, ..Place::new() }
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.display().to_string()
    }

    fn args(&self, url: &str, more: &[&str]) -> SendArgs {
        let spool = self.dir.path().join("spool").display().to_string();
        let fixed = ["send", "--url", url];
        let spool = ["--spool", spool.as_str()];
        let spool = if more.contains(&"--spool") { &spool[..0] } else { &spool[..] };
        Command::try_parse_from(fixed.iter().chain(spool).chain(more)).expect("valid arguments").args
    }

    pub async fn run(&self, url: &str, more: &[&str], stdin: &[u8]) -> SendStatus {
        let stdin = Box::new(std::io::Cursor::new(stdin.to_vec()));
        self.run_from(url, more, stdin).await
    }

    pub async fn run_from(&self, url: &str, more: &[&str], stdin: Box<dyn Read + Send>) -> SendStatus {
        let backoff = Backoff { base: Duration::from_millis(5), most: Duration::from_millis(50) };
        let timing = Timing { backoff, patience: self.patience, probe: Duration::from_millis(20) };
        let args = self.args(url, more);
        let run = run_with(args, stdin, Box::new(self.shown.clone()), self.stop.clone(), timing);
        tokio::time::timeout(3 * PATIENCE, run).await.expect("the run ends")
    }

    /// Names of what is kept, without the ids.
    pub fn kept(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.dir.path().join("spool")) else { return Vec::new() };
        let mut kinds: Vec<String> = entries
            .map(|entry| entry.expect("readable").path())
            .filter_map(|path| Some(path.extension()?.to_str()?.to_owned()))
            .collect();
        kinds.sort();
        kinds
    }

    pub fn shown(&self) -> String {
        self.shown.text()
    }
}

/// An address where nobody listens.
pub(super) fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

pub(super) fn numbered(lines: std::ops::Range<usize>) -> String {
    lines.map(|n| format!("line {n}\n")).collect()
}

pub(super) fn expected(lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(|n| format!("line {n}")).collect()
}

//! A model's server that answers over HTTP as it is told to: well, late, wrongly, not at all, with far too much.
//!
//! It keeps every request, so that a test can look for what must never leave.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::{Stream, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::{KitError, Result};

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// As a good model does.
    Good,
    /// As given, after a while.
    After(Duration, Box<Reply>),
    /// Never.
    Hang,
    /// With a status, headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// With 200 and a body of a content type.
    Raw(&'static str, String),
    /// With 200 and so many bytes that begin like a completion.
    Huge(usize),
    /// With this text as the model's.
    Text(String),
    /// As a good model does, with its items changed.
    Changed(fn(Vec<Value>) -> Vec<Value>),
    /// As a good model does, and without saying what it cost.
    Unpriced,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Value,
    /// When.
    pub at: Instant,
}

impl Request {
    /// The patterns that it asks about.
    pub fn patterns(&self) -> Vec<Value> {
        let content = self.body.pointer("/messages/1/content").and_then(Value::as_str).unwrap_or_default();
        serde_json::from_str(content).unwrap_or_default()
    }
}

#[derive(Default)]
struct Book {
    script: VecDeque<Reply>,
    always: Option<Reply>,
    requests: Vec<Request>,
    in_flight: usize,
    most_in_flight: usize,
}

/// The server, on a thread of its own; it ends when this is dropped.
pub struct FakeModel {
    base_url: String,
    book: Arc<Mutex<Book>>,
    runtime: Option<Runtime>,
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl FakeModel {
    /// Starts one on a free port of this machine's own address.
    ///
    /// # Errors
    /// When there is no free port or no thread.
    pub fn start() -> Result<Self> {
        Self::listen().map_err(KitError::while_trying("starting the fake model"))
    }

    fn listen() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let listener = {
            let _within = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let book = Arc::<Mutex<Book>>::default();
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(book.clone());
        // Ends with the runtime alone.
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(FakeModel { base_url, book, runtime: Some(runtime) })
    }

    /// What `OPENAI_BASE_URL` is set to.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Answers the next requests so, in order, and then as before.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.book().script.extend(replies);
    }

    /// Answers every request so that the script says nothing of.
    pub fn always(&self, reply: Reply) {
        self.book().always = Some(reply);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.book().requests.clone()
    }

    /// How many requests came so far.
    pub fn calls(&self) -> usize {
        self.book().requests.len()
    }

    /// The most requests that were open at once.
    pub fn most_in_flight(&self) -> usize {
        self.book().most_in_flight
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts an open request, also one whose client goes away.
struct Open(Arc<Mutex<Book>>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).in_flight -= 1;
    }
}

async fn complete(State(book): State<Arc<Mutex<Book>>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = Request { headers, body: serde_json::from_slice(&body).unwrap_or_default(), at: Instant::now() };
    let reply = {
        let mut book = lock(&book);
        book.requests.push(request.clone());
        book.in_flight += 1;
        book.most_in_flight = book.most_in_flight.max(book.in_flight);
        book.script.pop_front().or_else(|| book.always.clone()).unwrap_or(Reply::Good)
    };
    let _open = Open(book);
    answer(reply, &request).await
}

async fn answer(mut reply: Reply, request: &Request) -> Response {
    while let Reply::After(wait, then) = reply {
        tokio::time::sleep(wait).await;
        reply = *then;
    }
    match reply {
        Reply::Good | Reply::After(..) => completion(&good(request), true),
        Reply::Unpriced => completion(&good(request), false),
        Reply::Changed(change) => completion(&json!({ "insights": change(items(request)) }).to_string(), true),
        Reply::Text(text) => completion(&text, true),
        Reply::Hang => std::future::pending().await,
        Reply::Raw(content_type, body) => ([("content-type", content_type)], body).into_response(),
        Reply::Huge(bytes) => ([("content-type", "application/json")], Body::from_stream(huge(bytes))).into_response(),
        Reply::Status(status, headers, body) => {
            let mut response = body.into_response();
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            for (name, value) in headers {
                if let Ok(value) = value.parse() {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
    }
}

/// The start of a completion that goes on for so many bytes.
fn huge(bytes: usize) -> impl Stream<Item = std::io::Result<Bytes>> {
    const CHUNK: usize = 64 << 10;
    let start = Bytes::from_static(br#"{"choices":[{"message":{"content":""#);
    let rest = std::iter::repeat_n(Bytes::from(vec![b'x'; CHUNK]), bytes / CHUNK);
    stream::iter(std::iter::once(start).chain(rest).map(Ok))
}

/// What a good model says of each pattern: the highest severity that is allowed, a plain sentence.
fn items(request: &Request) -> Vec<Value> {
    let item = |pattern: &Value| {
        let allowed = pattern["severity"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
        json!({
            "id": pattern["id"], "summary": "A part of the system did not do its work.", "severity": allowed,
            "category": "availability", "remediation": "Look at what changed before.",
        })
    };
    request.patterns().iter().map(item).collect()
}

fn good(request: &Request) -> String {
    json!({ "insights": items(request) }).to_string()
}

fn completion(text: &str, priced: bool) -> Response {
    let mut body = json!({
        "id": "c-1", "object": "chat.completion",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
    });
    if priced {
        body["usage"] = json!({ "prompt_tokens": 700, "completion_tokens": 60, "total_tokens": 760 });
    }
    axum::Json(body).into_response()
}

//! A gateway on port 0, events to publish, and clients to read them with.

mod numbers;
mod protocol;
mod resume;
mod ring;
mod schema;
mod slow;
mod stream;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use whittle_domain::{Batch, BatchBuilder, Level, Row, Span};
use whittle_patterns::{FormId, PatternId};

use super::{Gateway, GatewaySettings, InsightLookup};
use crate::http::{Course, Routes};

/// Far more than anything here takes, even on a machine that does other things.
const WAIT: Duration = Duration::from_secs(20);
const INSIGHT: &str =
    r#"{"summary":"analysis_failed","confidence":0,"status":"no_key","severity":"low","category":"other"}"#;

/// Patterns from 100 on were merged into the one a hundred below.
struct Insights;

impl InsightLookup for Insights {
    fn json(&self, _: PatternId, level: Level) -> Arc<str> {
        if level == Level::Error { INSIGHT.replace("\"low\"", "\"high\"").into() } else { INSIGHT.into() }
    }

    fn resolve(&self, pattern: PatternId) -> PatternId {
        if (100..200).contains(&pattern.0) { PatternId(pattern.0 - 100) } else { pattern }
    }
}

/// An event in the making.
#[derive(Clone)]
struct Line {
    partition: u32,
    offset: u64,
    source: String,
    level: Level,
    message: String,
    context: String,
    pattern: u64,
}

fn line(offset: u64) -> Line {
    Line {
        partition: 0,
        offset,
        source: "app".into(),
        level: Level::Info,
        message: format!("event {offset}"),
        context: String::new(),
        pattern: 1,
    }
}

fn lines(offsets: std::ops::Range<u64>) -> Vec<Line> {
    offsets.map(line).collect()
}

fn batch(lines: &[Line]) -> Arc<Batch> {
    let mut builder = BatchBuilder::with_capacity(lines.len(), 0);
    for line in lines {
        let row = Row {
            partition: line.partition,
            offset: line.offset,
            event_id: 0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(line.offset),
            timestamp: 1_764_533_400_000_000,
            received_at: 1_764_533_400_123_456,
            level: line.level,
            source: builder.push_text(&line.source),
            message: builder.push_text(&line.message),
            context: builder.push_text(&line.context),
            level_text: Span::default(),
            vars_start: 0,
            vars_len: 0,
            form: FormId(0),
            pattern: PatternId(line.pattern),
        };
        builder.push_row(row);
    }
    Arc::new(builder.finish())
}

/// A gateway that serves.
struct Served {
    gateway: Arc<Gateway>,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    running: OnceCell<tokio::task::JoinHandle<()>>,
}

impl Served {
    async fn new(settings: GatewaySettings) -> Self {
        let stop = CancellationToken::new();
        let gateway = Gateway::new(settings, Arc::new(Insights), &mut Registry::default(), stop.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let course = Course { closing: stop.clone(), ..Course::default() };
        tokio::spawn(crate::http::serve(listener, Routes::new(gateway.routes()), course));
        let beating = gateway.clone();
        let running = tokio::spawn(async move { beating.run().await });
        Served { gateway, address, stop, running: OnceCell::new_with(Some(running)) }
    }

    async fn usual() -> Self {
        Served::new(GatewaySettings::default()).await
    }

    fn publish(&self, lines: &[Line]) {
        self.gateway.publish(&batch(lines));
    }

    async fn connect(&self, path: &str) -> Viewer {
        let url = format!("ws://{}{path}", self.address);
        let connecting = tokio::time::timeout(WAIT, tokio_tungstenite::connect_async(url));
        let (socket, _) = connecting.await.expect("the gateway answers an upgrade").unwrap();
        Viewer { socket }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !done() {
        assert!(started.elapsed() < WAIT, "waited {WAIT:?} until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A client.
struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Viewer {
    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(WAIT, self.socket.next()).await;
        next.expect("a message comes in time").expect("the stream goes on").expect("the frame is sound")
    }

    /// The next text message.
    async fn text(&mut self) -> String {
        loop {
            match self.message().await {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("text was awaited, {other:?} came"),
            }
        }
    }

    async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e} in {text}"))
    }

    /// The next message of a topic; others before it are left out.
    async fn of_topic(&mut self, topic: &str) -> Value {
        loop {
            let message = self.json().await;
            if message["topic"] == topic {
                return message["payload"].clone();
            }
        }
    }

    /// The next `count` events, out of frames of either shape. Other messages are an error.
    async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let mut message = self.json().await;
            assert_eq!(message["topic"], "logs.insights", "{message}");
            match message["payloads"].take() {
                Value::Array(payloads) => events.extend(payloads),
                _ => events.push(message["payload"].take()),
            }
        }
        assert_eq!(events.len(), count, "a frame holds more events than were awaited");
        events
    }

    async fn seqs(&mut self, count: usize) -> Vec<String> {
        self.events(count).await.iter().map(|e| e["seq"].as_str().unwrap().to_owned()).collect()
    }

    async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Subscribes; returns the head told.
    async fn subscribe(&mut self, mut message: Value) -> Value {
        message["type"] = json!("subscribe");
        self.send(message).await;
        self.of_topic("whittle.subscribed").await["head"].clone()
    }
}

fn seqs(offsets: std::ops::Range<u64>) -> Vec<String> {
    offsets.map(|offset| format!("0-{offset}")).collect()
}

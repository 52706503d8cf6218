//! The route: from a request's head to its answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use whittle_bus::{Bus, Position, ProduceError};
use whittle_domain::{Arrival, BodyFormat, Limits, RawBatch, raw};

use super::admission::{Admission, Reserved};
use super::apart;
use super::body::{self, Encoding};
use super::denied::Denied;
use super::frame::{Envelope, encode};
use super::metrics::IngestMetrics;
use crate::http::Refusal;
use crate::http::refusal::json;
use crate::pipeline::Feed;

/// What ingestion may take.
#[derive(Debug, Clone, Copy)]
pub struct IngestLimits {
    /// Bytes of a body as sent.
    pub body_bytes: usize,
    /// Bytes of a body once decoded.
    pub decoded_bytes: usize,
    /// Bounds of the records in it.
    pub records: Limits,
    /// Time for a body to arrive, and then for its records to be durable.
    pub deadline: Duration,
}

/// Ingestion: takes requests, and answers them once their records are durable.
pub struct Ingest {
    /// Where records go.
    pub bus: Arc<dyn Bus>,
    /// Each record is a message of its own, rather than a request one entry.
    pub apart: bool,
    /// The topic.
    pub topic: String,
    /// What a request may hold.
    pub limits: IngestLimits,
    /// Who gets in.
    pub admission: Admission,
    /// Hands durable records to the pipeline, and knows how far it lags.
    pub feed: Arc<Feed>,
    /// What is counted.
    pub metrics: IngestMetrics,
    /// Set while the program ends: nothing is taken any more.
    pub draining: CancellationToken,
}

#[derive(Serialize)]
struct Queued {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<usize>,
}

/// The routes of ingestion.
pub fn routes(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/ingest", post(receive).fallback(async || Refusal::method_not_allowed("POST")))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(ingest)
}

async fn receive(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let client = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let response = match ingest.admit(&head.headers, client) {
        Ok(admitted) => ingest.take(&head.headers, body, admitted).await.unwrap_or_else(Denied::into_response),
        Err(refusal) => {
            body::drain(body);
            refusal.into_response()
        }
    };
    ingest.metrics.answered(response.status().as_u16());
    response
}

/// What the head of a request told.
struct Admitted {
    format: BodyFormat,
    encoding: Encoding,
    reserved: Reserved,
}

impl Ingest {
    /// Looks at the head alone, so that a refusal costs no more than that.
    fn admit(&self, headers: &HeaderMap, client: Option<IpAddr>) -> Result<Admitted, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::not_ready("the server is ending; send again in a moment"));
        }
        let (format, encoding) = body::form(headers)?;
        let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > self.limits.body_bytes) {
            return Err(body::too_large(self.limits.body_bytes));
        }
        self.admission.check_rate(client)?;
        if self.feed.is_behind() {
            return Err(Refusal::overloaded("more records wait to be stored than may; send again in a moment"));
        }
        if let Some(reason) = self.bus.refusing() {
            return Err(Refusal::produce_failed(reason));
        }
        let reserved = self.admission.admit(length.unwrap_or(0))?;
        Ok(Admitted { format, encoding, reserved })
    }

    async fn take(&self, headers: &HeaderMap, body: Body, admitted: Admitted) -> Result<Response, Denied> {
        let Admitted { format, encoding, mut reserved } = admitted;
        let late = || Refusal::timeout("the body did not arrive in time");
        let read = body::read(body, self.limits.body_bytes, &mut reserved);
        let bytes = tokio::time::timeout(self.limits.deadline, read).await.map_err(|_| late())??;
        let received = Instant::now();
        let (raw, reserved) = self.parse(bytes, format, encoding, reserved).await?;
        let (accepted, bytes, single) = (raw.rows().len(), raw.body().len(), raw.is_single());
        self.append(raw, format, envelope(headers), reserved).await?;
        self.metrics.records.inc_by(accepted as u64);
        self.metrics.bytes.inc_by(bytes as u64);
        self.metrics.ack_seconds.observe(received.elapsed().as_secs_f64());
        let accepted = (!single).then_some(accepted);
        Ok(json(StatusCode::ACCEPTED, &Queued { status: "queued", accepted }))
    }

    /// Decodes and parses a body. What is reserved goes along: work on another thread ends after a client that leaves.
    async fn parse(
        &self,
        bytes: Bytes,
        format: BodyFormat,
        encoding: Encoding,
        mut reserved: Reserved,
    ) -> Result<(RawBatch, Reserved), Denied> {
        let limits = self.limits;
        let small = bytes.len() <= body::LARGE && encoding == Encoding::Identity;
        let work = move || -> Result<(RawBatch, Reserved), Denied> {
            let decoded = body::decode(bytes, encoding, limits.decoded_bytes, &mut reserved)?;
            let raw = raw::parse(decoded, format, &limits.records)?;
            reserved.settle(raw.memory())?;
            Ok((raw, reserved))
        };
        if small {
            return work();
        }
        // A large body is worth the way to another thread, so that small ones on this one need not wait for it.
        let turn = self.admission.turn().await;
        let parsed = tokio::task::spawn_blocking(move || {
            let parsed = work();
            drop(turn);
            parsed
        });
        parsed.await.unwrap_or_else(|_| Err(Refusal::produce_failed("the body could not be read").into()))
    }

    /// Appends the records and waits until they are durable. What was reserved for them is given back then, also when
    /// the client is gone before.
    async fn append(
        &self,
        raw: RawBatch,
        format: BodyFormat,
        envelope: Envelope,
        reserved: Reserved,
    ) -> Result<(), Refusal> {
        if self.apart {
            let answer = apart::produce(&*self.bus, &self.topic, &raw, &envelope, reserved);
            return self.answered(answer).await;
        }
        let entry = encode(&raw, format, &envelope);
        let (told, answer) = oneshot::channel();
        let feed = self.feed.clone();
        let done = Box::new(move |result: Result<Position, ProduceError>| {
            drop(reserved);
            if let Ok(Position { partition, offset }) = result {
                let Envelope { event_id, received_at, .. } = envelope;
                feed.offer(raw, Arrival { partition, base_offset: offset, received_at, event_id });
            }
            let _ = told.send(result.map(drop));
        });
        self.bus.produce(&self.topic, entry, done);
        self.answered(answer).await
    }

    async fn answered(&self, answer: oneshot::Receiver<Result<(), ProduceError>>) -> Result<(), Refusal> {
        match tokio::time::timeout(self.limits.deadline, answer).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(refusal_of(&error)),
            Ok(Err(_)) => Err(Refusal::produce_failed("the bus gave no answer")),
            Err(_) => Err(Refusal::produce_failed("the records were not durable in time; they may still become so")),
        }
    }
}

fn refusal_of(error: &ProduceError) -> Refusal {
    match error {
        ProduceError::Busy => Refusal::overloaded(error.to_string()),
        ProduceError::TooLarge(_) => Refusal::too_large(error.to_string()),
        ProduceError::Closed => Refusal::not_ready("the server is ending; send again in a moment"),
        ProduceError::Unavailable(_) => Refusal::produce_failed(error.to_string()),
    }
}

fn envelope(headers: &HeaderMap) -> Envelope {
    // A head has 64 KiB at most, and so has each of its values.
    let kept = |name: &str| headers.get(name).map(|value| Bytes::copy_from_slice(value.as_bytes()));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Envelope {
        event_id: uuid::Uuid::now_v7().as_u128(),
        received_at: i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        idempotency_key: kept("idempotency-key"),
        traceparent: kept("traceparent"),
    }
}

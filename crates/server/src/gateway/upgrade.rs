//! From an HTTP request to a WebSocket (RFC 6455, section 4.2).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Gateway;
use super::client::Client;
use super::link::Link;
use super::ring::Heads;
use super::roster::Seat;
use super::subscribe::Subscription;
use crate::http::Refusal;
use crate::http::patient::Patient;

/// Time for the server to hand the connection over.
const HAND_OVER: Duration = Duration::from_secs(10);

/// A client at the moment before its upgrade is answered: whatever is published from then on is for it.
pub(super) struct Arrival {
    pub seat: Seat,
    pub pulse: watch::Receiver<u64>,
    /// The next number and offsets.
    pub position: (u64, Heads),
    /// What it asked for in its query string: a subscription, nothing, or something that cannot be read.
    pub wish: Result<Option<Subscription>, String>,
}

/// Answers an upgrade.
pub(super) async fn upgrade(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response {
    let accept = match accept_key(request.headers()) {
        Ok(accept) => accept,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return needs_upgrade().into_response();
    };
    if gateway.stop.is_cancelled() {
        return Refusal::not_ready("the gateway is stopping").into_response();
    }
    let Some(seat) = gateway.roster.sit_down() else {
        gateway.metrics.refused.inc();
        let most = gateway.settings.max_clients;
        let message =
            format!("{most} clients are connected, which is the most; raise gateway.max_clients or come back later");
        return Refusal {
            status: StatusCode::SERVICE_UNAVAILABLE,
            word: "too_many_clients",
            message,
            retry_after: Some(5),
            at: None,
        }
        .into_response();
    };
    let wish = Subscription::from_query(request.uri().query().unwrap_or_default());
    // Listening comes before looking: an event after this look makes a pulse that is heard.
    let pulse = gateway.pulse.subscribe();
    let arrival = Arrival { seat, pulse, position: gateway.ring.position(), wish };
    gateway.tasks.spawn(serve(gateway.clone(), on_upgrade, arrival));
    switch(&accept)
}

/// Hands the connection over to a client's task, which this is.
async fn serve(gateway: Arc<Gateway>, on_upgrade: OnUpgrade, arrival: Arrival) {
    let Ok(Ok(upgraded)) = tokio::time::timeout(HAND_OVER, on_upgrade).await else { return };
    match upgraded.downcast::<TokioIo<Patient<TcpStream>>>() {
        Ok(parts) => {
            let stream = parts.io.into_inner().into_inner();
            // A hint to the kernel: without it, it may hold megabytes for a client that never reads.
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, gateway.settings.send_buffer_bytes);
            run(gateway, stream, &parts.read_buf, arrival).await;
        }
        Err(other) => run(gateway, TokioIo::<Upgraded>::new(other), &[], arrival).await,
    }
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(gateway: Arc<Gateway>, io: S, early: &[u8], arrival: Arrival) {
    let link = Link::new(io, early, gateway.settings.max_message_bytes);
    Client::serve(gateway, link, arrival).await;
}

/// The answer to the client's key.
fn accept_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let has = |name: HeaderName, word: &str| {
        let words = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        words.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(word))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(needs_upgrade());
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Refusal {
            message: "version 13 of the WebSocket protocol is the one spoken here".into(),
            ..needs_upgrade()
        });
    }
    // Sixteen bytes as base64.
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        Some(key) if key.len() == 24 => Ok(tungstenite::handshake::derive_accept_key(key.as_bytes())),
        _ => Err(Refusal::bad_parameter("Sec-WebSocket-Key: give 16 random bytes as base64")),
    }
}

fn needs_upgrade() -> Refusal {
    Refusal {
        status: StatusCode::UPGRADE_REQUIRED,
        word: "upgrade_required",
        message: "this is the live stream; connect to it as a WebSocket (ws://)".into(),
        retry_after: None,
        at: None,
    }
}

fn switch(accept: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

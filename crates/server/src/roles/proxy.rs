//! From the page's origin to services behind it: requests as they are, and WebSockets once they are upgraded.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::http::Refusal;

/// Time for a service to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Time for a service to begin its answer: longer than any question may take.
const ANSWER: Duration = Duration::from_secs(60);

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `host:port`.
    address: String,
}

impl Target {
    /// A service at an address without a path. Between the page's server and what is behind it nothing is encrypted.
    pub fn new(url: &Url) -> Option<Self> {
        let plain = matches!(url.scheme(), "http" | "ws") && matches!(url.path(), "" | "/");
        let port = url.port_or_known_default()?;
        let host = url.host_str().filter(|_| plain)?;
        Some(Target { address: format!("{host}:{port}") })
    }

    /// Sends a request; the connection is this request's alone.
    async fn send(&self, mut request: Request) -> Result<Response, Refusal> {
        let away = |what: String| Refusal::unreachable(format!("{} {what}", self.address));
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(&self.address)).await;
        let stream = connected.map_err(|_| away("does not take connections".into()))?;
        let stream = stream.map_err(|error| away(format!("cannot be reached: {error}")))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| away(format!("does not answer: {error}")))?;
        tokio::spawn(connection.with_upgrades());
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(path);
        if let Ok(host) = HeaderValue::from_str(&self.address) {
            request.headers_mut().insert(header::HOST, host);
        }
        // Whether the page may ask was decided in front of this; the service would take its origin for a foreign one.
        request.headers_mut().remove(header::ORIGIN);
        let answer = tokio::time::timeout(ANSWER, sender.send_request(request)).await;
        let answer = answer.map_err(|_| away("does not answer in time".into()))?;
        answer.map(|answer| answer.map(Body::new)).map_err(|error| away(format!("does not answer: {error}")))
    }
}

/// Passes requests on.
pub(super) fn http(target: Target) -> Router {
    Router::new().fallback(pass).with_state(target)
}

async fn pass(State(target): State<Target>, request: Request) -> Response {
    target.send(request).await.unwrap_or_else(Refusal::into_response)
}

/// Passes upgrades on, and then bytes both ways until either side or the program ends.
pub(super) fn upgraded(target: Target, stop: CancellationToken) -> Router {
    Router::new().fallback(tunnel).with_state((target, stop))
}

async fn tunnel(State((target, stop)): State<(Target, CancellationToken)>, mut request: Request) -> Response {
    let client = hyper::upgrade::on(&mut request);
    let mut answer = match target.send(request).await {
        Ok(answer) => answer,
        Err(refusal) => return refusal.into_response(),
    };
    if answer.status() == axum::http::StatusCode::SWITCHING_PROTOCOLS {
        let service = hyper::upgrade::on(&mut answer);
        tokio::spawn(async move {
            let (Ok(client), Ok(service)) = (client.await, service.await) else { return };
            let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
            tokio::select! {
                // Either side going is the usual end.
                _ = copy_bidirectional(&mut client, &mut service) => {}
                () = stop.cancelled() => {}
            }
        });
    }
    answer
}

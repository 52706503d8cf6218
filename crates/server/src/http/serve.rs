//! Serving a router on a listener until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::ConfigError;

/// Connections that a port holds at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;
/// Time for a request's head to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for open requests to end after the stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Takes a port.
///
/// # Errors
/// Says which setting names another port when this one is taken.
pub async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, ConfigError> {
    TcpListener::bind(address).await.map_err(|e| {
        let fix = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("another program listens there; end it, or set {key} to a free port")
            }
            std::io::ErrorKind::PermissionDenied => format!("not allowed; set {key} to a port above 1023"),
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address; check WHITTLE_BIND".to_owned(),
            _ => "check the address and the port".to_owned(),
        };
        ConfigError::new(key, format!("cannot listen on {address}: {e}; {fix}"))
    })
}

/// Serves HTTP/1.1 until `stop`; then open requests have a few seconds to end.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let slots = std::sync::Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: wait for some to come free.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let connection = connection(stream, peer, router.clone(), stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("requests were still open at the end of the drain");
    }
}

/// Serves one connection until the client goes, or until what is under way ends after the stop.
async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

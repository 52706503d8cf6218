//! Serving a router on a listener until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::patient::Patient;
use crate::config::ConfigError;

/// Connections that a port holds at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;
/// Time for a request's head to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for a client to take some of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the system gave no connection: out of file descriptors, mostly, so wait for some to come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a port answers with. It may change while the port is served: while data are opened, a port says so.
#[derive(Clone)]
pub struct Routes(Arc<ArcSwap<Router>>);

impl Routes {
    /// These routes, until they are changed.
    pub fn new(router: Router) -> Self {
        Routes(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// Answers requests with other routes from now on, those on open connections too.
    pub fn set(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    fn now(&self) -> Router {
        self.0.load().as_ref().clone()
    }
}

/// What a server watches and tells while it serves. Clones are the same one, so that ports end together.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// No connection is taken any more, and open ones end after the request that they are at.
    pub closing: CancellationToken,
    /// Whatever is still open is cut off.
    pub abandon: CancellationToken,
    /// Requests that have no answer yet.
    pub requests: TaskTracker,
}

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

/// Serves HTTP/1.1 until the course is closing; returns once no connection is open.
pub async fn serve(listener: TcpListener, routes: Routes, course: Course) {
    serve_at_most(MAX_CONNECTIONS, listener, routes, course).await;
}

async fn serve_at_most(most: usize, listener: TcpListener, routes: Routes, course: Course) {
    let connections = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(most));
    loop {
        let (slot, stream, peer) = tokio::select! {
            biased;
            () = course.closing.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let connection = connection(stream, peer, routes.clone(), course.clone());
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection for which there is a slot.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    loop {
        match slots.clone().acquire_owned().await {
            Ok(slot) => match listener.accept().await {
                Ok((stream, peer)) => return (slot, stream, peer),
                Err(error) => tracing::warn!(%error, "cannot accept a connection"),
            },
            Err(error) => tracing::error!(%error, "no slots for connections"),
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Serves one connection until the client goes, or until what is under way ends after the stop.
async fn connection(stream: TcpStream, peer: SocketAddr, routes: Routes, course: Course) {
    let _ = stream.set_nodelay(true);
    let asked = Arc::new(AtomicBool::new(false));
    let (first, requests) = (asked.clone(), course.requests.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        first.store(true, Ordering::Relaxed);
        let under_way = requests.token();
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = routes.now().oneshot(request.map(Body::new));
        async move {
            let answer = answer.await;
            drop(under_way);
            answer
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_TIMEOUT)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = course.closing.cancelled() => {
            // Without a whole request there is nothing to finish; the library would wait for the rest of a head.
            if !asked.load(Ordering::Relaxed) {
                return;
            }
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = course.abandon.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    /// Bound of every wait: generous, since tests share machines.
    const WAIT: Duration = Duration::from_secs(20);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    async fn start(most: usize, router: Router) -> (SocketAddr, Routes, Course, JoinHandle<()>) {
        let listener = bind("127.0.0.1:0".parse().expect("an address"), "PORT").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (routes, course) = (Routes::new(router), Course::default());
        let server = tokio::spawn(serve_at_most(most, listener, routes.clone(), course.clone()));
        (address, routes, course, server)
    }

    async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
        tokio::time::timeout(WAIT, future).await.unwrap_or_else(|_| panic!("waited {WAIT:?} for {what}"))
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("it listens")
    }

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.expect("it reads");
        let mut bytes = vec![0; 4096];
        let read = within("an answer", stream.read(&mut bytes)).await.expect("an answer");
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    /// Whether the other side has closed, in whichever way.
    async fn is_closed(stream: &mut TcpStream) -> bool {
        match within("the end of a connection", stream.read(&mut [0; 64])).await {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    #[tokio::test]
    async fn routes_change_on_open_connections() {
        let (address, routes, _, _) = start(8, Router::new().route("/", get(async || "before"))).await;
        let mut stream = connect(address).await;
        assert!(ask(&mut stream).await.ends_with("before"));
        routes.set(Router::new().route("/", get(async || "after")));
        assert!(ask(&mut stream).await.ends_with("after"));
    }

    #[tokio::test]
    async fn it_ends_though_every_slot_is_taken() {
        let (address, _, course, server) = start(1, Router::new().route("/", get(async || "here"))).await;
        let mut only = connect(address).await;
        ask(&mut only).await;
        let _waiting = connect(address).await;
        course.closing.cancel();
        within("the server's end", server).await.expect("it ends in order");
        assert!(is_closed(&mut only).await);
    }

    #[tokio::test]
    async fn connections_without_a_whole_request_are_closed_at_once() {
        let (address, _, course, server) = start(8, Router::new().route("/", get(async || "here"))).await;
        let (mut silent, mut half) = (connect(address).await, connect(address).await);
        half.write_all(&REQUEST[..20]).await.expect("it reads");
        // Connections are taken in order: once this one is answered, those before it are served too.
        let mut idle = connect(address).await;
        ask(&mut idle).await;
        course.closing.cancel();
        within("the server's end", server).await.expect("it ends in order");
        for stream in [&mut silent, &mut half, &mut idle] {
            assert!(is_closed(stream).await);
        }
    }

    #[tokio::test]
    async fn a_request_under_way_is_counted_and_finished_or_cut_off() {
        for cut_off in [false, true] {
            let (free, gate) = oneshot::channel::<()>();
            let gate = Arc::new(tokio::sync::Mutex::new(Some(gate)));
            let slow = get(async move || {
                let gate = gate.lock().await.take();
                let _ = gate.expect("one request").await;
                "done"
            });
            let (address, _, course, server) = start(8, Router::new().route("/", slow)).await;
            let mut stream = connect(address).await;
            stream.write_all(REQUEST).await.expect("it reads");
            within("the request to begin", async {
                while course.requests.is_empty() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            course.closing.cancel();
            if cut_off {
                course.abandon.cancel();
                assert!(is_closed(&mut stream).await);
            } else {
                free.send(()).expect("it waits");
                let mut answer = String::new();
                within("the answer", stream.read_to_string(&mut answer)).await.expect("an answer, then the end");
                assert!(answer.ends_with("done"), "{answer}");
            }
            within("the server's end", server).await.expect("it ends in order");
        }
    }
}

//! Which pages of a browser may talk to this server.
//!
//! There is no login on a laptop's ports, so the origin of a page is what keeps a foreign website from reading logs through the
//! browser of someone who has Whittle running. Programs send no `Origin` and are taken; a name that some foreign DNS server points
//! at loopback (DNS rebinding) is told by its `Host`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use super::Refusal;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("X-Total-Count, X-Until, X-Partial, X-Total-At-Least, X-Ignored-Parameters, Retry-After");
/// Seconds that a browser may remember a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const VARY: HeaderValue = HeaderValue::from_static("Origin");

/// The origins and hosts that a port takes.
///
/// Loopback origins (`http://localhost:5173`, `http://[::1]`, any port) are always taken. Bound to loopback, the `Host` must be
/// loopback too, or the host of an allowed origin: so a reverse proxy that passes its own name on can be let in.
#[derive(Debug, Clone)]
pub struct Origins {
    /// `scheme://host[:port]`, as browsers write them.
    allowed: Vec<String>,
    /// Hosts of the allowed origins; only looked at when bound to loopback.
    hosts: Vec<String>,
    bound_to_loopback: bool,
}

impl Origins {
    /// The rules of a port bound to `bind`, with `allowed` origins (`https://logs.example.com`) beside loopback.
    /// An entry that is no origin allows nothing.
    pub fn new(bind: IpAddr, allowed: &[String]) -> Self {
        let urls: Vec<Url> = allowed.iter().filter_map(|o| origin_url(o.trim_end_matches('/'))).collect();
        Origins {
            allowed: urls.iter().map(|url| url.origin().ascii_serialization()).collect(),
            hosts: urls.iter().filter_map(|url| url.host_str().map(str::to_owned)).collect(),
            bound_to_loopback: bind.to_canonical().is_loopback(),
        }
    }

    /// Puts the rules in front of every route, WebSocket upgrades and unknown paths among them, and answers preflights.
    pub fn layer(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), guard))
    }

    /// What is wrong with where a request comes from or what it was addressed to.
    fn check(&self, request: &Request) -> Result<(), Refusal> {
        if self.bound_to_loopback && !self.takes_hosts(request) {
            return Err(Refusal::forbidden(
                "this server listens on this machine alone and the request names another host; use localhost, or add the name's origin to CORS_ORIGINS",
            ));
        }
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        if origins.all(|origin| self.takes_origin(origin)) {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "pages of this origin may not use this server; add the origin to CORS_ORIGINS to allow it",
        ))
    }

    fn takes_origin(&self, origin: &HeaderValue) -> bool {
        let Some(url) = origin.to_str().ok().and_then(origin_url) else { return false };
        is_loopback(&url) || self.allowed.contains(&url.origin().ascii_serialization())
    }

    /// A request without a host is taken: browsers always send one.
    fn takes_hosts(&self, request: &Request) -> bool {
        let mut headers = request.headers().get_all(header::HOST).iter();
        let target = request.uri().authority().is_none_or(|authority| self.takes_host(authority.as_str()));
        target && headers.all(|host| host.to_str().is_ok_and(|host| self.takes_host(host)))
    }

    fn takes_host(&self, host: &str) -> bool {
        let Some(url) = origin_url(&format!("http://{host}")) else { return false };
        is_loopback(&url) || url.host_str().is_some_and(|host| self.hosts.iter().any(|taken| taken == host))
    }
}

/// Reads `scheme://host[:port]` and nothing more; `null` (files, sandboxes) is no origin.
fn origin_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https") || rest.contains(['/', '\\', '@', '?', '#']) {
        return None;
    }
    Url::parse(text).ok()
}

/// Whether an entry of `CORS_ORIGINS` is an origin, and so allows something.
pub fn is_origin(text: &str) -> bool {
    origin_url(text.trim_end_matches('/')).is_some()
}

/// Whether a host can only be this machine. `localhost` and names below it never leave it (RFC 6761).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

async fn guard(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = origins.check(&request) {
        return refusal.into_response();
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if let Some(origin) = &origin
        && preflight
        && request.method() == Method::OPTIONS
    {
        return answer_preflight(origin, request.headers());
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.append(header::VARY, VARY);
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// Allows what an allowed page asks for: the rules are about who asks, the routes check the rest.
fn answer_preflight(origin: &HeaderValue, asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.insert(header::VARY, VARY_PREFLIGHT);
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    // A public site that was allowed may reach into the private network (Chromium asks for this word).
    if asked.contains_key("access-control-request-private-network") {
        headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    fn router(bind: &str, allowed: &[&str]) -> Router {
        let allowed: Vec<String> = allowed.iter().map(|o| (*o).to_owned()).collect();
        let routes = Router::new().route("/", get(async || "here").post(async || "taken"));
        Origins::new(bind.parse().unwrap(), &allowed).layer(routes)
    }

    async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn origins_are_loopback_or_allowed() {
        let router = router("0.0.0.0", &["https://logs.example.com", "http://box:8080/", "https://Big.Example:443"]);
        for (origin, taken) in [
            ("http://localhost", true),
            ("http://localhost:5173", true),
            ("https://LOCALHOST:1", true),
            ("http://app.localhost:9", true),
            ("http://127.0.0.1:5173", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:5173", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("https://logs.example.com", true),
            ("https://logs.example.com:443", true),
            ("http://box:8080", true),
            ("https://big.example", true),
            ("http://logs.example.com", false),
            ("https://logs.example.com:444", false),
            ("https://logs.example.com.evil.test", false),
            ("https://evil.test", false),
            ("http://localhost.evil.test", false),
            ("http://notlocalhost", false),
            ("http://localhost@evil.test", false),
            ("http://evil.test/localhost", false),
            ("http://127.0.0.1.evil.test", false),
            ("http://0.0.0.0", false),
            ("http://128.0.0.1", false),
            ("file://localhost", false),
            ("null", false),
            ("", false),
            ("*", false),
        ] {
            let response = send(&router, "GET", "/", &[("host", "any.test"), ("origin", origin)]).await;
            let expected = if taken { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(response.status(), expected, "{origin:?}");
            let echoed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(echoed.map(|o| o.to_str().unwrap()), taken.then_some(origin));
        }
    }

    #[tokio::test]
    async fn hosts_are_checked_when_bound_to_loopback() {
        for (host, taken) in [
            ("localhost", true),
            ("localhost:4000", true),
            ("LocalHost.:4000", true),
            ("127.0.0.1:4000", true),
            ("[::1]:4000", true),
            ("[::1]", true),
            ("logs.example.com", true),
            ("evil.test", false),
            ("evil.test:4000", false),
            ("localhost.evil.test:4000", false),
            ("user@localhost", false),
            ("0.0.0.0:4000", false),
            ("10.0.0.1", false),
            ("", false),
            ("::::", false),
        ] {
            let local = router("127.0.0.1", &["https://logs.example.com"]);
            let status = send(&local, "GET", "/", &[("host", host)]).await.status();
            assert_eq!(status, if taken { StatusCode::OK } else { StatusCode::FORBIDDEN }, "{host:?}");
            let open = router("0.0.0.0", &[]);
            assert_eq!(send(&open, "GET", "/", &[("host", host)]).await.status(), StatusCode::OK, "{host:?}");
        }
        let six = router("::1", &[]);
        assert_eq!(send(&six, "GET", "/", &[("host", "evil.test")]).await.status(), StatusCode::FORBIDDEN);
        let absolute = send(&six, "GET", "http://evil.test/", &[("host", "localhost")]).await;
        assert_eq!(absolute.status(), StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn programs_without_an_origin_are_taken() {
        let router = router("127.0.0.1", &[]);
        let response = send(&router, "POST", "/", &[("host", "127.0.0.1:3001")]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
        assert_eq!(response.headers()[header::VARY], "Origin");
        assert_eq!(send(&router, "GET", "/", &[]).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn every_way_in_is_guarded() {
        let router = router("127.0.0.1", &[]);
        let evil = [("host", "localhost"), ("origin", "https://evil.test")];
        let upgrade = [evil[0], evil[1], ("connection", "upgrade"), ("upgrade", "websocket")];
        for (method, path, headers) in [
            ("GET", "/", &evil[..]),
            ("POST", "/", &evil),
            ("OPTIONS", "/", &evil),
            ("DELETE", "/", &evil),
            ("GET", "/absent", &evil),
            ("GET", "/", &upgrade),
        ] {
            let response = send(&router, method, path, headers).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
        }
        let two = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "https://evil.test")];
        assert_eq!(send(&router, "GET", "/", &two).await.status(), StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn preflights_are_answered_for_pages_that_are_taken() {
        let router = router("127.0.0.1", &[]);
        let page = [
            ("host", "localhost:3001"),
            ("origin", "http://localhost:5173"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,idempotency-key"),
            ("access-control-request-private-network", "true"),
        ];
        let response = send(&router, "OPTIONS", "/", &page).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
        assert_eq!(header("access-control-allow-origin"), "http://localhost:5173");
        assert!(header("access-control-allow-methods").contains("POST"));
        assert_eq!(header("access-control-allow-headers"), "content-type,idempotency-key");
        assert_eq!(header("access-control-allow-private-network"), "true");
        assert!(header("vary").contains("Origin"));
        let foreign = [page[0], ("origin", "https://evil.test"), page[2]];
        assert_eq!(send(&router, "OPTIONS", "/", &foreign).await.status(), StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn the_contract_s_headers_are_exposed() {
        let router = router("127.0.0.1", &[]);
        let response = send(&router, "GET", "/absent", &[("host", "localhost"), ("origin", "http://localhost")]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let exposed = response.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
        let expected = "X-Total-Count, X-Until, X-Partial, X-Total-At-Least, X-Ignored-Parameters, Retry-After";
        assert_eq!(exposed, expected);
    }
}

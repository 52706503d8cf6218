//! The page: the built files of `web/`, inside the binary, with the headers that they need.
//!
//! Hashed files are cached for ever; what a navigation asks for is `index.html`; a missing file is 404, so that an old page
//! after an upgrade says what is wrong instead of staying blank.

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::Refusal;

/// Scripts and styles of our own alone, and none inline: the page sets positions and widths from its script, which no policy forbids.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
    font-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Page;

/// Serves the page; everything else is for other routes.
pub fn routes() -> Router {
    Router::new().fallback(serve)
}

async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Refusal::method_not_allowed("GET").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let mut response = match file(path, request.headers()) {
        Some(response) => response,
        None if is_navigation(path, request.headers()) => match file("index.html", request.headers()) {
            Some(response) => response,
            None => not_built(),
        },
        None => Refusal::not_found("not_found", "there is no such file").into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a person goes to a page, rather than a page asking for a part of it.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let last = path.rsplit('/').next().unwrap_or("");
    let wants_html = headers
        .get(ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
    !last.contains('.') && !path.starts_with("assets/") && wants_html
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let plain = Page::get(path).filter(|_| !path.is_empty())?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", hex(&plain.metadata.sha256_hash()[..12]))).ok()?;
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let (encoding, packed) = packed(path, headers, plain);
    let fresh = headers.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(match packed.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        })
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, tag);
    if let Some(encoding) = encoding.filter(|_| !fresh) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// The file as it was packed when the page was built, in the best encoding that the client takes.
fn packed(path: &str, headers: &HeaderMap, plain: EmbeddedFile) -> (Option<&'static str>, EmbeddedFile) {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    for (name, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(accepted, name)
            && let Some(file) = Page::get(&format!("{path}.{ending}"))
        {
            return (Some(name), file);
        }
    }
    (None, plain)
}

/// Whether an `Accept-Encoding` names an encoding, and not just to refuse it.
fn takes(accepted: &str, name: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let is_named = words.next() == Some(name);
        is_named && !words.any(|word| word.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn not_built() -> Response {
    let text = "This binary was built without its page. Build the page first, then the binary: make build\n";
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_with_no_weight_is_refused() {
        for accepted in ["br", "gzip, br", "gzip;q=1.0, br;q=0.5", "br ; q=1"] {
            assert!(takes(accepted, "br"), "{accepted}");
        }
        for accepted in ["", "gzip", "brotli", "br;q=0", "gzip, br; q=0.0"] {
            assert!(!takes(accepted, "br"), "{accepted}");
        }
    }

    #[test]
    fn only_navigations_fall_back_to_the_page() {
        let html = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml"))]);
        let script = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        assert!(is_navigation("", &html) && is_navigation("explore", &html));
        assert!(!is_navigation("explore", &script));
        assert!(!is_navigation("assets/index-4f1d.js", &html), "a missing script must not be a page");
        assert!(!is_navigation("favicon.ico", &html));
    }
}

//! The one place that turns errors into answers: `{"error":"<word>","message":"…"}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer that says no: a word for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// The word of the contract.
    pub word: &'static str,
    /// What is wrong and what helps; never any of the payload.
    pub message: String,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
    /// Index of the character of the parameter that is wrong, from 0.
    pub at: Option<usize>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<usize>,
}

impl Refusal {
    fn new(status: StatusCode, word: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, word, message: message.into(), retry_after: None, at: None }
    }

    fn retry(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Points at a character.
    pub fn at(mut self, at: usize) -> Self {
        self.at = Some(at);
        self
    }

    /// 400: a parameter that cannot be read.
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_parameter", message)
    }

    /// 403: an origin or host that is not taken.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::FORBIDDEN, "forbidden_origin", message)
    }

    /// 404 with a word of its own.
    pub fn not_found(word: &'static str, message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, word, message)
    }

    /// 405: the path is there, the method is not.
    pub fn method_not_allowed(allowed: &str) -> Self {
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("this path takes {allowed}"))
    }

    /// 408: the body did not arrive in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    }

    /// 413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    }

    /// 415.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// 429: this client sends too often.
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message).retry(1)
    }

    /// 429: all clients together send too much.
    pub fn overloaded(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", message).retry(1)
    }

    /// 500: the bus cannot take it now; whether the record arrived is unknown.
    pub fn produce_failed(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "kafka_produce_failed", message).retry(2)
    }

    /// 502: what the answer would have come from does not answer.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_GATEWAY, "unreachable", message).retry(2)
    }

    /// 503: starting or draining.
    pub fn not_ready(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message).retry(1)
    }

    /// 503: the history has not caught up with what was acknowledged before the start.
    pub fn replaying(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "replaying", message).retry(1)
    }

    /// 503: the history cannot answer.
    pub fn history_unavailable(message: impl Into<String>) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "history_unavailable", message).retry(2)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &Body { error: self.word, message: &self.message, at: self.at });
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}

//! One request to the chat completions of a server, with every bound that a stranger's server needs.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Host, Url};

use super::budget::Usage;
use super::{ModelError, ModelSettings};

/// Bytes of a refusal that are looked at.
const MAX_REFUSAL: usize = 8 << 10;

/// What a request came to.
#[derive(Debug)]
pub(super) enum Reply {
    /// The model's text (empty where it gave none), and what it cost where the server says so.
    Answer { text: String, usage: Option<Usage> },
    /// The server refused.
    Refused { status: u16, body: String, retry_after: Option<Duration> },
    /// It was not reached: nothing was sent.
    NotSent(String),
    /// Something was sent, and no usable answer came; `again` where another try may bring one.
    Broken { why: String, again: bool },
}

/// A server and how it is reached.
pub(super) struct Endpoint {
    http: reqwest::Client,
    url: Url,
    max_answer: usize,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// The base of an API.
pub(super) fn base_url(text: &str) -> Result<Url, ModelError> {
    let url = Url::parse(text.trim()).map_err(|_| ModelError::BaseUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.cannot_be_a_base() {
        return Err(ModelError::BaseUrl);
    }
    Ok(url)
}

/// A key as a header that no debug output shows.
pub(super) fn bearer(key: &str) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| ModelError::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Endpoint {
    pub(super) fn new(settings: &ModelSettings, base: &Url, key: Option<&str>) -> Result<Self, ModelError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, bearer(key)?);
        }
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            // A redirect would carry the key and the templates elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .timeout(Duration::from_millis(settings.timeout_ms))
            .user_agent(concat!("whittle/", env!("CARGO_PKG_VERSION")));
        if is_loopback(base) {
            builder = builder.no_proxy();
        }
        let mut url = base.clone();
        let path = format!("{}/chat/completions", base.path().trim_end_matches('/'));
        url.set_path(&path);
        let http = builder.build().map_err(|e| ModelError::Client(e.without_url().to_string()))?;
        Ok(Endpoint { http, url, max_answer: settings.max_answer_bytes })
    }

    /// Sends a request and reads its answer; `seconds` is told how long that took.
    pub(super) async fn post(&self, body: &Value, seconds: impl FnOnce(f64)) -> Reply {
        let start = Instant::now();
        let reply = self.exchange(body).await;
        seconds(start.elapsed().as_secs_f64());
        reply
    }

    async fn exchange(&self, body: &Value) -> Reply {
        let response = match self.http.post(self.url.clone()).json(body).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => return Reply::NotSent(shown(error)),
            Err(error) => return Reply::Broken { why: shown(error), again: true },
        };
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| pause(value.to_str().ok()?));
        if !status.is_success() {
            // A refusal is worth reading as far as it goes.
            let bytes = read(response, MAX_REFUSAL).await.unwrap_or_else(|(_, so_far)| so_far);
            let body = String::from_utf8_lossy(&bytes).into_owned();
            return Reply::Refused { status: status.as_u16(), body, retry_after };
        }
        match read(response, self.max_answer).await {
            Ok(bytes) => understood(&bytes),
            Err((why, so_far)) => Reply::Broken { why, again: so_far.len() < self.max_answer },
        }
    }
}

/// Reads a body up to a bound; beyond it the connection is dropped.
async fn read(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, (String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > most => {
                bytes.extend_from_slice(&chunk[..most - bytes.len()]);
                return Err((format!("the answer is longer than {most} bytes"), bytes));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err((shown(error), bytes)),
        }
    }
}

fn understood(bytes: &[u8]) -> Reply {
    let Ok(completion) = serde_json::from_slice::<Completion>(bytes) else {
        return broken("the answer is no chat completion; check OPENAI_BASE_URL");
    };
    let usage = completion.usage.map(|u| Usage { sent: u.prompt_tokens, received: u.completion_tokens });
    let usage = usage.filter(|u| u.sent > 0);
    match completion.choices.into_iter().next() {
        Some(choice) => Reply::Answer { text: text_of(choice.message.content), usage },
        None => broken("the answer has no choice"),
    }
}

fn broken(why: &str) -> Reply {
    Reply::Broken { why: why.to_owned(), again: true }
}

/// Text, or the texts of its parts.
fn text_of(content: Value) -> String {
    match content {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// An error with its causes and without the address, which may hold a secret.
fn shown(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// `Retry-After`: seconds, or a date.
fn pause(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some((date - OffsetDateTime::now_utc()).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for bad in ["", "api.openai.com", "ftp://x/", "file:///etc", "http://"] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
        for (url, own) in [
            ("http://localhost:11434/v1", true),
            ("http://127.0.0.9/v1", true),
            ("http://[::1]:8000", true),
            ("https://api.openai.com/v1", false),
            ("http://localhost.evil.example/v1", false),
            ("http://192.168.0.7/v1", false),
        ] {
            assert_eq!(is_loopback(&base_url(url).expect(url)), own, "{url}");
        }
    }

    #[test]
    fn pauses_are_seconds_or_dates() {
        assert_eq!(pause(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(pause("soon"), None);
        assert_eq!(pause("-1"), None);
    }
}

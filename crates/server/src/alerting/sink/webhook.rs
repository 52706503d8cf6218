//! Notices as `POST`s of JSON (`docs/api/webhook.md`).

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::Url;
use whittle_domain::alerts::{Notice, NoticeKind};

use super::{AddressGuard, DeliveryError, ForbiddenAddress};
use crate::alerting::WebhookSettings;
use crate::http::retry::retry_after;

/// The same value for each try of the same notice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// Bytes of an answer that are read, so that its connection can be used again.
const MAX_ANSWER: usize = 16 << 10;
/// Time to connect, where the whole has longer.
const CONNECT: Duration = Duration::from_secs(3);

/// Posts each notice to a URL.
pub struct WebhookSink {
    name: String,
    url: Url,
    timeout: Duration,
    guard: AddressGuard,
    client: Client,
}

impl WebhookSink {
    /// A webhook that may reach what the guard lets through.
    ///
    /// # Errors
    /// The URL cannot be read, or there is no usable TLS.
    pub fn new(settings: &WebhookSettings, guard: AddressGuard) -> Result<Self, DeliveryError> {
        let wrong = |reason: String| DeliveryError::new(format!("webhook '{}': {reason}", settings.name));
        let timeout = Duration::from_millis(settings.timeout_ms);
        // A proxy would look names up itself, and reach what this machine may not.
        let client = Client::builder()
            .user_agent(concat!("whittle/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout)
            .dns_resolver(Arc::new(guard))
            .build()
            .map_err(|error| wrong(cause(&error)))?;
        let url = Url::parse(&settings.url).map_err(|error| wrong(format!("the URL cannot be read: {error}")))?;
        Ok(WebhookSink { name: settings.name.clone(), url, timeout, guard, client })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        match tokio::time::timeout(self.timeout, self.post(notice)).await {
            Ok(result) => result,
            Err(_) => Err(self.no_answer()),
        }
    }

    /// Posts to the URL, and to where it is redirected.
    async fn post(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let body = serde_json::to_vec(notice).map_err(|error| DeliveryError::new(error.to_string()))?;
        let key = format!("{}-{}", notice.key, kind(notice.kind));
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.guard.check(&url).map_err(|error| DeliveryError::new(error.to_string()))?;
            let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/json");
            let request = request.header(IDEMPOTENCY_KEY, &key).body(body.clone());
            let mut answer = request.send().await.map_err(|error| self.failed(error))?;
            read_away(&mut answer).await;
            match redirect(&answer, &url)? {
                Some(next) => url = next,
                None => return check(&answer),
            }
        }
        Err(DeliveryError::new(format!("redirected more than {MAX_REDIRECTS} times")))
    }

    fn failed(&self, error: reqwest::Error) -> DeliveryError {
        if error.is_timeout() { self.no_answer() } else { DeliveryError::new(cause(&error)) }
    }

    fn no_answer(&self) -> DeliveryError {
        DeliveryError::new(format!("no answer within {} ms", self.timeout.as_millis()))
    }
}

fn kind(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Firing => "firing",
        NoticeKind::Update => "update",
    }
}

/// Where to post instead. A redirect that would turn the `POST` into a `GET` is not followed: its 200 would mean nothing.
fn redirect(answer: &Response, from: &Url) -> Result<Option<Url>, DeliveryError> {
    if !matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
        return Ok(None);
    }
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let next = location.and_then(|location| from.join(location).ok());
    let next = next.ok_or_else(|| DeliveryError::new("redirected to nowhere"))?;
    if next.scheme() != from.scheme() && next.scheme() != "https" {
        return Err(DeliveryError::new("redirected to a URL that is neither https nor like the first"));
    }
    Ok(Some(next))
}

fn check(answer: &Response) -> Result<(), DeliveryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let hint = if status.is_redirection() { "; give the webhook's final URL" } else { "" };
    let retry_after = retry_after(answer.headers(), SystemTime::now());
    Err(DeliveryError { reason: format!("answered {}{hint}", status.as_u16()), retry_after })
}

/// The answer says nothing that is needed; a short one is read so that the connection can be used again.
async fn read_away(answer: &mut Response) {
    let mut left = MAX_ANSWER;
    while left > 0
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        left = left.saturating_sub(chunk.len());
    }
}

/// What lies behind an error, without the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut said = "the request could not be sent".to_owned();
    while let Some(error) = cause {
        said = error.to_string();
        if let Some(forbidden) = error.downcast_ref::<ForbiddenAddress>() {
            return forbidden.to_string();
        }
        cause = error.source();
    }
    said
}

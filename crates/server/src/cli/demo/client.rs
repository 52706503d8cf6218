//! Talks to the server: waits for it, and sends until it takes.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::{StatusCode, header};
use tokio::time::Instant;
use url::Url;

/// Time for the server to come up, or back.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Time for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest pause that a server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// A client of one server's ingestion.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    pub(super) fn new(base: &Url) -> anyhow::Result<Client> {
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build()?;
        Ok(Client { http, base: base.clone() })
    }

    /// Waits until the server takes records.
    pub(super) async fn wait_ready(&self) -> anyhow::Result<()> {
        let url = self.base.join("/readyz").context("--url cannot be used")?;
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.http.get(url.clone()).send().await;
            let why = match answer {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => "it says that it is not ready",
                Ok(answer) => bail!(
                    "{} answers {} to /readyz, so it is no ingestion of whittle; name one with --url",
                    self.base,
                    answer.status()
                ),
                Err(_) => "nothing answers there",
            };
            if Instant::now() >= until {
                bail!("cannot send to {}: {why}; start a server with `whittle up`, or name one with --url", self.base);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Sends NDJSON, again where the server asks for it or was away for a moment.
    pub(super) async fn send(&self, body: Bytes) -> anyhow::Result<()> {
        let url = self.base.join("/ingest").context("--url cannot be used")?;
        let mut until = Instant::now() + PATIENCE;
        loop {
            let request = self.http.post(url.clone()).header(header::CONTENT_TYPE, "application/x-ndjson");
            let pause = match request.body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    // A server that answers is there: it may ask for patience as often as it likes.
                    until = Instant::now() + PATIENCE;
                    retry_after(answer).await?
                }
                Err(error) if Instant::now() >= until => {
                    return Err(error).with_context(|| format!("{} went away", self.base));
                }
                Err(_) => LOOK_EVERY,
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// How long a refusal asks to wait.
///
/// # Errors
/// The server will not take these records however often they are sent.
async fn retry_after(answer: reqwest::Response) -> anyhow::Result<Duration> {
    let status = answer.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        let text: String = answer.text().await.unwrap_or_default().chars().take(300).collect();
        bail!("the server does not take the records ({status}): {}", text.escape_debug());
    }
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
    Ok(Duration::from_secs(seconds.unwrap_or(1)).min(MAX_RETRY_AFTER))
}

//! One request to ingestion, and what its answer means for the batch.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use url::{Host, Url};

use super::args::Compression;
use super::batch::Batch;
use crate::http::retry::retry_after;

/// Time for a request in all; ingestion's own deadline is shorter.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 256 << 10;

/// Where batches are posted.
pub(super) struct Post {
    client: Client,
    url: Url,
    compression: Compression,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its records are durable.
    Taken,
    /// Not now: the server is away, overloaded or starting. It may have the records.
    Later { reason: String, wait: Option<Duration> },
    /// Not these records; none of the batch was taken.
    Refused(Refusal),
    /// Not here: what answers is no ingestion, or wants something that sending again does not give.
    Elsewhere(String),
}

/// What a server has against a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// About the batch as a whole.
    pub reason: String,
    /// About single records, by their place.
    pub records: BTreeMap<usize, String>,
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Body {
    error: Error,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Error {
    Word(String),
    #[serde(rename_all = "camelCase")]
    Invalid {
        form_errors: Vec<String>,
        field_errors: BTreeMap<String, Vec<String>>,
    },
}

impl Body {
    /// What it says to people, or else to programs.
    fn words(&self) -> Option<&str> {
        match (&self.message, &self.error) {
            (Some(message), _) => Some(message),
            (None, Error::Word(word)) => Some(word),
            (None, Error::Invalid { form_errors, .. }) => form_errors.first().map(String::as_str),
        }
    }
}

impl Post {
    /// # Errors
    /// There is no usable TLS.
    pub(super) fn new(url: Url, compression: Compression) -> Result<Self, String> {
        let local = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let mut client = Client::builder().connect_timeout(CONNECT).timeout(TIMEOUT);
        client = client.redirect(reqwest::redirect::Policy::none());
        if local {
            client = client.no_proxy();
        }
        let client = client.user_agent(concat!("whittle-send/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|error| format!("no connection can be made: {error}"))?;
        Ok(Post { client, url, compression })
    }

    /// Sends a batch. The key is the same for each try of the same batch.
    pub(super) async fn send(&self, batch: &Batch, key: &str) -> Answer {
        let mut request = self.client.post(self.url.clone());
        request = request.header(CONTENT_TYPE, "application/x-ndjson").header("idempotency-key", key);
        let (encoding, body) = pack(batch.body(), self.compression);
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        match request.body(body).send().await {
            Ok(answer) => judge(answer, batch.len()).await,
            Err(error) => Answer::Later { reason: cause(&error), wait: None },
        }
    }
}

fn pack(body: &[u8], compression: Compression) -> (Option<&'static str>, Vec<u8>) {
    let packed = match compression {
        Compression::None => None,
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let written = encoder.write_all(body);
            written.and_then(|()| encoder.finish()).ok().map(|packed| ("gzip", packed))
        }
        Compression::Zstd => zstd::bulk::compress(body, 1).ok().map(|packed| ("zstd", packed)),
    };
    // What cannot be packed goes as it is.
    packed.map_or_else(|| (None, body.to_vec()), |(encoding, packed)| (Some(encoding), packed))
}

async fn judge(answer: Response, records: usize) -> Answer {
    let status = answer.status();
    let wait = retry_after(answer.headers(), SystemTime::now());
    let body = read(answer).await;
    let said = serde_json::from_slice::<Body>(&body).ok();
    let reason = match said.as_ref().and_then(Body::words) {
        Some(words) => format!("answered {}: {words}", status.as_u16()),
        None => format!("answered {}", status.as_u16()),
    };
    match status {
        StatusCode::ACCEPTED => Answer::Taken,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Answer::Later { reason, wait }
        }
        status if status.is_server_error() => Answer::Later { reason, wait },
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Answer::Refused(refusal(said.map(|body| body.error), reason, records))
        }
        _ => Answer::Elsewhere(format!("{reason}; is --url where ingestion listens?")),
    }
}

/// Which records a server means: it names them by their place, `3.message` and `record 3: …`.
fn refusal(error: Option<Error>, reason: String, records: usize) -> Refusal {
    let mut refusal = Refusal { reason, records: BTreeMap::new() };
    let Some(Error::Invalid { form_errors, field_errors }) = error else { return refusal };
    for (key, errors) in field_errors {
        let Some((place, field)) = key.split_once('.') else { continue };
        let words = errors.first().map_or("invalid", String::as_str);
        refusal.name(place, &format!("{field}: {words}"), records);
    }
    for error in &form_errors {
        let named = error.strip_prefix("record ").and_then(|rest| rest.split_once(": "));
        match named {
            Some((place, words)) => refusal.name(place, words, records),
            None => refusal.reason = error.clone(),
        }
    }
    refusal
}

impl Refusal {
    fn name(&mut self, place: &str, words: &str, records: usize) {
        if let Ok(place) = place.parse::<usize>()
            && place < records
        {
            self.records.entry(place).or_insert_with(|| words.to_owned());
        }
    }
}

async fn read(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER - body.len())]);
    }
    body
}

/// The innermost cause says most: "connection refused".
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "gave no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("cannot be reached ({cause})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_records_are_told_from_the_rest() {
        let body = br#"{"error":{"formErrors":["record 2: invalid JSON"],
            "fieldErrors":{"0.message":["Required"],"7.source":["Required"],"0.source":["Required"]}}}"#;
        let error = serde_json::from_slice::<Body>(body).expect("a refusal").error;
        let refusal = refusal(Some(error), "answered 400".into(), 3);
        assert_eq!(refusal.records, [(0, "message: Required".into()), (2, "invalid JSON".into())].into());
        let word = br#"{"error":"payload_too_large","message":"too much"}"#;
        assert_eq!(serde_json::from_slice::<Body>(word).expect("a refusal").words(), Some("too much"));
        let bare = br#"{"error":"not_ready"}"#;
        assert_eq!(serde_json::from_slice::<Body>(bare).expect("a refusal").words(), Some("not_ready"));
    }
}

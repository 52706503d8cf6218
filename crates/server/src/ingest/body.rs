//! A request's body: its form from the head, its bytes read and decoded within caps.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use whittle_domain::BodyFormat;

use super::admission::Reserved;
use crate::http::Refusal;

/// Bytes of a refused body that are read away, so that the client gets to see the answer.
const DRAIN_BYTES: usize = 1 << 20;
/// Time for them to arrive.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Bodies larger than this are decoded and parsed off the threads that serve connections.
pub(super) const LARGE: usize = 1 << 20;

/// How the bytes of a body are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// The form of a body, by its head.
///
/// # Errors
/// 415 when the type or the encoding is not taken.
pub(super) fn form(headers: &HeaderMap) -> Result<(BodyFormat, Encoding), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(Ok(""), |v| v.to_str()).unwrap_or("?");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let format = match kind.as_str() {
        "" | "application/json" | "text/json" => BodyFormat::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            BodyFormat::Ndjson
        }
        _ => {
            let message = "send application/json or application/x-ndjson";
            return Err(Refusal::unsupported(message));
        }
    };
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |v| v.to_str()).unwrap_or("?");
    let encoding = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Encoding::Identity,
        "gzip" | "x-gzip" => Encoding::Gzip,
        "zstd" => Encoding::Zstd,
        _ => return Err(Refusal::unsupported("the content encodings taken are gzip and zstd")),
    };
    Ok((format, encoding))
}

/// Reads all of a body.
///
/// # Errors
/// 413 once it is larger than `cap`; 400 when the connection breaks.
pub(super) async fn read(mut body: Body, cap: usize, reserved: &mut Reserved) -> Result<Bytes, Refusal> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad_parameter("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        let before = first.as_ref().map_or(0, Bytes::len) * usize::from(rest.is_empty()) + rest.len();
        if before + data.len() > cap {
            drain(body);
            return Err(too_large(cap));
        }
        reserved.raise_to(before + data.len());
        match &first {
            None => first = Some(data),
            Some(head) => {
                if rest.is_empty() {
                    rest.reserve(body.size_hint_bytes().min(cap) + head.len() + data.len());
                    rest.extend_from_slice(head);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}

trait SizeHintBytes {
    /// Bytes still to come, as far as the head said.
    fn size_hint_bytes(&self) -> usize;
}

impl SizeHintBytes for Body {
    fn size_hint_bytes(&self) -> usize {
        usize::try_from(hyper::body::Body::size_hint(self).lower()).unwrap_or(usize::MAX)
    }
}

pub(super) fn too_large(cap: usize) -> Refusal {
    Refusal::too_large(format!("a request may have {cap} bytes; send fewer records at once"))
}

/// Unpacks a body.
///
/// # Errors
/// 413 once the unpacked bytes are more than `cap`; 400 when they are damaged.
pub(super) fn decode(body: Bytes, encoding: Encoding, cap: usize) -> Result<Bytes, Refusal> {
    match encoding {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => unpack(flate2::read::MultiGzDecoder::new(&body[..]), body.len(), cap),
        Encoding::Zstd => match zstd::stream::read::Decoder::with_buffer(&body[..]) {
            Ok(mut decoder) => {
                // 8 MiB of window: what encoders use up to level 19.
                let _ = decoder.window_log_max(23);
                unpack(decoder, body.len(), cap)
            }
            Err(_) => Err(Refusal::bad_parameter("the zstd body cannot be read")),
        },
    }
}

fn unpack(decoder: impl Read, packed: usize, cap: usize) -> Result<Bytes, Refusal> {
    let mut out = Vec::with_capacity(packed.saturating_mul(4).min(cap));
    let read = decoder.take(cap as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(n) if n > cap => Err(Refusal::too_large(format!("a request may have {cap} bytes once it is decoded"))),
        Ok(_) => Ok(out.into()),
        Err(_) => Err(Refusal::bad_parameter("the compressed body is damaged or cut off")),
    }
}

/// Reads a refused body away in the background: a client that is still sending would not see the answer otherwise.
pub(super) fn drain(mut body: Body) {
    if hyper::body::Body::is_end_stream(&body) {
        return;
    }
    tokio::spawn(async move {
        let mut left = DRAIN_BYTES;
        let read_away = async {
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, read_away).await;
    });
}

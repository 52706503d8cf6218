//! A request's body: its form from the head, its bytes read and decoded within caps.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use whittle_domain::BodyFormat;

use super::admission::Reserved;
use super::denied::Denied;
use crate::http::Refusal;

/// Bytes of a refused body that are read away, so that the client gets to see the answer.
const DRAIN_BYTES: usize = 1 << 20;
/// Time for them to arrive.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Time without a byte after which the rest of a body is not waited for.
const STALL: Duration = Duration::from_secs(5);
/// Bodies smaller than this are copied out of the connection's buffer, which is several times as large and would be held
/// for as long as they are.
const SMALL: usize = 4 << 10;
/// Room that is taken at once for what a body declares; more is taken as it comes.
const ROOM: usize = 1 << 20;
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

/// Reads all of a body, counting its bytes as they come.
///
/// # Errors
/// 413 once it is larger than `cap`, 429 once it does not fit beside others, 408 when it stalls, 400 when the connection
/// breaks.
pub(super) async fn read(mut body: Body, cap: usize, reserved: &mut Reserved) -> Result<Bytes, Denied> {
    let mut gathered = Gathered::default();
    loop {
        let Ok(frame) = tokio::time::timeout(STALL, body.frame()).await else {
            return Err(Refusal::timeout("the body stopped arriving").into());
        };
        let Some(frame) = frame else { return Ok(gathered.finish()) };
        let frame = frame.map_err(|_| Denied::body("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        let fits = if gathered.len() + data.len() > cap { Err(too_large(cap)) } else { reserved.try_grow(data.len()) };
        if let Err(refusal) = fits {
            drain(body);
            return Err(refusal.into());
        }
        gathered.push(data, body.size_hint_bytes().min(cap));
    }
}

/// A body as far as it has come. Most come whole, and are not copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    rest: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes, to_come: usize) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            let first = std::mem::take(&mut self.first);
            self.rest.reserve(first.len() + data.len() + to_come.min(ROOM));
            self.rest.extend_from_slice(&first);
        }
        self.rest.extend_from_slice(&data);
    }

    fn finish(self) -> Bytes {
        match self.first {
            _ if !self.rest.is_empty() => self.rest.freeze(),
            small if small.len() < SMALL => Bytes::copy_from_slice(&small),
            whole => whole,
        }
    }
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

/// Unpacks a body, counting its bytes before there is memory for them.
///
/// # Errors
/// 413 once the unpacked bytes are more than `cap`, 429 once they do not fit beside other requests; 400 when they are
/// damaged.
pub(super) fn decode(body: Bytes, encoding: Encoding, cap: usize, reserved: &mut Reserved) -> Result<Bytes, Denied> {
    match encoding {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => unpack(flate2::read::MultiGzDecoder::new(&body[..]), body.len(), cap, reserved),
        Encoding::Zstd => match zstd::stream::read::Decoder::with_buffer(&body[..]) {
            Ok(mut decoder) => {
                // 8 MiB of window: what encoders use up to level 19.
                let _ = decoder.window_log_max(23);
                unpack(decoder, body.len(), cap, reserved)
            }
            Err(_) => Err(Denied::body("the zstd body cannot be read")),
        },
    }
}

fn unpack(mut decoder: impl Read, packed: usize, cap: usize, reserved: &mut Reserved) -> Result<Bytes, Denied> {
    let mut out = Vec::new();
    let mut room = packed.saturating_mul(4);
    loop {
        // A byte beyond the cap shows that there is more.
        room = room.clamp(SMALL, ROOM.max(out.len())).min(cap + 1 - out.len());
        reserved.try_grow(room)?;
        out.reserve_exact(room);
        match decoder.by_ref().take(room as u64).read_to_end(&mut out) {
            Err(_) => return Err(Denied::body("the packed body is damaged, cut off, or of a window above 8 MiB")),
            Ok(_) if out.len() > cap => {
                let message = format!("a request may have {cap} bytes once it is decoded");
                return Err(Refusal::too_large(message).into());
            }
            Ok(read) if read < room => {
                if out.len() < out.capacity() / 2 {
                    out.shrink_to_fit();
                }
                return Ok(out.into());
            }
            Ok(_) => room = out.len(),
        }
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::{StreamExt as _, stream};

    use super::*;
    use crate::ingest::{Admission, AdmissionLimits};

    fn admission(inflight_bytes: usize) -> Admission {
        Admission::new(AdmissionLimits { inflight_bytes, requests_per_second: 0, parses: 1 })
    }

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|&size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    fn status(denied: Denied) -> (u16, String) {
        match denied {
            Denied::Refused(refusal) => (refusal.status.as_u16(), refusal.message),
            Denied::Invalid(invalid) => (400, invalid.form_errors.concat()),
        }
    }

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").into()
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_counted_as_it_comes() {
        let admission = admission(1000);
        let (mut one, mut other) = (admission.admit(0).expect("room"), admission.admit(0).expect("room"));
        let read_by = read(chunks(&[300, 0, 300, 300]), 4000, &mut one).await.expect("it fits");
        assert_eq!((read_by.len(), admission.inflight()), (900, 900));
        // One may go beyond; the next may not.
        read(chunks(&[90, 90]), 4000, &mut other).await.expect("one may go beyond the limit");
        let refused = read(chunks(&[10, 10, 10]), 4000, &mut one).await.map_err(status);
        assert_eq!(refused.expect_err("there is no room").0, 429);
        let capped = read(chunks(&[300, 300]), 500, &mut other).await.map_err(status);
        assert_eq!(capped.expect_err("the cap holds").0, 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let admission = admission(1000);
        let mut reserved = admission.admit(900).expect("room");
        let stalls = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]).chain(stream::pending());
        let before = tokio::time::Instant::now();
        let refused = read(Body::from_stream(stalls), 900, &mut reserved).await.map_err(status);
        assert_eq!(refused.expect_err("nothing comes").0, 408);
        assert_eq!(before.elapsed(), STALL);
    }

    #[tokio::test]
    async fn small_bodies_do_not_hold_the_buffer_of_their_connection() {
        let admission = admission(1 << 20);
        let mut reserved = admission.admit(0).expect("room");
        let buffer = Bytes::from(vec![b'x'; 64 << 10]);
        for (size, copied) in [(200, true), (SMALL - 1, true), (SMALL, false)] {
            let body = Body::from(buffer.slice(..size));
            let bytes = read(body, 1 << 20, &mut reserved).await.expect("it fits");
            assert_eq!(bytes.len(), size);
            assert_eq!(bytes.as_ptr() != buffer.as_ptr(), copied, "{size}");
        }
    }

    #[test]
    fn unpacking_takes_no_memory_that_is_not_counted() {
        let zeros = vec![0; 8 << 20];
        for (encoding, packed) in [
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Zstd, zstd::encode_all(&zeros[..], 1).expect("memory takes it").into()),
        ] {
            let admission = admission(2 << 20);
            let mut beyond = admission.admit(0).expect("room");
            beyond.try_grow(3 << 20).expect("one may go beyond the limit");
            beyond.settle(1).expect("less always fits");
            let mut reserved = admission.admit(0).expect("room");
            let refused = decode(packed.clone(), encoding, 64 << 20, &mut reserved).map_err(status);
            assert_eq!(refused.expect_err("there is no room").0, 429, "{encoding:?}");
            assert!(admission.inflight() <= 2 << 20);
            drop(beyond);
            let decoded = decode(packed.clone(), encoding, zeros.len(), &mut reserved).expect("one may go beyond");
            assert_eq!(decoded, zeros, "{encoding:?}");
            assert!(admission.inflight() >= zeros.len());
            let refused = decode(packed, encoding, zeros.len() - 1, &mut reserved).map_err(status);
            assert_eq!(refused.expect_err("the cap holds").0, 413, "{encoding:?}");
        }
    }

    #[test]
    fn damage_is_told_as_an_error_of_the_body() {
        let admission = admission(1 << 20);
        let mut reserved = admission.admit(0).expect("room");
        let packed = gzip(b"{}");
        let cut = decode(packed.slice(..packed.len() / 2), Encoding::Gzip, 100, &mut reserved);
        assert!(matches!(cut, Err(Denied::Invalid(_))));
        let not_zstd = decode(packed, Encoding::Zstd, 100, &mut reserved);
        assert!(matches!(not_zstd, Err(Denied::Invalid(_))));
    }
}

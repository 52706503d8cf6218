//! What the gateway says beside events: the `whittle.*` messages, ready to send.

use bytes::Bytes;
use serde::Serialize;
use whittle_patterns::PatternId;

use super::render;
use super::ring::{Gap, Heads};
use super::tally::Second;
use super::wire;

#[derive(Serialize)]
struct Message<T> {
    topic: &'static str,
    payload: T,
}

fn message(topic: &'static str, payload: impl Serialize) -> Bytes {
    // Plain data always has a JSON form.
    wire::text(&serde_json::to_string(&Message { topic, payload }).unwrap_or_default())
}

/// Answer to a subscription: the end of the stream, and where what follows begins.
pub(super) fn subscribed(head: &Heads, resume: Option<&Heads>) -> Bytes {
    #[derive(Serialize)]
    struct Payload<'a> {
        head: &'a Heads,
        from: Heads,
    }
    let mut from = head.clone();
    from.extend(resume.into_iter().flatten());
    message("whittle.subscribed", Payload { head, from })
}

/// A subscription that was not understood.
pub(super) fn error(text: &str) -> Bytes {
    #[derive(Serialize)]
    struct Payload<'a> {
        message: &'a str,
    }
    message("whittle.error", Payload { message: text })
}

/// Offsets that cannot be told again.
pub(super) fn gap(gap: &Gap) -> Bytes {
    #[derive(Serialize)]
    struct Payload {
        partition: u32,
        from: u64,
        to: u64,
    }
    message("whittle.gap", Payload { partition: gap.partition, from: gap.from, to: gap.to })
}

/// Events that a client was too slow for.
pub(super) fn dropped(count: u64) -> Bytes {
    #[derive(Serialize)]
    struct Payload {
        count: u64,
    }
    message("whittle.dropped", Payload { count })
}

/// What is known of a pattern, changed. `insight` is JSON.
pub(super) fn insight(pattern: PatternId, insight: &str) -> Bytes {
    wire::text(&format!(r#"{{"topic":"whittle.insight","payload":{{"patternId":"{pattern}","insight":{insight}}}}}"#))
}

/// One second of all events: the part that is the same for all clients.
pub(super) fn second(second: &Second) -> String {
    let mut out =
        format!(r#"{{"topic":"whittle.metrics","payload":{{"second":{},"counts":["#, second.second).into_bytes();
    for (i, (source, level, count)) in second.counts.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"{\"source\":" } else { b",{\"source\":" });
        render::string(source, &mut out);
        out.extend_from_slice(format!(",\"level\":\"{}\",\"count\":{count}}}", level.as_str()).as_bytes());
    }
    out.extend_from_slice(b"],\"dropped\":");
    String::from_utf8(out).unwrap_or_default()
}

/// One second of all events, with what this client lost in it.
pub(super) fn metrics(second: &str, dropped: u64) -> Bytes {
    wire::text(&format!("{second}{dropped}}}}}"))
}

//! Lengths of time on the command line: `90`, `60s`, `10m`, `24h`, `500ms`.

use std::time::Duration;

/// What `forever` is read as; a stream ends earlier by Ctrl-C.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Reads a length of time; a number alone is seconds.
///
/// # Errors
/// Says what is taken.
pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong(text)),
    };
    let number: f64 = number.parse().map_err(|_| wrong(text))?;
    Duration::try_from_secs_f64(number * seconds).ok().filter(|span| *span <= FOREVER).ok_or_else(|| wrong(text))
}

/// The same, and `forever`.
///
/// # Errors
/// As [`parse_span`].
pub(super) fn parse_span_or_forever(text: &str) -> Result<Duration, String> {
    if text == "forever" { Ok(FOREVER) } else { parse_span(text).map_err(|e| format!("{e}, or forever")) }
}

fn wrong(text: &str) -> String {
    format!("'{text}' is no length of time; give one like 500ms, 60s, 10m, 24h or 7d")
}

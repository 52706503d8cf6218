//! Client times: read in the forms of the contract, written in one.
//!
//! Times are microseconds since 1970 in UTC, within the years 1970 to 9999.

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Reads RFC 3339, or ISO 8601 without a zone (taken as UTC). Fractions are kept to the microsecond.
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let head: &[u8; 19] = bytes.first_chunk()?;
    let separators = head[4] == b'-' && head[7] == b'-' && head[13] == b':' && head[16] == b':';
    if !separators || !matches!(head[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = digits(&head[0..4])?;
    let (month, day) = (digits(&head[5..7])?, digits(&head[8..10])?);
    let (hour, minute, second) = (digits(&head[11..13])?, digits(&head[14..16])?, digits(&head[17..19])?);
    // 60 is a leap second: the first of the next minute.
    if hour > 23 || minute > 59 || second > 60 || !valid_date(year, month, day) {
        return None;
    }
    let (micros, zone) = fraction(&bytes[19..])?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    within(seconds).then_some(seconds * SECOND + micros)
}

/// Reads an epoch in s, ms, µs or ns, told apart by size.
pub fn from_epoch_integer(n: i64) -> Option<i64> {
    let micros = match n {
        0..100_000_000_000 => n * SECOND,
        100_000_000_000..100_000_000_000_000 => n * 1000,
        100_000_000_000_000..100_000_000_000_000_000 => n,
        100_000_000_000_000_000.. => n / 1000,
        _ => return None,
    };
    within(micros / SECOND).then_some(micros)
}

/// Reads an epoch with a fraction, in s, ms, µs or ns, told apart by size.
pub fn from_epoch_float(n: f64) -> Option<i64> {
    let micros = match n {
        n if !(0.0..1e20).contains(&n) => return None,
        n if n < 1e11 => n * 1e6,
        n if n < 1e14 => n * 1e3,
        n if n < 1e17 => n,
        n => n / 1e3,
    };
    let micros = micros.round() as i64;
    within(micros / SECOND).then_some(micros)
}

/// Writes RFC 3339 in UTC with 3 digits of fraction, 6 where needed.
pub fn write(micros: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (micros.div_euclid(SECOND), micros.rem_euclid(SECOND));
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    put(out, year, 4);
    for (separator, value) in
        [(b'-', month), (b'-', day), (b'T', time / 3600), (b':', time / 60 % 60), (b':', time % 60)]
    {
        out.push(separator);
        put(out, value, 2);
    }
    out.push(b'.');
    if fraction % 1000 == 0 {
        put(out, fraction / 1000, 3)
    } else {
        put(out, fraction, 6)
    }
    out.push(b'Z');
}

/// As [`write`], as a string.
pub fn to_string(micros: i64) -> String {
    let mut out = Vec::with_capacity(27);
    write(micros, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn put(out: &mut Vec<u8>, value: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (value / 10_i64.pow(place) % 10) as u8);
    }
}

fn within(seconds: i64) -> bool {
    (0..=LAST_SECOND).contains(&seconds)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// The microseconds of a fraction, and what follows it.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', rest)) = bytes.split_first() else { return Some((0, bytes)) };
    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let kept = &rest[..len.min(6)];
    (len > 0).then_some(())?;
    Some((digits(kept)? * 10_i64.pow(6 - kept.len() as u32), &rest[len..]))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        5 if rest[2] == b':' => (digits(&rest[..2])?, digits(&rest[3..])?),
        4 => (digits(&rest[..2])?, digits(&rest[2..])?),
        2 => (digits(rest)?, 0),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn valid_date(year: i64, month: i64, day: i64) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Days since 1970-01-01 of a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since 1970-01-01 (same source).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day_of_year - (153 * month_index + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    #[test]
    fn reads_the_forms_of_the_contract() {
        let noon = 1_764_504_000 * SECOND;
        for text in [
            "2025-11-30T12:00:00Z",
            "2025-11-30T12:00:00.000Z",
            "2025-11-30t12:00:00z",
            "2025-11-30 12:00:00",
            "2025-11-30T12:00:00,0",
            "2025-11-30T14:30:00+02:30",
            "2025-11-30T09:00:00-0300",
            "2025-11-30T13:00:00+01",
            "2025-11-30T11:59:60Z",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        assert_eq!(parse("2025-11-30T12:00:00.1234567Z"), Some(noon + 123_456));
        assert_eq!(parse("9999-12-31T23:59:59.999999Z"), Some(LAST_SECOND * SECOND + 999_999));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "now",
            "2025-11-30",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "99999-01-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-11-30T24:00:00Z",
            "2025-11-30T12:00:00.Z",
            "2025-11-30T12:00:00Zjunk",
            "2025-11-30T12:00:00+25:00",
            "9999-12-31T23:59:59-01:00",
            "2025-11-3äT12:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn tells_epochs_apart_by_size() {
        let noon = 1_764_504_000 * SECOND;
        for n in [1_764_504_000, 1_764_504_000_000, 1_764_504_000_000_000, 1_764_504_000_000_000_000] {
            assert_eq!(from_epoch_integer(n), Some(noon));
            assert_eq!(from_epoch_float(n as f64), Some(noon));
        }
        assert_eq!(from_epoch_float(1_764_504_000.25), Some(noon + 250_000));
        assert_eq!(from_epoch_integer(-1), None);
        assert_eq!(from_epoch_float(f64::NAN), None);
        assert_eq!(from_epoch_float(1e300), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_well_known_library(micros in 0..=(LAST_SECOND * SECOND + 999_999)) {
            let written = to_string(micros);
            prop_assert_eq!(parse(&written), Some(micros));
            let theirs = OffsetDateTime::parse(&written, &Rfc3339).unwrap();
            prop_assert_eq!(theirs.unix_timestamp_nanos(), i128::from(micros) * 1000);
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}

//! The times that lines begin with, as microseconds since 1970.
//!
//! Only forms that mean one moment: a form without a date, or with one that could be read in two ways
//! (`01/02/03`), gives none, and the record gets the time of its receipt. A form without a year gets the last one in
//! which it is not in the future.

use std::str::FromStr;

use whittle_domain::timestamp;

/// Seconds east of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone(i64);

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("utc") {
            return Ok(Zone(0));
        }
        // The time in that zone is read as one of UTC, from which it differs by the zone.
        let read = |zone: &str| timestamp::parse(&format!("2000-01-02T00:00:00{zone}"));
        match (read(text), read("Z")) {
            (Some(there), Some(utc)) if !text.is_empty() => Ok(Zone((utc - there) / 1_000_000)),
            _ => Err(format!("'{text}' is no zone; give UTC or a distance like +02:00")),
        }
    }
}

/// Forms, longer ones before those that they begin with. A letter stands for a digit: `Y` of the year, `M` month, `D` day,
/// `h`, `m`, `s`; `d` is one digit or two, `A` a letter of the month's name, `w` of the weekday's, `F` any digits; a blank
/// is one or two.
const FORMS: [&str; 15] = [
    "YYYY-MM-DDThh:mm:ss",
    "YYYY-MM-DD hh:mm:ss",
    "YYYY/MM/DD hh:mm:ss",
    "YYYY.MM.DD hh:mm:ss",
    "YYYYMMDD-hh:mm:ss",
    "YYMMDD hhmmss",
    "www AAA d hh:mm:ss YYYY",
    "www AAA d hh:mm:ss.F YYYY",
    "AAA d hh:mm:ss YYYY",
    "AAA d YYYY hh:mm:ss",
    "AAA d hh:mm:ss",
    "d AAA YYYY hh:mm:ss",
    "DD/AAA/YYYY:hh:mm:ss",
    "MM-DD hh:mm:ss",
    "MMDD hh:mm:ss",
];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A time ahead of the clock by more than this is last year's: a day, for zones.
const AHEAD: i64 = 86_400_000_000;

/// The last microsecond that a record may have: of the year 9999.
const LAST: i64 = 253_402_300_799_999_999;

/// What a form gave.
#[derive(Default)]
struct Parts {
    year: Option<i64>,
    year_digits: u32,
    month: i64,
    day: i64,
    clock: [i64; 3],
    name: String,
    fraction: String,
}

/// Reads a time as written; `now` in microseconds since 1970, `zone` for times that tell none.
pub(super) fn read(text: &str, now: i64, zone: Zone) -> Option<i64> {
    let (mut parts, mut rest) = FORMS.iter().find_map(|form| fits(text, form))?;
    if let Some(after) = rest.strip_prefix(['.', ',', ':']) {
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        (parts.fraction, rest) = (after[..digits].to_owned(), &after[digits..]);
    }
    let named = ["UTC", "GMT", "Z", ""].contains(&rest.trim());
    let suffix = if named { "Z" } else { rest.trim() };
    let shift = if rest.trim().is_empty() { zone.0 * 1_000_000 } else { 0 };
    let moment = |year: i64| {
        timestamp::parse(&parts.iso(year, suffix))
            .map(|micros| micros - shift)
            .filter(|micros| (0..=LAST).contains(micros))
    };
    match parts.full_year() {
        Some(year) => moment(year),
        None => {
            let this: i64 = timestamp::to_string(now).get(..4)?.parse().ok()?;
            // Also next year's: the clock of a zone further east. 29 February may be some years back.
            (0..9).find_map(|back| moment(this + 1 - back).filter(|&micros| micros <= now.saturating_add(AHEAD)))
        }
    }
}

/// Reads a form at the start; gives what follows it.
fn fits<'a>(text: &'a str, form: &str) -> Option<(Parts, &'a str)> {
    let (mut parts, mut at) = (Parts::default(), 0);
    let bytes = text.as_bytes();
    for slot in form.bytes() {
        let byte = *bytes.get(at)?;
        let digit = || byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
        match slot {
            b'Y' | b'M' | b'D' | b'h' | b'm' | b's' => parts.take(slot, digit()?),
            b'd' => {
                parts.take(b'D', digit()?);
                if let Some(second) = bytes.get(at + 1).filter(|byte| byte.is_ascii_digit()) {
                    parts.take(b'D', i64::from(second - b'0'));
                    at += 1;
                }
            }
            b'A' | b'w' if byte.is_ascii_alphabetic() => {
                if slot == b'A' {
                    parts.name.push(byte.to_ascii_lowercase().into());
                }
            }
            b'F' => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                parts.fraction = text[at..at + digits].to_owned();
                at += digits.checked_sub(1)?;
            }
            b' ' if byte == b' ' => at += usize::from(bytes.get(at + 1) == Some(&b' ')),
            _ if byte == slot => {}
            _ => return None,
        }
        at += 1;
    }
    if !parts.name.is_empty() {
        parts.month = MONTHS.iter().position(|month| **month == *parts.name)? as i64 + 1;
    }
    Some((parts, text.get(at..)?))
}

impl Parts {
    fn take(&mut self, slot: u8, digit: i64) {
        let value = match slot {
            b'Y' => {
                self.year_digits += 1;
                self.year.get_or_insert(0)
            }
            b'M' => &mut self.month,
            b'D' => &mut self.day,
            b'h' => &mut self.clock[0],
            b'm' => &mut self.clock[1],
            _ => &mut self.clock[2],
        };
        *value = *value * 10 + digit;
    }

    fn full_year(&self) -> Option<i64> {
        let century = |year| if year < 70 { 2000 } else { 1900 };
        self.year.map(|year| if self.year_digits == 2 { century(year) + year } else { year })
    }

    fn iso(&self, year: i64, zone: &str) -> String {
        let ([hour, minute, second], month, day) = (self.clock, self.month, self.day);
        let fraction = if self.fraction.is_empty() { "0" } else { &self.fraction };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}{zone}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-03-01T12:00:00Z.
    const NOW: i64 = 1_772_366_400_000_000;

    fn text(written: &str, zone: &str) -> String {
        let zone = zone.parse().expect("a zone");
        read(written, NOW, zone).map(timestamp::to_string).unwrap_or_default()
    }

    #[test]
    fn times_of_one_meaning_are_read() {
        for (written, moment) in [
            ("2026-11-24T16:40:31.123Z", "2026-11-24T16:40:31.123Z"),
            ("2015-10-17 15:37:56,547", "2015-10-17T15:37:56.547Z"),
            ("2026-11-24 16:40:31 +0000", "2026-11-24T16:40:31.000Z"),
            ("2026-11-24T16:40:31+01:00", "2026-11-24T15:40:31.000Z"),
            ("2026-11-24 16:40:31.123456789 UTC", "2026-11-24T16:40:31.123456Z"),
            ("2026/11/24 16:40:31", "2026-11-24T16:40:31.000Z"),
            ("20171223-22:15:29:606", "2017-12-23T22:15:29.606Z"),
            ("081109 203615", "2008-11-09T20:36:15.000Z"),
            ("Sun Dec 04 04:47:44 2005", "2005-12-04T04:47:44.000Z"),
            ("Fri Sep 09 10:42:29.902022 2011", "2011-09-09T10:42:29.902022Z"),
            ("24/Nov/2025:16:40:31 +0200", "2025-11-24T14:40:31.000Z"),
            ("Feb  4 16:40:31", "2026-02-04T16:40:31.000Z"),
            ("Nov 24 16:40:31", "2025-11-24T16:40:31.000Z"),
            ("Mar  2 11:00:00", "2026-03-02T11:00:00.000Z"),
            ("Feb 29 11:00:00", "2024-02-29T11:00:00.000Z"),
            ("03-01 11:13:38.811", "2026-03-01T11:13:38.811Z"),
            ("0228 16:40:31.123456", "2026-02-28T16:40:31.123456Z"),
        ] {
            assert_eq!(text(written, "UTC"), moment, "{written}");
        }
    }

    #[test]
    fn what_could_mean_two_moments_or_none_is_not_read() {
        for written in
            ["17/06/09 20:10:40", "01/02/2026 10:00:00", "16:40:31", "", "2026-13-01 00:00:00", "Foo 24 16:40:31", "é"]
        {
            assert_eq!(text(written, "UTC"), "", "{written}");
        }
    }

    #[test]
    fn a_zone_holds_where_the_time_tells_none() {
        assert_eq!(text("2026-02-24 16:40:31", "+02:00"), "2026-02-24T14:40:31.000Z");
        assert_eq!(text("Feb 24 16:40:31", "-0530"), "2026-02-24T22:10:31.000Z");
        assert_eq!(text("2026-02-24 16:40:31Z", "+02:00"), "2026-02-24T16:40:31.000Z");
        assert_eq!(text("1970-01-01 00:00:00", "+02:00"), "", "before what a record may have");
        for wrong in ["", "+2", "mars", "+25:00", "02:00"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_time_of_a_record(text in r"([0-9]{1,4}|[-/:. ,TZ+]|[A-Z][a-z]{2}|é){0,14}", now: i64) {
            if let Some(micros) = read(&text, now, Zone::default()) {
                prop_assert!(timestamp::parse(&timestamp::to_string(micros)).is_some());
            }
        }
    }
}

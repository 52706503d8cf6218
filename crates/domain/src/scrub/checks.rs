//! What a number or an address must fulfil beyond its form: check digits, lengths, what stands beside it.
//!
//! Sources: Luhn as in ISO/IEC 7812-1, with the issuers' ranges; IBAN as in ISO 13616 with the lengths of its registry.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Everything that matches goes.
pub(super) fn all(_: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    out.push(found);
}

/// Whether a place is the border of a word: the character there is no letter, digit or `_`.
fn free(neighbour: Option<char>) -> bool {
    neighbour.is_none_or(|c| !c.is_alphanumeric() && c != '_')
}

fn before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

fn after(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

/// What follows `Bearer` or `Basic` goes when no word of a sentence looks so.
pub(super) fn credential(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let value = text[found.clone()].as_bytes();
    let digit = value.iter().any(|b| b.is_ascii_digit() || matches!(b, b'=' | b'+' | b'_' | b'~'));
    let mixed = value.windows(2).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase());
    if digit || mixed || value.len() >= 24 {
        out.push(found);
    }
}

/// A token in a URL, told from a name by its digits.
pub(super) fn url_token(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    if text[found.clone()].bytes().any(|b| b.is_ascii_digit()) {
        out.push(found);
    }
}

/// A mail address, unless another rule takes what stands before its `@` as the secret of a URL: the host may stay then.
pub(super) fn email(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let local = &text[found.start..found.start + text[found.clone()].find(['@', '%']).unwrap_or(0)];
    let token = local.len() >= 20 && local.bytes().any(|b| b.is_ascii_digit());
    let lead = text[..found.start]
        .rsplit_once("://")
        .filter(|(scheme, _)| scheme.ends_with(|c: char| c.is_ascii_alphanumeric()));
    let secret = lead.is_some_and(|(_, lead)| {
        let within = !lead.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | '"' | '\''));
        within && (lead.contains(':') || (lead.is_empty() && token))
    });
    if !secret || text[found.clone()].contains("%40") {
        out.push(found);
    }
}

/// The cards in a run of digits: each starts and ends with a group of it.
pub(super) fn cards(text: &str, run: Range<usize>, out: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut start = run.start;
    while start < run.end {
        let starts = digit(start) && !(start > run.start && digit(start - 1)) && free(before(text, start));
        match starts.then(|| card_end(text, start, run.end)).flatten() {
            Some(end) => {
                out.push(start..end);
                start = end;
            }
            None => start += 1,
        }
    }
}

/// Where a card that starts here ends.
fn card_end(text: &str, start: usize, run_end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut digits = [0u8; 19];
    let mut count = 0;
    for at in start..run_end {
        if bytes[at].is_ascii_digit() {
            *digits.get_mut(count)? = bytes[at] - b'0';
            count += 1;
            let end = at + 1;
            let closed = !bytes.get(end).is_some_and(u8::is_ascii_digit) && free(after(text, end));
            if closed && is_card(&digits[..count]) && is_grouped(&text[start..end]) {
                return Some(end);
            }
        }
    }
    None
}

fn is_card(digits: &[u8]) -> bool {
    if digits.len() < 13 {
        return false;
    }
    let prefix = |n: usize| digits[..n].iter().fold(0u32, |number, d| number * 10 + u32::from(*d));
    let length = match (prefix(2), prefix(4)) {
        (40..=49, _) => matches!(digits.len(), 13 | 16 | 19),
        (51..=55, _) | (_, 2221..=2720) => digits.len() == 16,
        (34 | 37, _) => digits.len() == 15,
        (36 | 38 | 39, _) | (_, 3000..=3059) => (14..=19).contains(&digits.len()),
        (35 | 60 | 64 | 65 | 81, _) => (16..=19).contains(&digits.len()),
        (62, _) => (16..=19).contains(&digits.len()),
        (50 | 56..=58 | 61 | 63 | 67, _) => (13..=19).contains(&digits.len()),
        _ => false,
    };
    length && luhn(digits)
}

/// Whether the digits stand together, or in the groups in which cards show them, with one kind of separator.
fn is_grouped(text: &str) -> bool {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()) else { return true };
    let groups: Vec<usize> = text.split(separator).map(str::len).collect();
    let digits_alone = text.chars().all(|c| c.is_ascii_digit() || c == separator);
    let fours = groups.split_last().is_some_and(|(last, rest)| *last <= 4 && rest.iter().all(|g| *g == 4));
    digits_alone && (fours || matches!(groups.as_slice(), [4, 6, 4 | 5]))
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |d: u8| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, &d)| u32::from(if i % 2 == 1 { doubled(d) } else { d })).sum();
    sum.is_multiple_of(10)
}

/// Lengths of account numbers by country, from the registry of ISO 13616.
const IBAN_LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FO FI GL NL SD FK"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU XK MN"),
    (21, "HR LV LI CH"),
    (22, "BH BG CR GE DE IE ME RS GB VA"),
    (23, "IL AE GI IQ TL SO OM"),
    (24, "AD CZ MD PK RO SA SK ES SE TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "FR GR IT MR MC SM BI DJ"),
    (28, "AL AZ BY CY DO SV GT HU LB NI PL"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (33, "RU LC"),
];

/// The account number that starts here, to the length of its country.
pub(super) fn iban(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let country = &text[found.start..found.start + 2];
    let Some((length, _)) = IBAN_LENGTHS.iter().find(|(_, all)| all.split(' ').any(|c| c == country)) else { return };
    let symbols = text[found.clone()].char_indices().filter(|(_, c)| *c != ' ').take(*length);
    let (mut count, mut end) = (0, 0);
    // The first four move to the end; letters count from 10.
    let (mut head, mut tail) = (0u32, 0u32);
    for (at, symbol) in symbols {
        let value = symbol.to_digit(36).unwrap_or(0);
        let sum = if count < 4 { &mut head } else { &mut tail };
        *sum = (*sum * if value > 9 { 100 } else { 10 } + value) % 97;
        (count, end) = (count + 1, found.start + at + 1);
    }
    // Two letters and two digits make six digits: 10^6 mod 97 is 27.
    if count == *length && (tail * 27 + head) % 97 == 1 && free(after(text, end)) {
        out.push(found.start..end);
    }
}

/// A phone number of a length that there is, on its own.
pub(super) fn phone(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let digits = text[found.clone()].bytes().filter(u8::is_ascii_digit).count();
    let free_before = free(before(text, found.start)) && !matches!(before(text, found.start), Some('.' | '-' | '+'));
    if (8..=15).contains(&digits) && free_before && free(after(text, found.end)) {
        out.push(found);
    }
}

/// An IPv4 address that tells something of somebody.
pub(super) fn ipv4(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let Ok(address) = text[found.clone()].parse::<Ipv4Addr>() else { return };
    let mut beyond = text[found.end..].chars();
    let longer = beyond.next() == Some('.') && beyond.next().is_some_and(|c| c.is_ascii_digit());
    let alone = free(before(text, found.start)) && before(text, found.start) != Some('.') && !longer;
    let mask = address.octets()[0] == 255;
    if alone && free(after(text, found.end)) && !address.is_loopback() && !address.is_unspecified() && !mask {
        out.push(found);
    }
}

/// An IPv6 address that tells something of somebody. Paths of a language, `a::b`, have no digits.
pub(super) fn ipv6(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let end = found.start + text[found.clone()].trim_end_matches(['.', ':']).len();
    // `fe80::` keeps its colons.
    let candidates = [found.end, end];
    for end in candidates {
        let shown = &text[found.start..end];
        let Ok(address) = shown.parse::<Ipv6Addr>() else { continue };
        let digits = shown.bytes().any(|b| b.is_ascii_digit());
        let alone = free(before(text, found.start)) && free(after(text, end)) && before(text, found.start) != Some(':');
        if alone && digits && !address.is_loopback() && !address.is_unspecified() {
            out.push(found.start..end);
        }
        return;
    }
}

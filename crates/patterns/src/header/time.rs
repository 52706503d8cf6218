//! How long the time at the start of a text is, in the forms that logs use.

/// The text without the blanks at its start.
pub(super) fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// What the forms are written in: `9` a digit, `A` a letter; a blank one or two blanks. Longest first where one begins another.
const FORMS: [&str; 17] = [
    "AAA AAA 99 99:99:99 9999",
    "AAA AAA 99 99:99:99.999999 9999",
    "AAA AAA 9 99:99:99 9999",
    "AAA 99 9999 99:99:99",
    "AAA 99 99:99:99",
    "AAA 9 99:99:99",
    "9999-99-99T99:99:99",
    "9999-99-99 99:99:99",
    "9999/99/99 99:99:99",
    "9999.99.99 99:99:99",
    "99/AAA/9999:99:99:99",
    "99/99/99 99:99:99",
    "99-99 99:99:99",
    "99999999-99:99:99",
    "999999 999999",
    "99/99/9999 99:99:99",
    "99:99:99",
];

/// The length of the time at the start, with its fraction and zone; `None` where there is none.
pub(super) fn time_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let len = FORMS.iter().find_map(|form| fits(bytes, form.as_bytes()))?;
    let len = zone(bytes, fraction(bytes, len));
    let whole = bytes.get(len).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    whole.then_some(len)
}

fn fits(text: &[u8], form: &[u8]) -> Option<usize> {
    let mut at = 0;
    for &part in form {
        let byte = *text.get(at)?;
        let ok = match part {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            _ => byte == part,
        };
        if !ok {
            return None;
        }
        at += 1;
        at += usize::from(part == b' ' && text.get(at) == Some(&b' '));
    }
    Some(at)
}

/// `.123`, `,123` or `:606` after the seconds.
fn fraction(text: &[u8], at: usize) -> usize {
    let digits = |from: usize| text[from.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    match text.get(at) {
        Some(b'.' | b',' | b':') if (1..=9).contains(&digits(at + 1)) => at + 1 + digits(at + 1),
        _ => at,
    }
}

/// `Z`, `+00:00`, ` +0000`, ` UTC`.
fn zone(text: &[u8], at: usize) -> usize {
    let rest = &text[at..];
    let offset = |rest: &[u8]| {
        let colon = usize::from(rest.get(3) == Some(&b':'));
        let digits = rest.len() >= 5 + colon && [1, 2, 3 + colon, 4 + colon].iter().all(|&i| rest[i].is_ascii_digit());
        (digits && matches!(rest[0], b'+' | b'-')).then_some(5 + colon)
    };
    match rest {
        [b'Z', ..] => at + 1,
        [b' ', b'U', b'T', b'C', ..] | [b' ', b'G', b'M', b'T', ..] => at + 4,
        [b' ', after @ ..] => offset(after).map_or(at, |len| at + 1 + len),
        _ => offset(rest).map_or(at, |len| at + len),
    }
}

//! `password=…`, `"token": "…"`, `Authorization: Bearer …`, `--api-key …`: values that are secret because of their name.

use std::ops::Range;

/// What names of secrets have in them. Every name that [`is_secret_name`] takes ends in one.
const NAMES: &str = r"(?:passw(?:or)?d(?:[_. -]?hash)?|pwd|pass|passphrase|secret|token|(?:api|access|account|private|signing|encryption|secret)[_. -]?key|credentials?|authorization|cookie|session[_. -]?(?:id|key)|phpsessid|ssn|cvv|cvc)";

/// A name that may be secret, and what joins it to its value.
pub(super) fn expression() -> String {
    format!(r#"(?i){NAMES}\\*["']?(?:[ \t]{{0,2}}(?:=>|:=|=|:)[ \t]{{0,2}}|[ \t]+)"#)
}

/// A field's name in JSON that may be secret.
pub(super) fn name_expression() -> String {
    format!(r#"(?i){NAMES}""#)
}

/// Ends of names that are secret, without `_`, `-`, `.` and blanks.
const SECRET_ENDS: &[&str] = &[
    "password",
    "passwd",
    "passwordhash",
    "passwdhash",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accountkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "secretkey",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "sessionid",
    "sessionkey",
    "phpsessid",
];

/// Names that are secret only as a whole, or as the last part after a separator.
const SECRET_PARTS: &[&str] = &["pass", "ssn", "cvv", "cvc"];

/// Schemes after which a header's value has several parts.
const LONG_SCHEMES: &[&str] = &["digest", "hawk", "oauth", "aws4-hmac-sha256", "negotiate", "signature"];
/// Schemes after which one part follows.
const SCHEMES: &[&str] = &["bearer", "basic", "token", "apikey", "ntlm", "dpop"];

/// Values that say that there is none.
const NO_VALUES: &[&str] = &["", "null", "none", "nil", "undefined", "true", "false", "<*>"];

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let lowered: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | '.' | ' ')).collect::<String>().to_lowercase();
    if SECRET_ENDS.iter().any(|end| lowered.ends_with(end)) {
        return true;
    }
    let last = name.rsplit(['_', '-', '.', ' ']).next().unwrap_or(name).to_lowercase();
    SECRET_PARTS.contains(&last.as_str())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Longest name that is looked at.
const MAX_NAME: usize = 128;

/// The value after a match of [`expression`].
pub(super) fn value(text: &str, found: Range<usize>, out: &mut Vec<Range<usize>>) {
    let matched = &text[found.clone()];
    let joint = matched.len() - matched.trim_end_matches([' ', '\t', '=', ':', '>', '"', '\'', '\\']).len();
    let name_end = found.end - joint;
    let before = text.as_bytes()[..name_end].iter().rev().take(MAX_NAME).take_while(|b| is_name_byte(**b)).count();
    let name = &text[name_end - before..name_end];
    let joined = matched[matched.len() - joint..].contains(['=', ':']);
    let option = name.starts_with("--");
    let rest = &text[found.end..];
    if text[..name_end - before].ends_with('<')
        && rest.split_once('>').is_some_and(|(hash, _)| is_masked(&format!("<{name}:{hash}>")))
    {
        return;
    }
    if !is_secret_name(name) || (!joined && (!option || rest.starts_with('-'))) {
        return;
    }
    let range = value_range(name, rest);
    if !NO_VALUES.contains(&rest[range.clone()].to_ascii_lowercase().as_str()) && !is_masked(&rest[range.clone()]) {
        out.push(found.end + range.start..found.end + range.end);
    }
}

fn value_range(name: &str, rest: &str) -> Range<usize> {
    let lowered = name.to_ascii_lowercase();
    let (start, end) = quoted(rest).unwrap_or((0, rest.find(['\n', '\r', '"', '\'']).unwrap_or(rest.len())));
    let header = lowered.ends_with("cookie");
    if start > 0 || header {
        return start..end;
    }
    if lowered.ends_with("authorization")
        && let Some((scheme, parameters)) = rest[..end].split_once(' ')
    {
        let scheme_is = |of: &&str| of.eq_ignore_ascii_case(scheme);
        if LONG_SCHEMES.iter().any(&scheme_is) {
            return scheme.len() + 1..end;
        }
        if SCHEMES.iter().any(scheme_is) {
            let start = scheme.len() + 1;
            return start..start + bare(parameters);
        }
    }
    0..bare(rest)
}

/// A value in quotes, which may be escaped once or more where JSON stands in a string.
fn quoted(rest: &str) -> Option<(usize, usize)> {
    let slashes = rest.bytes().take_while(|b| *b == b'\\').count();
    let quote = *rest.as_bytes().get(slashes).filter(|b| matches!(b, b'"' | b'\''))?;
    let start = slashes + 1;
    let mut at = start;
    while let Some(next) = rest.as_bytes()[at..].iter().position(|b| *b == quote).map(|p| p + at) {
        let before = rest.as_bytes()[start..next].iter().rev().take_while(|b| **b == b'\\').count();
        // As many backslashes as the opening quote had close it (an even number on top of none is escaped backslashes).
        if before == slashes || (slashes == 0 && before % 2 == 0) {
            return Some((start, next - if slashes == 0 { 0 } else { before }));
        }
        at = next + 1;
    }
    Some((start, rest.len()))
}

/// Length of a value without quotes: up to a blank or what separates fields; brackets that close around it stay.
fn bare(rest: &str) -> usize {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '&')).unwrap_or(rest.len());
    rest[..end].trim_end_matches([')', ']', '}']).len()
}

/// Whether it is what a scrubber put there: `<secret>`, `<email:0123456789ab>`.
pub(super) fn is_masked(value: &str) -> bool {
    let inner = value.strip_prefix('<').and_then(|v| v.strip_suffix('>'));
    inner.is_some_and(|i| {
        let (kind, hash) = i.split_once(':').unwrap_or((i, ""));
        ["private-key", "secret", "token", "card", "iban", "email", "phone", "ip"].contains(&kind)
            && hash.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

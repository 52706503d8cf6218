//! Secrets and personal data, taken out of text by rule.
//!
//! Two places need it: the normalizer, where that is switched on, and everything that goes to a model. A first pass over
//! the text, one automaton for all rules, tells which of them have anything to look at; most lines end there. What the
//! rules find is replaced by its kind, `<email>`, or by a keyed hash, `<email:1f0a9c33b2d4>`, so that equal values stay
//! equal and nobody without the key can try values out.

mod assign;
mod checks;
mod json;
mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use rules::RuleBook;

/// Hexadecimal digits of a hash that are shown: 48 bits, so that a million values share hardly any.
const SHOWN_DIGITS: usize = 12;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A private key in its armour.
    PrivateKey,
    /// A value that its name says is secret: a password, a cookie, the value of an authorization header.
    Secret,
    /// A key or token known by its form.
    Token,
    /// A payment card's number, by length, issuer and check digit.
    Card,
    /// An account number, by country, length and check digits.
    Iban,
    /// A mail address.
    Email,
    /// A phone number: international, or in the North American form.
    Phone,
    /// An IPv4 or IPv6 address, other than loopback and the like.
    Ip,
}

impl Kind {
    /// How the kind is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::PrivateKey => "private-key",
            Kind::Secret => "secret",
            Kind::Token => "token",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Ip => "ip",
        }
    }
}

/// Which kinds of personal data are looked for; secrets always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    /// Payment cards and account numbers.
    pub accounts: bool,
    /// Mail addresses.
    pub email: bool,
    /// Phone numbers.
    pub phone: bool,
    /// IPv4 addresses.
    pub ipv4: bool,
    /// IPv6 addresses.
    pub ipv6: bool,
}

impl Classes {
    /// All of them: for what leaves the machine.
    pub const ALL: Classes = Classes { accounts: true, email: true, phone: true, ipv4: true, ipv6: true };
}

impl Default for Classes {
    /// All but addresses of machines, without which most log lines lose their point.
    fn default() -> Self {
        Classes { ipv4: false, ipv6: false, ..Classes::ALL }
    }
}

/// Why there is no scrubber.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ScrubError {
    /// A built-in expression does not compile, which a test rules out.
    #[error("expressions of the scrubber: {0}")]
    Expression(#[from] regex::Error),
    /// The key of the hash is too short to keep values from being tried out.
    #[error("the key of the hash has {0} bytes; give at least 16, e.g. from `openssl rand -hex 32`")]
    ShortKey(usize),
}

/// Takes secrets and personal data out of text. Takes some milliseconds to build; clones share the rules.
#[derive(Debug, Clone)]
pub struct Scrubber {
    rules: Arc<RuleBook>,
    mode: Mode,
}

#[derive(Clone)]
enum Mode {
    Mask,
    /// The hash with the key in it already.
    Hash(Box<Hmac<Sha256>>),
}

impl std::fmt::Debug for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Mask => "mask",
            Mode::Hash(_) => "hash",
        })
    }
}

/// A stretch of text that goes, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    range: Range<usize>,
    kind: Kind,
}

impl Scrubber {
    /// A scrubber that puts the kind in the place of each value, for the usual classes.
    ///
    /// # Errors
    /// When a built-in expression does not compile.
    pub fn mask() -> Result<Self, ScrubError> {
        Self::mask_of(Classes::default())
    }

    /// The same for chosen classes.
    ///
    /// # Errors
    /// When a built-in expression does not compile.
    pub fn mask_of(classes: Classes) -> Result<Self, ScrubError> {
        Ok(Scrubber { rules: Arc::new(RuleBook::new(classes)?), mode: Mode::Mask })
    }

    /// A scrubber that puts a keyed hash (HMAC-SHA-256, cut to 48 bits) in the place of each value.
    ///
    /// # Errors
    /// When the key is shorter than 16 bytes.
    pub fn hash(key: &[u8]) -> Result<Self, ScrubError> {
        Self::hash_of(key, Classes::default())
    }

    /// The same for chosen classes.
    ///
    /// # Errors
    /// When the key is shorter than 16 bytes.
    pub fn hash_of(key: &[u8], classes: Classes) -> Result<Self, ScrubError> {
        let short = ScrubError::ShortKey(key.len());
        if key.len() < 16 {
            return Err(short);
        }
        let hash = Hmac::<Sha256>::new_from_slice(key).map_err(|_| short)?;
        Ok(Scrubber { rules: Arc::new(RuleBook::new(classes)?), mode: Mode::Hash(Box::new(hash)) })
    }

    /// The text without what a rule finds.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let findings = merged(self.rules.find(text));
        if findings.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for finding in findings {
            out.push_str(&text[at..finding.range.start]);
            self.replace(finding.kind, &text[finding.range.clone()], &mut out);
            at = finding.range.end;
        }
        out.push_str(&text[at..]);
        Cow::Owned(out)
    }

    /// The same for the text of a JSON value: strings, names and numbers are looked at one by one, and what stands under
    /// a name like `password` goes as a whole. All else stays as it is written.
    pub fn scrub_json<'t>(&self, json: &'t str) -> Cow<'t, str> {
        json::scrub(self, json)
    }

    /// Whether a field of this name holds a secret: `password`, `X-Api-Key`, `clientSecret`, `authorization`, …
    pub fn is_secret_name(name: &str) -> bool {
        assign::is_secret_name(name)
    }

    fn replace(&self, kind: Kind, value: &str, out: &mut String) {
        out.push('<');
        out.push_str(kind.name());
        if let Mode::Hash(keyed) = &self.mode {
            let mut hash = keyed.clone();
            hash.update(kind.name().as_bytes());
            hash.update(&[0]);
            hash.update(normal(kind, value).as_bytes());
            out.push(':');
            for byte in hash.finalize().into_bytes().iter().take(SHOWN_DIGITS / 2) {
                // Writing to a string cannot fail.
                let _ = write!(out, "{byte:02x}");
            }
        }
        out.push('>');
    }
}

/// The value as it is hashed: ways of writing the same number or address are one.
fn normal(kind: Kind, value: &str) -> Cow<'_, str> {
    match kind {
        Kind::Card | Kind::Iban | Kind::Phone => value.chars().filter(char::is_ascii_alphanumeric).collect(),
        Kind::Email | Kind::Ip => Cow::Owned(value.to_lowercase()),
        Kind::PrivateKey | Kind::Secret | Kind::Token => Cow::Borrowed(value),
    }
}

/// Findings in order and apart. Those that overlap become one, so that no rest of either stays.
fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|f| (f.range.start, f.kind));
    let mut out: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match out.last_mut().filter(|last| finding.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(finding.range.end);
                last.kind = last.kind.min(finding.kind);
            }
            None => out.push(finding),
        }
    }
    out
}

//! The expressions of the scrubber, and the one pass that tells which of them are worth a look.

use std::ops::Range;

use regex::{Regex, RegexSet};

use super::{Classes, Finding, Kind, ScrubError, assign, checks};

/// Private keys in their armour; one that is cut off goes to the end of the text.
const PRIVATE_KEY: &str =
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)";

/// Keys and tokens that are known by their form.
const TOKENS: &[&str] = &[
    // AWS
    r"(?-u:\b)(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)",
    // GitHub, GitLab
    r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{20,}",
    r"(?-u:\b)github_pat_[A-Za-z0-9_]{20,}",
    r"(?-u:\b)glpat-[A-Za-z0-9_-]{20,}",
    // Slack
    r"(?-u:\b)xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"(?-u:\b)xapp-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/[A-Za-z0-9_/]{10,}",
    // Stripe, OpenAI and others alike, Google, npm, SendGrid, Hugging Face, PyPI, Telegram
    r"(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{10,}",
    r"(?-u:\b)sk-[A-Za-z0-9_-]{20,}",
    r"(?-u:\b)AIza[A-Za-z0-9_-]{30,}",
    r"(?-u:\b)ya29\.[A-Za-z0-9_-]{20,}",
    r"(?-u:\b)npm_[A-Za-z0-9]{30,}",
    r"(?-u:\b)SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"(?-u:\b)hf_[A-Za-z0-9]{30,}",
    r"(?-u:\b)pypi-[A-Za-z0-9_-]{50,}",
    r"(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}",
    // JSON web tokens, signed and encrypted
    r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}",
];

/// What no token can do without.
const TOKENS_TRIGGER: &str = r"A[A-Z]{2}A[A-Z0-9]{16}|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|xapp-|hooks\.slack|[rs]k_live_|[rs]k_test_|sk-[A-Za-z0-9_-]{20}|AIza|ya29\.|npm_|SG\.|hf_|pypi-|:AA[A-Za-z0-9_-]{32}|eyJ[A-Za-z0-9_-]{8}";

/// The value after a scheme of authorization; whether it looks like one is checked.
const SCHEME: &str = r"(?i)(?-u:\b)(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{8,})";

/// The password in a URL: up to the last `@` before the path.
const URL_PASSWORD: &str = r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"']*:([^\s/"']+)@"#;

/// A token in a URL's place of the user.
const URL_TOKEN: &str = r#"[A-Za-z][A-Za-z0-9+.-]*://([^\s:/@"']{20,})@"#;

const USER_TRIGGER: &str = r"://[^\s/]*@";

/// What signs a URL, or lets whoever holds it in.
const SIGNATURE: &str =
    r#"(?i)[?&](?:sig|signature|key|code|x-amz-signature|x-amz-credential|x-goog-signature)=([^\s&"'<>]+)"#;

const EMAIL: &str = r"[\w.%+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.\p{L}{2,}";
const CARD_RUN: &str = r"[0-9](?:[ -]?[0-9]){12,}";
const CARD_TRIGGER: &str = r"[0-9](?:[ -]?[0-9]){12}";
const IBAN: &str = r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,}";
const PHONE: &str = r"\+[1-9(](?:[ ().-]{0,2}[0-9]){6,16}|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4}";
const PHONE_TRIGGER: &str = r"\+[1-9(][ ().-]{0,2}[0-9]|[2-9][0-9]{2}\)? ?[.-]?[2-9][0-9]{2}[.-][0-9]{4}";
const IPV4: &str = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}";
const IPV6: &str = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}[0-9.]*";
const IPV6_TRIGGER: &str = r"[0-9A-Fa-f]::|::[0-9A-Fa-f]|(?::[0-9A-Fa-f]{1,4}){6}";

/// Narrows a match (its first group, or all of it) to what goes.
type Check = fn(&str, Range<usize>, &mut Vec<Range<usize>>);

/// A rule before its expressions are compiled: what it cannot do without, what it is, what it looks for, what must hold.
struct Draft(String, Kind, String, Check);

fn drafts(classes: Classes) -> Vec<Draft> {
    let draft = |trigger: &str, kind, expression: &str, check: Check| {
        Draft(trigger.to_owned(), kind, expression.to_owned(), check)
    };
    let assigned = assign::expression();
    let mut all = vec![
        draft("PRIVATE KEY", Kind::PrivateKey, PRIVATE_KEY, checks::all),
        draft(TOKENS_TRIGGER, Kind::Token, &TOKENS.join("|"), checks::all),
        draft(&assigned, Kind::Secret, &assigned, assign::value),
        draft(r"(?i)(?:bearer|basic)[ \t]", Kind::Token, SCHEME, checks::credential),
        draft(USER_TRIGGER, Kind::Secret, URL_PASSWORD, checks::all),
        draft(USER_TRIGGER, Kind::Token, URL_TOKEN, checks::url_token),
        draft(r"(?i)[?&](?:sig|key|code|x-amz|x-goog)", Kind::Secret, SIGNATURE, checks::all),
    ];
    if classes.accounts {
        all.push(draft(CARD_TRIGGER, Kind::Card, CARD_RUN, checks::cards));
        all.push(draft(r"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}", Kind::Iban, IBAN, checks::iban));
    }
    if classes.email {
        all.push(draft("@|%40", Kind::Email, EMAIL, checks::email));
    }
    if classes.phone {
        all.push(draft(PHONE_TRIGGER, Kind::Phone, PHONE, checks::phone));
    }
    if classes.ipv4 {
        all.push(draft(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", Kind::Ip, IPV4, checks::ipv4));
    }
    if classes.ipv6 {
        all.push(draft(IPV6_TRIGGER, Kind::Ip, IPV6, checks::ipv6));
    }
    all
}

#[derive(Debug)]
struct Rule {
    kind: Kind,
    expression: Regex,
    check: Check,
}

/// The rules of the chosen classes.
#[derive(Debug)]
pub(super) struct RuleBook {
    /// For each rule what its matches cannot do without.
    triggers: RegexSet,
    rules: Vec<Rule>,
    /// Names of JSON fields whose values may be secret.
    names: Regex,
}

impl RuleBook {
    pub(super) fn new(classes: Classes) -> Result<Self, ScrubError> {
        let drafts = drafts(classes);
        let triggers = RegexSet::new(drafts.iter().map(|Draft(trigger, ..)| trigger))?;
        let compile = |Draft(_, kind, expression, check): Draft| {
            Regex::new(&expression).map(|expression| Rule { kind, expression, check })
        };
        let rules = drafts.into_iter().map(compile).collect::<Result<_, _>>()?;
        Ok(RuleBook { triggers, rules, names: Regex::new(&assign::name_expression())? })
    }

    /// What the rules find, in no order; findings may overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut ranges = Vec::new();
        for at in self.triggers.matches(text).iter() {
            let rule = &self.rules[at];
            for captures in rule.expression.captures_iter(text) {
                if let Some(found) = captures.get(1).or_else(|| captures.get(0)) {
                    (rule.check)(text, found.range(), &mut ranges);
                }
            }
            findings.extend(ranges.drain(..).map(|range| Finding { range, kind: rule.kind }));
        }
        findings
    }

    /// Whether there may be anything to scrub in a JSON text without escapes.
    pub(super) fn may_find_in_json(&self, json: &str) -> bool {
        self.triggers.is_match(json) || self.names.is_match(json)
    }
}

//! Text that wants something: templates that address the model, answers that address whoever reads them, and commands
//! that destroy.

use regex::RegexSet;

/// What instructions to a model look like.
const INSTRUCTIONS: &[&str] = &[
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|any|your|these|those|the)\b.{0,30}\b(?:instruction|prompt|rule|context|message|direction|guideline|order)",
    r"\b(?:new|updated|real|actual|following)\s+instructions?\b",
    r"\bsystem\s+(?:prompt|message)\b",
    r"\byou\s+(?:are|must|will|should|have\s+to)\b.{0,30}\b(?:now|answer|respond|reply|assistant|model|say|output|act|classify|mark|report|set|always|never)\b",
    r"\b(?:respond|reply|answer|output|print|say|return)\s+(?:only|with|exactly|just|nothing)\b",
    r"\b(?:act|behave|pretend|roleplay)\s+(?:as|like)\b",
    r"\bas\s+an\s+(?:ai|assistant|llm|language\s+model)\b",
    r"\b(?:assistant|system|user|human|developer)\s*:\s*\S",
    r"<\|[a-z_]+\|>|\[/?inst\]|<<sys>>|###\s*(?:instruction|system|response)",
    r"\b(?:mark|classify|rate|treat|label|report|set)\b.{0,40}\b(?:as|to|severity|category)\b.{0,20}\b(?:info|low|harmless|benign|safe|critical|resolved)\b",
    r"\b(?:jailbreak|prompt\s+injection|developer\s+mode)\b",
    r"\b(?:do\s+not|don't|never)\s+(?:report|mention|tell|alert|analy[sz]e|flag)\b",
];

/// Commands that destroy data or services, or run what they fetch.
const DESTRUCTIVE: &[&str] = &[
    r"\brm\s+(?:-\S+\s+)*-?\S*[/*~$]|\brm\s+-[a-z]*[rf]|\brm\s+--recursive",
    r"\b(?:rmdir|rd|del|erase)\s+/[sq]\b|\bremove-item\b.{0,60}-recurse|\bformat\s+[a-z]:",
    r"\b(?:mkfs|wipefs|shred|fdisk|parted|sgdisk|mkswap)\b|\bdd\s+.{0,60}\bof=|>\s*/dev/[a-z]",
    r"\bdrop\s+(?:table|database|schema|index|keyspace|collection|user|role|view)\b|\btruncate\s+(?:table\b|\S+;)|\bdelete\s+from\b|\bdropdb\b|\.drop(?:database)?\(",
    r"\bflush(?:all|db)\b|\bupdate\s+\S+\s+set\b",
    r"\b(?:kubectl|oc)\s+(?:\S+\s+){0,4}(?:delete|drain|scale\s.{0,40}=\s*0)\b|\bhelm\s+(?:uninstall|delete)\b|\b(?:terraform|tofu|pulumi)\s+(?:\S+\s+){0,3}(?:destroy|taint)\b",
    r"\bdocker\s+(?:\S+\s+)?(?:prune|rm|rmi|kill)\b|\b(?:docker|docker-)\s*compose\s+.{0,20}\bdown\b.{0,20}-v",
    r"\bgit\s+(?:push\s+.{0,30}(?:--force|-f\b)|reset\s+--hard|clean\s+-\S*f)",
    r"\b(?:shutdown|poweroff|halt|reboot)\s+(?:-|now|/)|\binit\s+[06]\b|\bkill(?:all)?\s+-(?:9|s?kill)\b|\bpkill\b|\bkillall\b",
    r"\bchmod\s+(?:-\S+\s+)*0?777|\bchown\s+-r\b|\biptables\s+-f\b|\bsetenforce\s+0|\bufw\s+disable|\bnft\s+flush",
    r"\b(?:curl|wget|iwr|invoke-webrequest)\b.{0,200}\|\s*(?:sudo\s+)?(?:ba|z|k|da)?sh\b|\biex\b|\beval\s*\(|\bbase64\s+-d",
    r"\b(?:aws|gcloud|az|gsutil)\s+.{0,80}\b(?:rm|delete|terminate|purge|destroy|rb)\b",
    r"\b(?:lvremove|vgremove|pvremove|zfs\s+destroy|zpool\s+destroy|userdel|deluser|groupdel|crontab\s+-r)\b",
    r"\b(?:kafka-topics|kafka-delete-records|rabbitmqctl|nodetool|etcdctl)\b.{0,80}(?:--delete|delete|reset|purge|decommission|del\b)",
    r":\(\)\s*\{|\bfork\s*bomb\b|\bhistory\s+-c\b",
];

/// The compiled expressions.
#[derive(Debug)]
pub(super) struct Hostile {
    instructions: RegexSet,
    destructive: RegexSet,
}

impl Hostile {
    pub(super) fn new() -> Result<Self, regex::Error> {
        let set = |expressions: &[&str]| {
            regex::RegexSetBuilder::new(expressions).case_insensitive(true).dot_matches_new_line(true).build()
        };
        Ok(Hostile { instructions: set(INSTRUCTIONS)?, destructive: set(DESTRUCTIVE)? })
    }

    /// Whether a text tells a model what to do.
    pub(super) fn is_instruction(&self, text: &str) -> bool {
        self.instructions.is_match(text)
    }

    /// The text without the sentences that hold a command that destroys; none when nothing stays.
    pub(super) fn without_destruction(&self, text: &str) -> Option<String> {
        if !self.destructive.is_match(text) {
            return Some(text.to_owned());
        }
        let kept: Vec<&str> = sentences(text).filter(|s| !self.destructive.is_match(s)).map(str::trim).collect();
        let kept = kept.join(" ").trim().to_owned();
        // A command may span what looked like two sentences.
        (!kept.is_empty() && !self.destructive.is_match(&kept)).then_some(kept)
    }
}

/// Sentences and list items: cut after `.`, `!`, `?` or `;` before a blank, and at ends of lines.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut ends = rest.char_indices().zip(rest.chars().skip(1)).filter_map(|((at, c), next)| {
            let ends = c == '\n' || (matches!(c, '.' | '!' | '?' | ';') && next.is_whitespace());
            ends.then_some(at + 1)
        });
        let end = ends.next().unwrap_or(rest.len());
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence)
    })
}

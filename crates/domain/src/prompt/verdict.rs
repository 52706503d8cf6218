//! An answer, checked part by part. Nothing of it is used that did not pass.

use serde::Deserialize;
use serde_json::Value;

use super::{Prompter, Question, name, raised};
use crate::insight::ANALYSIS_FAILED;
use crate::{Category, Severity};

/// Bytes of an answer's text that are looked at.
pub const MAX_ANSWER: usize = 64 << 10;
/// Characters of a summary.
const MAX_SUMMARY: usize = 280;
/// Characters of a remediation.
const MAX_REMEDIATION: usize = 600;
/// Places at which an object is looked for in text around it.
const MAX_OBJECTS: usize = 32;

/// What a model says of one pattern, as far as it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// One plain sentence.
    pub summary: String,
    /// Whether the severity is one step above that of local analysis.
    pub raise: bool,
    /// What it is about.
    pub category: Category,
    /// What to do.
    pub remediation: Option<String>,
    /// Soft checks that it passed, and all of them: what was bent or cut weighs in the confidence.
    pub checks: (u32, u32),
}

/// Why an answer, or a part of it, is not used. The words go back to the model for the one repair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More text than any honest answer.
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLarge,
    /// No JSON object with `insights`.
    #[error("the answer holds no JSON object with an array \"insights\"")]
    NoObject,
    /// More than one.
    #[error("the answer holds more than one JSON object with \"insights\"")]
    SeveralObjects,
    /// An item that is no object with an id, or one with an id that was not asked for.
    #[error("an item has no \"id\" of those that were asked for")]
    UnknownId,
    /// A pattern without an item.
    #[error("there is no item for a pattern")]
    Missing,
    /// A pattern with several.
    #[error("there is more than one item for a pattern")]
    Doubled,
    /// A field that is missing, of another type or none of the listed values.
    #[error("\"{0}\" is missing or not of the type or list that is asked for")]
    Type(&'static str),
    /// A field without text.
    #[error("\"{0}\" is empty")]
    Empty(&'static str),
    /// A field that is too long.
    #[error("\"{0}\" is longer than {1} characters")]
    TooLong(&'static str, usize),
    /// A field with control or invisible characters.
    #[error("\"{0}\" holds control characters")]
    Control(&'static str),
    /// A field with links or markup.
    #[error("\"{0}\" holds links or markup; give plain text")]
    Markup(&'static str),
    /// A field that tells its reader or a model what to do instead of what happened.
    #[error("\"{0}\" does not describe the pattern")]
    Instruction(&'static str),
}

#[derive(Deserialize)]
struct Severities {
    severity: Severity,
}

#[derive(Deserialize)]
struct Categories {
    category: Category,
}

impl Prompter {
    /// What an answer says of each question, in their order.
    ///
    /// # Errors
    /// When nothing of the answer can be used.
    pub fn check(&self, answer: &str, questions: &[Question]) -> Result<Vec<Result<Verdict, Fault>>, Fault> {
        let items = items(answer)?;
        let mut verdicts: Vec<Result<Verdict, Fault>> = questions.iter().map(|_| Err(Fault::Missing)).collect();
        let mut seen = vec![false; questions.len()];
        for item in &items {
            let id = item.get("id").and_then(Value::as_str).ok_or(Fault::UnknownId)?;
            let index = (0..questions.len()).find(|&i| name(i) == id).ok_or(Fault::UnknownId)?;
            verdicts[index] = if seen[index] { Err(Fault::Doubled) } else { self.verdict(item, &questions[index]) };
            seen[index] = true;
        }
        Ok(verdicts)
    }

    fn verdict(&self, item: &Value, question: &Question) -> Result<Verdict, Fault> {
        let summary = self.text(item, "summary", MAX_SUMMARY)?.ok_or(Fault::Empty("summary"))?;
        if summary == ANALYSIS_FAILED {
            return Err(Fault::Empty("summary"));
        }
        let severity = Severities::deserialize(item).map_err(|_| Fault::Type("severity"))?.severity;
        let category = Categories::deserialize(item).map_err(|_| Fault::Type("category"))?.category;
        let said = self.text(item, "remediation", MAX_REMEDIATION)?;
        let remediation = said.as_deref().and_then(|said| self.hostile.without_destruction(said));
        let bent = severity < question.severity || severity > raised(question.severity);
        let cut = said != remediation;
        let checks = 4 - u32::from(bent) - u32::from(cut);
        Ok(Verdict { summary, raise: severity > question.severity, category, remediation, checks: (checks, 4) })
    }

    /// A text field in plain characters; none when it is empty.
    fn text(&self, item: &Value, field: &'static str, most: usize) -> Result<Option<String>, Fault> {
        let text = match item.get(field) {
            Some(Value::String(text)) => text,
            Some(Value::Null) | None if field == "remediation" => return Ok(None),
            _ => return Err(Fault::Type(field)),
        };
        let text: String = text.trim().chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
        if text.chars().count() > most {
            return Err(Fault::TooLong(field, most));
        }
        if text.chars().any(is_invisible) {
            return Err(Fault::Control(field));
        }
        if has_markup(&text) {
            return Err(Fault::Markup(field));
        }
        if self.hostile.is_instruction(&text) {
            return Err(Fault::Instruction(field));
        }
        Ok(Some(text).filter(|t| !t.is_empty()))
    }
}

/// The items of the one object in the answer, whatever stands around it: servers wrap it in prose, fences, thoughts.
fn items(answer: &str) -> Result<Vec<Value>, Fault> {
    if answer.len() > MAX_ANSWER {
        return Err(Fault::TooLarge);
    }
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, after)| after);
    let mut found: Option<Vec<Value>> = None;
    let mut at = 0;
    for _ in 0..MAX_OBJECTS {
        let Some(open) = answer[at..].find('{').map(|p| p + at) else { break };
        let mut stream = serde_json::Deserializer::from_str(&answer[open..]).into_iter::<Value>();
        at = match stream.next() {
            Some(Ok(mut value)) => {
                if let Some(Value::Array(items)) = value.get_mut("insights").map(Value::take)
                    && found.replace(items).is_some()
                {
                    return Err(Fault::SeveralObjects);
                }
                open + stream.byte_offset().max(1)
            }
            _ => open + 1,
        };
    }
    found.ok_or(Fault::NoObject)
}

/// Characters that do not show, or that turn what stands around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Links and markup; `<host>` and the like are how templates show what varies.
fn has_markup(text: &str) -> bool {
    let lowered = text.to_ascii_lowercase();
    const SIGNS: [&str; 16] = [
        "http:",
        "https:",
        "www.",
        "javascript:",
        "data:text",
        "](",
        "```",
        "<a ",
        "<img",
        "<script",
        "<iframe",
        "<svg",
        "<style",
        "<html",
        "</",
        "<!",
    ];
    SIGNS.iter().any(|sign| lowered.contains(sign))
}

//! What a server understands, learned from its refusals: compatible servers keep different parts of the API.

use serde_json::{Map, Value, json};
use whittle_domain::prompt::{Form, Prompt};

/// The name under which a server takes the limit of an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitName {
    MaxTokens,
    MaxCompletionTokens,
    /// It takes none.
    Nothing,
}

/// How requests are put to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub form: Form,
    pub limit: LimitName,
    pub temperature: bool,
}

/// Signs in a refusal that the form of the answer is what it is about.
const FORM_SIGNS: &[&str] =
    &["response_format", "json_schema", "json_object", "structured output", "json mode", "grammar", "guided", "schema"];

impl Dialect {
    /// What a server that keeps all of the API understands.
    pub(super) fn full() -> Self {
        Dialect { form: Form::Schema, limit: LimitName::MaxTokens, temperature: true }
    }

    /// How to ask after a refusal; none when it names nothing that could be asked otherwise. A server's own error (5xx)
    /// counts only where it names the form.
    pub(super) fn after(self, status: u16, body: &str) -> Option<Dialect> {
        let body = body.to_ascii_lowercase();
        let names = |signs: &[&str]| signs.iter().any(|sign| body.contains(sign));
        let refused = (400..500).contains(&status);
        if refused && names(&["max_tokens", "max_completion_tokens"]) {
            let limit = match self.limit {
                LimitName::MaxTokens => LimitName::MaxCompletionTokens,
                LimitName::MaxCompletionTokens => LimitName::Nothing,
                LimitName::Nothing => return None,
            };
            return Some(Dialect { limit, ..self });
        }
        if refused && self.temperature && names(&["temperature"]) {
            return Some(Dialect { temperature: false, ..self });
        }
        if names(FORM_SIGNS) {
            return self.form.weaker().map(|form| Dialect { form, ..self });
        }
        None
    }

    /// The body of a request.
    pub(super) fn body(self, model: &str, prompt: &Prompt, answer_tokens: u64) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), model.into());
        let messages = [("system", &prompt.system), ("user", &prompt.user)];
        let message = |(role, content): (&str, &String)| json!({ "role": role, "content": content });
        body.insert("messages".into(), messages.into_iter().map(message).collect());
        body.insert("stream".into(), false.into());
        match self.limit {
            LimitName::MaxTokens => body.insert("max_tokens".into(), answer_tokens.into()),
            LimitName::MaxCompletionTokens => body.insert("max_completion_tokens".into(), answer_tokens.into()),
            LimitName::Nothing => None,
        };
        if self.temperature {
            body.insert("temperature".into(), 0.into());
        }
        if let Some(format) = &prompt.response_format {
            body.insert("response_format".into(), format.clone());
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_teaches_one_thing() {
        let full = Dialect::full();
        let openai = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        let newer = full.after(400, openai).expect("learned");
        assert_eq!(newer.limit, LimitName::MaxCompletionTokens);
        let cold = newer.after(400, "'temperature' does not support 0 with this model").expect("learned");
        assert!(!cold.temperature);
        let object = cold.after(422, "response_format.type json_schema is not supported").expect("learned");
        assert_eq!(object.form, Form::Object);
        let text = object.after(500, "grammar compiler failed").expect("a 5xx that names the form");
        assert_eq!(text.form, Form::Text);
        assert_eq!(text.after(400, "json_schema"), None, "there is no weaker form");
        assert_eq!(full.after(500, "max_tokens"), None);
        assert_eq!(full.after(500, "internal error"), None);
        assert_eq!(full.after(400, "no such model"), None);
        let none = newer.after(400, "unknown field max_completion_tokens").expect("learned");
        assert_eq!((none.limit, none.after(400, "max_tokens")), (LimitName::Nothing, None));
    }

    #[test]
    fn a_body_holds_what_the_server_takes_and_no_tools() {
        let prompt = Prompt { system: "s".into(), user: "u".into(), response_format: None };
        let body = Dialect::full().body("m", &prompt, 7);
        assert_eq!((&body["max_tokens"], &body["temperature"], &body["stream"]), (&7.into(), &0.into(), &false.into()));
        assert_eq!(body["messages"][1], json!({ "role": "user", "content": "u" }));
        let bare = Dialect { form: Form::Text, limit: LimitName::Nothing, temperature: false };
        let body = bare.body("m", &prompt, 7);
        let keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["messages", "model", "stream"]);
    }
}

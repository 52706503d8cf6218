//! What is known of patterns, as rows carry it: the two fields of the seed. The rest stands once a pattern, not once a row.

use hashbrown::HashMap;
use serde_json::{Map, Value};
use whittle_domain::Batch;

use super::Fresh;
use crate::settings::InsightOf;
use crate::text::NUL_SIGN;

/// By series: the insight as it was given, and as rows carry it. Made anew when it changes.
#[derive(Default)]
pub(crate) struct Insights(HashMap<i32, (String, String)>);

/// Insights that are kept; beyond it all are made anew.
const MOST: usize = 1 << 18;

impl Insights {
    /// For each series of these rows what its rows carry now.
    pub(crate) fn of(
        &mut self,
        batch: &Batch,
        rows: &Fresh,
        series: &[i32],
        insight: &InsightOf,
    ) -> HashMap<i32, String> {
        if self.0.len() > MOST {
            self.0.clear();
        }
        let mut now = HashMap::new();
        for ((_, row), &series) in rows.rows(batch).zip(series) {
            now.entry(series).or_insert_with(|| {
                let whole = insight(row.pattern, row.level);
                match self.0.get(&series) {
                    Some((known, short)) if *known == whole => short.clone(),
                    _ => {
                        let short = short(&whole);
                        self.0.insert(series, (whole, short.clone()));
                        short
                    }
                }
            });
        }
        now
    }
}

/// `summary` and `confidence` of an insight.
fn short(insight: &str) -> String {
    let whole: Map<String, Value> = serde_json::from_str(insight).unwrap_or_default();
    let of = |name: &str, default: Value| (name.to_owned(), without_nul(whole.get(name).cloned().unwrap_or(default)));
    let fields = [of("summary", "analysis_failed".into()), of("confidence", 0.into())];
    Value::Object(fields.into_iter().collect()).to_string()
}

/// A JSON text as JSONB takes it, or `{}`.
pub(crate) fn storable_json(json: &str) -> String {
    serde_json::from_str::<Value>(json).map_or_else(|_| "{}".to_owned(), |value| without_nul(value).to_string())
}

fn without_nul(value: Value) -> Value {
    let clean = |text: String| text.replace('\0', NUL_SIGN.encode_utf8(&mut [0; 4]));
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (clean(name), without_nul(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_carry_the_seeds_two_fields() {
        let insight = r#"{"summary":"a\u0000b","confidence":0.5,"status":"ok","hint":"long"}"#;
        assert_eq!(short(insight), "{\"confidence\":0.5,\"summary\":\"a\u{2400}b\"}");
        assert_eq!(short("nonsense"), r#"{"confidence":0,"summary":"analysis_failed"}"#);
        assert_eq!(storable_json(r#"{"\u0000":["\u0000"]}"#), "{\"\u{2400}\":[\"\u{2400}\"]}");
    }
}

//! What the model worker may do, and what it may spend.

use serde::Deserialize;

/// The `[model]` table. Every limit holds for the whole process.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Asks a server on a loopback address even without a key (Ollama, vLLM, llama.cpp).
    pub loopback_without_key: bool,
    /// Calls in flight at once.
    pub concurrency: usize,
    /// Calls in any minute.
    pub calls_per_minute: u32,
    /// Tokens a UTC day, in and out together.
    pub tokens_per_day: u64,
    /// US dollars a UTC day; needs both prices.
    pub usd_per_day: f64,
    /// US dollars for a million tokens sent; 0 is unknown.
    pub price_in: f64,
    /// US dollars for a million tokens received; 0 is unknown.
    pub price_out: f64,
    /// Tokens that one pattern's answer may take; a model that thinks before it answers needs more.
    pub answer_tokens: u32,
    /// Milliseconds to connect.
    pub connect_timeout_ms: u64,
    /// Milliseconds for a call in all.
    pub timeout_ms: u64,
    /// Bytes of an answer.
    pub max_answer_bytes: usize,
    /// Repeated calls after a failure that may pass.
    pub retries: u32,
    /// Patterns in one call.
    pub batch: usize,
    /// Lines after which a pattern is asked about.
    pub hold_lines: u32,
    /// Milliseconds after which it is asked about in any case.
    pub hold_ms: u64,
    /// The same for errors.
    pub hold_error_ms: u64,
    /// Lines that may wait for the worker; more are counted and left out.
    pub queue: usize,
    /// Patterns that may be held.
    pub held: usize,
    /// Milliseconds until a pattern whose call failed is asked about again; at most three times.
    pub retry_pattern_ms: u64,
    /// Milliseconds that the breaker stays open after five failures in a row.
    pub breaker_ms: u64,
}

impl Default for ModelSettings {
    fn default() -> Self {
        ModelSettings {
            loopback_without_key: false,
            concurrency: 2,
            calls_per_minute: 30,
            tokens_per_day: 200_000,
            usd_per_day: 1.0,
            price_in: 0.0,
            price_out: 0.0,
            answer_tokens: 200,
            connect_timeout_ms: 3_000,
            timeout_ms: 30_000,
            max_answer_bytes: 256 << 10,
            retries: 2,
            batch: 8,
            hold_lines: 5,
            hold_ms: 30_000,
            hold_error_ms: 2_000,
            queue: 4_096,
            held: 4_096,
            retry_pattern_ms: 600_000,
            breaker_ms: 60_000,
        }
    }
}

impl ModelSettings {
    /// Checks what a type does not show.
    ///
    /// # Errors
    /// Says which key of `[model]` is wrong and what it takes.
    pub fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("concurrency", self.concurrency, 1, 64),
            ("batch", self.batch, 1, 8),
            ("queue", self.queue, 1, 1 << 20),
            ("held", self.held, 1, 1 << 20),
            ("max_answer_bytes", self.max_answer_bytes, 1 << 10, 16 << 20),
            ("answer_tokens", self.answer_tokens as usize, 50, 4_096),
            ("retries", self.retries as usize, 0, 10),
            ("calls_per_minute", self.calls_per_minute as usize, 1, 10_000),
            ("connect_timeout_ms", self.connect_timeout_ms as usize, 1, 60_000),
            ("timeout_ms", self.timeout_ms as usize, 1, 600_000),
            ("hold_lines", self.hold_lines as usize, 1, 10_000),
            ("hold_ms", self.hold_ms as usize, 0, 86_400_000),
            ("hold_error_ms", self.hold_error_ms as usize, 0, 86_400_000),
            ("retry_pattern_ms", self.retry_pattern_ms as usize, 1, 86_400_000),
            ("breaker_ms", self.breaker_ms as usize, 1, 86_400_000),
        ];
        for (key, value, least, most) in ranges {
            if value < least || value > most {
                return Err(format!("model.{key} = {value} is out of range; give {least} to {most}"));
            }
        }
        for (key, value) in
            [("usd_per_day", self.usd_per_day), ("price_in", self.price_in), ("price_out", self.price_out)]
        {
            if !value.is_finite() || value < 0.0 {
                return Err(format!("model.{key} = {value} is no amount; give 0 or more"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut ModelSettings);

    #[test]
    fn what_is_out_of_range_is_named_with_its_range() {
        assert_eq!(ModelSettings::default().validate(), Ok(()));
        let changes: [(Change, &str); 5] = [
            (|s| s.concurrency = 0, "model.concurrency = 0 is out of range; give 1 to 64"),
            (|s| s.batch = 9, "model.batch = 9 is out of range; give 1 to 8"),
            (|s| s.calls_per_minute = 0, "model.calls_per_minute = 0 is out of range; give 1 to 10000"),
            (|s| s.timeout_ms = 0, "model.timeout_ms = 0 is out of range; give 1 to 600000"),
            (|s| s.price_in = f64::NAN, "model.price_in = NaN is no amount; give 0 or more"),
        ];
        for (change, message) in changes {
            let mut settings = ModelSettings::default();
            change(&mut settings);
            assert_eq!(settings.validate().expect_err(message), message);
        }
    }
}

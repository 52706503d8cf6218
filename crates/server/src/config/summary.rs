//! What the settings come to, for `whittle check-config`. Secrets are only said to be there.

use std::fmt::Write as _;

use super::{Config, ScrubSetting};

impl Config {
    /// A few lines for people: what runs where, what is kept, what leaves the machine.
    pub fn summary(&self) -> String {
        let mut out = String::from("settings are valid\n");
        let mut row = |name: &str, text: String| {
            let _ = writeln!(out, "  {name:<12} {text}");
        };
        let address = |port: u16| format!("http://{}", self.address(port));
        row("ingestion", address(self.port));
        row("storage", address(self.http_port));
        row("gateway", format!("ws://{}", self.address(self.ws_port)));
        row("dashboard", address(self.dashboard_port));
        row("bus", self.kafka_brokers.clone().unwrap_or_else(|| "embedded".into()));
        let database = self.postgres_url.as_deref().and_then(|url| whittle_postgres::Address::parse(url).ok());
        let history = database.map(|address| format!("PostgreSQL at {}", address.shown()));
        row("history", history.unwrap_or_else(|| "columnar files".into()));
        row("data", self.whittle_data_dir.display().to_string());
        let (days, gib) = (self.whittle_retention_days, self.whittle_retention_bytes as f64 / f64::from(1 << 30));
        row("kept", format!("{days} days, {gib:.1} GiB"));
        row("scrubbing", scrub(self.whittle_scrub).to_owned());
        row("model", self.model_summary());
        let rules: Vec<String> = self.alerts.effective_rules().into_iter().map(|rule| rule.name).collect();
        row("alert rules", if rules.is_empty() { "none".into() } else { rules.join(", ") });
        let mut sinks: Vec<&str> = self.alerts.webhooks.iter().map(|hook| hook.name.as_str()).collect();
        if self.alerts.stdout {
            sinks.insert(0, "stdout");
        }
        row("alerts to", if sinks.is_empty() { "nobody".into() } else { sinks.join(", ") });
        out.trim_end().to_owned()
    }

    /// Whether a model will be asked: with a key, or where the settings say that the server on this machine needs none.
    pub fn asks_a_model(&self) -> bool {
        self.model_config().is_configured().unwrap_or(false)
    }

    fn model_summary(&self) -> String {
        if !self.asks_a_model() {
            return "off (no OPENAI_API_KEY): local analysis alone".into();
        }
        let limits = &self.model;
        format!(
            "{} at {}; at most {} calls a minute, {} tokens and {} USD a day",
            self.openai_model, self.openai_base_url, limits.calls_per_minute, limits.tokens_per_day, limits.usd_per_day
        )
    }
}

fn scrub(setting: ScrubSetting) -> &'static str {
    match setting {
        ScrubSetting::Off => "off",
        ScrubSetting::Mask => "secrets and personal data are replaced by their kind",
        ScrubSetting::Hash => "secrets and personal data are replaced by a keyed hash",
    }
}

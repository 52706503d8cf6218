//! Which alerts there are and where they go.

use std::collections::HashSet;

use serde::Deserialize;
use whittle_domain::alerts::AlertRule;

/// The `[alerts]` table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// The rules. Not given: one rule named `errors`, for rows of level error. `rules = []`: none.
    pub rules: Option<Vec<AlertRule>>,
    /// Whether notifications are written to standard output.
    pub stdout: bool,
    /// Webhooks that get every notification.
    pub webhooks: Vec<WebhookSettings>,
    /// Hours after which a notification that no retry delivered goes to the dead list.
    pub give_up_hours: u64,
}

/// One webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Name in metrics and in the dead list; unique.
    pub name: String,
    /// `http://` or `https://`.
    pub url: String,
    /// Allows addresses that are private, loopback or link-local.
    #[serde(default)]
    pub allow_private: bool,
    /// Milliseconds for a delivery in all.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
}

fn default_timeout() -> u64 {
    10_000
}

impl Default for AlertSettings {
    fn default() -> Self {
        AlertSettings { rules: None, stdout: true, webhooks: Vec::new(), give_up_hours: 24 }
    }
}

impl AlertSettings {
    /// The rules, or the default one.
    pub fn effective_rules(&self) -> Vec<AlertRule> {
        self.rules.clone().unwrap_or_else(|| vec![AlertRule::errors()])
    }

    /// Checks what a type does not show.
    ///
    /// # Errors
    /// Says which key of `[alerts]` is wrong and what it takes.
    pub fn validate(&self) -> Result<(), String> {
        whittle_domain::alerts::RuleSet::new(self.effective_rules()).map_err(|e| format!("alerts.rules: {e}"))?;
        let mut names = HashSet::from(["stdout"]);
        for webhook in &self.webhooks {
            let at = format!("alerts.webhooks '{}'", webhook.name);
            if webhook.name.is_empty() || !names.insert(&webhook.name) {
                return Err(format!("{at}: give each webhook a name of its own (stdout is taken)"));
            }
            let url = reqwest::Url::parse(&webhook.url).map_err(|e| format!("{at}: url is no URL: {e}"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(format!("{at}: url must start with http:// or https:// and name a host"));
            }
            if webhook.timeout_ms == 0 || webhook.timeout_ms > 60_000 {
                return Err(format!("{at}: timeout_ms must be 1 to 60000"));
            }
        }
        if self.give_up_hours == 0 {
            return Err("alerts.give_up_hours must be 1 or more".into());
        }
        Ok(())
    }
}

//! Notices as lines of JSON on standard output.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use whittle_domain::alerts::Notice;

use super::DeliveryError;

/// Time for a line to be written: a pipe that nobody reads blocks.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Writes one compact line a notice.
pub struct StdoutSink {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl StdoutSink {
    /// A sink that writes to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        StdoutSink { out: Arc::new(Mutex::new(Box::new(out))) }
    }

    pub(super) async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let line = line(notice);
        let write = async {
            // A write that was given up on still holds this: lines never mix.
            let mut out = self.out.clone().lock_owned().await;
            tokio::task::spawn_blocking(move || out.write_all(line.as_bytes()).and_then(|()| out.flush())).await
        };
        match tokio::time::timeout(TIMEOUT, write).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(DeliveryError::new(format!("standard output cannot be written: {error}"))),
            Ok(Err(_)) => Err(DeliveryError::new("standard output cannot be written")),
            Err(_) => Err(DeliveryError::new("standard output is not read")),
        }
    }
}

/// A notice as JSON in which no character does anything to a terminal.
fn line(notice: &Notice) -> String {
    let json = serde_json::to_string(notice).unwrap_or_default();
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if acts(c) {
            // All of them are below U+10000: one escape each.
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Control characters, ends of lines, and what turns the direction of text.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::testing::notice;

    #[test]
    fn a_line_is_json_and_does_nothing_to_a_terminal() {
        let message = "\u{1b}[31m\r\n\0 \u{7f}\u{9b}2J \u{202e}gnp é 𝄞";
        let notice = Notice { message: message.into(), ..notice(1) };
        let line = line(&notice);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line");
        assert!(!line.trim_end().chars().any(acts), "{line}");
        assert!(line.contains('é') && line.contains('𝄞'), "what is harmless stays readable");
        assert_eq!(serde_json::from_str::<Notice>(&line).expect("valid JSON"), notice);
    }
}

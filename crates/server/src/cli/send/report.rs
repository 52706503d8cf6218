//! What a person sees of a run: what goes wrong as it does, how far it is, and how it ended.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

/// Refusals that are told one by one.
const TOLD: u64 = 5;

/// How far it is, where the length of the input is known, and where it is not.
const BAR: &str = "{bar:30} {bytes}/{total_bytes} {msg} {eta}";
const SPINNER: &str = "{spinner} {bytes} {msg}";

/// Counts of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Records that were taken, of the input and of what was kept.
    pub sent: u64,
    /// Of these, those that earlier runs had kept.
    pub resent: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Empty lines.
    pub blank: u64,
    /// Records in which bytes that are no UTF-8 were replaced.
    pub mended: u64,
    /// Lines that were refused; they are kept.
    pub refused: u64,
    /// Lines that were too long; they are kept.
    pub too_long: u64,
    /// Lines that could be neither sent nor kept, and inputs that could not be read to their end.
    pub lost: u64,
}

/// What is kept when a run ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Records of batches that could not be sent.
    pub records: u64,
    /// Files of refused and too long lines, of this run and earlier ones.
    pub files: usize,
    /// Files that were going to other servers.
    pub elsewhere: usize,
}

/// The error stream of the program.
pub(super) struct Report {
    err: Box<dyn Write + Send>,
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Report {
    pub(super) fn new(err: Box<dyn Write + Send>) -> Self {
        Report { err, bar: None, began: Instant::now() }
    }

    /// Shows how far it is; `bytes` where the length of the input is known.
    pub(super) fn show_progress(&mut self, bytes: Option<u64>) {
        let (bar, form) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), BAR),
            None => (ProgressBar::new_spinner(), SPINNER),
        };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }

    pub(super) fn progress(&self, totals: &Totals) {
        if let Some(bar) = &self.bar {
            bar.set_position(totals.bytes);
            bar.set_message(format!("{} lines", HumanCount(totals.sent)));
        }
    }

    /// Writes a line. Text of logs and servers may stand in it: no character of it does anything to a terminal.
    pub(super) fn say(&mut self, text: &str) {
        let shown: String = text
            .chars()
            .flat_map(|c| {
                let escaped = c.is_control().then(|| c.escape_default());
                escaped.into_iter().flatten().chain((!c.is_control()).then_some(c))
            })
            .collect();
        let err = &mut self.err;
        let mut write = || {
            // Nobody is left to be told when this fails.
            let _ = writeln!(err, "{shown}").and_then(|()| err.flush());
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Tells the first refusals; the rest are counted at the end.
    pub(super) fn refused(&mut self, before: u64, reason: &str) {
        if before < TOLD {
            self.say(&format!("refused: {reason}"));
        } else if before == TOLD {
            self.say("more is refused; the reasons stand with the lines in the spool folder");
        }
    }

    /// How it ended.
    pub(super) fn close(&mut self, totals: &Totals, left: &Left, spool: &Path) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        for line in summary(totals, left, spool, self.began.elapsed()) {
            self.say(&line);
        }
    }
}

fn summary(totals: &Totals, left: &Left, spool: &Path, took: Duration) -> Vec<String> {
    let spool = spool.display();
    let rate = (totals.sent as f64 / took.as_secs_f64().max(0.001)) as u64;
    let mut lines = vec![format!(
        "sent {} ({}) in {:.1} s, {} lines/s",
        count(totals.sent, "line"),
        HumanBytes(totals.bytes),
        took.as_secs_f64(),
        HumanCount(rate)
    )];
    let mut tell = |number: u64, words: String| {
        if number > 0 {
            lines.push(words);
        }
    };
    tell(totals.resent, format!("{} of them had been kept by earlier runs", count(totals.resent, "line")));
    tell(
        totals.mended,
        format!("{} had bytes that are no UTF-8; U+FFFD stands in their place", count(totals.mended, "line")),
    );
    tell(totals.blank, format!("{} left out", count(totals.blank, "empty line")));
    tell(totals.refused, format!("{} refused, kept in {spool} with the reasons", count(totals.refused, "line")));
    tell(totals.too_long, format!("{} too long, kept in {spool}", count(totals.too_long, "line")));
    tell(left.records, format!("{} could not be sent, kept in {spool}", count(left.records, "line")));
    let kept = left.records + left.files as u64;
    tell(kept, "the next `whittle send` tries what is kept again; `whittle send --kept` does only that".into());
    tell(left.elsewhere as u64, format!("{} in {spool} wait for another --url", count(left.elsewhere as u64, "file")));
    tell(totals.lost, format!("{} could be neither sent nor kept: see above", count(totals.lost, "piece")));
    lines
}

fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("unpoisoned").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_said_does_nothing_to_a_terminal() {
        let shown = Shown::default();
        Report::new(Box::new(shown.clone())).say("a\u{1b}[2J\nb \u{9b}é");
        let bytes = shown.0.lock().expect("unpoisoned").clone();
        assert_eq!(String::from_utf8(bytes).expect("text"), "a\\u{1b}[2J\\nb \\u{9b}é\n");
    }

    #[test]
    fn the_forms_of_progress_can_be_read() {
        for form in [BAR, SPINNER] {
            assert!(ProgressStyle::with_template(form).is_ok(), "{form}");
        }
    }

    #[test]
    fn the_summary_tells_what_happened_and_nothing_else() {
        let took = Duration::from_secs(2);
        let quiet =
            summary(&Totals { sent: 1_000, bytes: 2048, ..Totals::default() }, &Left::default(), Path::new("s"), took);
        assert_eq!(quiet, ["sent 1,000 lines (2.00 KiB) in 2.0 s, 500 lines/s"]);
        let totals = Totals { sent: 1, resent: 1, bytes: 1, blank: 1, mended: 2, refused: 3, too_long: 1, lost: 1 };
        let left = Left { records: 7, files: 2, elsewhere: 1 };
        let all = summary(&totals, &left, Path::new("s"), took).join("\n");
        for words in
            ["1 line ", "2 lines had bytes", "3 lines refused", "7 lines could not be sent", "1 file in s", "--kept"]
        {
            assert!(all.contains(words), "{words} in {all}");
        }
    }
}

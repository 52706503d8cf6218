//! Answers of a model: no panic, and nothing but plain text passes.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use whittle_domain::prompt::Prompter;
use whittle_domain::{Level, Severity};

static PROMPTER: OnceLock<Prompter> = OnceLock::new();

fuzz_target!(|answer: &str| {
    let prompter = PROMPTER.get_or_init(|| Prompter::new().expect("built-in rules"));
    let questions = [prompter.question("connection to <*> refused", Level::Error, Severity::High)];
    if let Ok(verdicts) = prompter.check(answer, &questions) {
        for verdict in verdicts.into_iter().flatten() {
            assert!(!verdict.summary.chars().any(char::is_control));
        }
    }
});

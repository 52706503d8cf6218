//! The scrubber: no panic, and a second pass changes nothing.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use whittle_domain::scrub::Scrubber;

static SCRUBBER: OnceLock<Scrubber> = OnceLock::new();

fuzz_target!(|text: &str| {
    let scrubber = SCRUBBER.get_or_init(|| Scrubber::mask().expect("built-in rules"));
    let once = scrubber.scrub(text).into_owned();
    let _ = scrubber.scrub(&once);
    let _ = scrubber.scrub_json(text);
});

//! `q`: no panic in reading or evaluating, whatever stands in query and row.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whittle_domain::Level;
use whittle_domain::query::{Query, RowView};
use whittle_patterns::PatternId;

fuzz_target!(|data: (&str, &str, &str)| {
    let (text, message, context) = data;
    let Ok(query) = Query::parse(text) else { return };
    let row = RowView { source: "payments", level: Level::Warn, message, context, pattern: PatternId(1) };
    let _ = query.matches(&row, &|id| id);
});

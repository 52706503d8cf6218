//! What the command prints: a table of patterns, or a line for each line.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;
use whittle_domain::Level;
use whittle_patterns::{Catalog, FormId, Header, Match, PatternId};

use super::{HeaderMode, PatternsArgs};

/// Lines by level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Levels {
    debug: u64,
    info: u64,
    warn: u64,
    error: u64,
}

impl Levels {
    fn of(&mut self, level: Level) -> &mut u64 {
        match level {
            Level::Debug => &mut self.debug,
            Level::Info => &mut self.info,
            Level::Warn => &mut self.warn,
            Level::Error => &mut self.error,
        }
    }
}

/// What is known of the lines of one form, or of one pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Count {
    lines: u64,
    levels: Levels,
    /// Number of the first line, and the times of the first and the last as written.
    first: u64,
    last: u64,
    first_time: Option<Box<str>>,
    last_time: Option<Box<str>>,
}

/// Lines by form: as many as there are forms.
#[derive(Debug, Default)]
pub(super) struct Counts {
    forms: HashMap<FormId, Count>,
    lines: u64,
}

impl Counts {
    pub(super) fn add(&mut self, form: FormId, header: Option<Header<'_>>) {
        self.lines += 1;
        let count = self.forms.entry(form).or_insert_with(|| Count { first: self.lines, ..Count::default() });
        count.lines += 1;
        count.last = self.lines;
        let Some(header) = header else { return };
        *count.levels.of(header.level.map_or(Level::Info, level)) += 1;
        if let Some(time) = header.time {
            count.first_time.get_or_insert_with(|| time.into());
            // Times come again and again: the text is replaced in place where it is as long.
            match count.last_time.as_deref() {
                Some(last) if last == time => {}
                _ => count.last_time = Some(time.into()),
            }
        }
    }

    fn by_pattern(&self, catalog: &Catalog) -> Vec<(PatternId, Count)> {
        let mut patterns: HashMap<PatternId, Count> = HashMap::new();
        let mut forms: Vec<(&FormId, &Count)> = self.forms.iter().collect();
        forms.sort_unstable_by_key(|(_, count)| count.first);
        for (form, count) in forms {
            let id = catalog.pattern_of(*form).unwrap_or(PatternId(form.0));
            let all = patterns.entry(id).or_insert_with(|| Count {
                first: count.first,
                first_time: count.first_time.clone(),
                ..Count::default()
            });
            all.lines += count.lines;
            for level in Level::ALL {
                *all.levels.of(level) += *count.levels.clone().of(level);
            }
            if count.last > all.last {
                (all.last, all.last_time) = (count.last, count.last_time.clone());
            }
        }
        let mut patterns: Vec<(PatternId, Count)> = patterns.into_iter().collect();
        patterns.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(count.lines), *id));
        patterns
    }
}

/// A syslog priority is facility times eight plus severity.
fn level(text: &str) -> Level {
    let severity = text.parse::<u32>().ok().map(|priority| f64::from(priority % 8));
    severity.map_or_else(|| Level::from_name(text), Level::from_number).unwrap_or_default()
}

/// A pattern of the table, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PatternRow<'a> {
    id: String,
    template: &'a str,
    count: u64,
    share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<Levels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time: Option<&'a str>,
}

/// Prints count, id and template of each pattern, most frequent first.
pub(super) fn print_patterns(
    out: &mut impl Write,
    catalog: &Catalog,
    counts: &Counts,
    lines: u64,
    args: &PatternsArgs,
) -> anyhow::Result<()> {
    for (id, count) in counts.by_pattern(catalog) {
        let template = catalog.template(id).unwrap_or_default();
        if !args.json {
            writeln!(out, "{}\t{id}\t{template}", count.lines)?;
            continue;
        }
        let row = PatternRow {
            id: id.to_string(),
            template: &template,
            count: count.lines,
            share: count.lines as f64 / lines.max(1) as f64,
            levels: (args.header == HeaderMode::Auto).then_some(count.levels),
            first_time: count.first_time.as_deref(),
            last_time: count.last_time.as_deref(),
        };
        json(out, &row)?;
    }
    Ok(())
}

/// A line, as JSON.
#[derive(Serialize)]
struct LineRow<'a> {
    id: String,
    template: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
}

fn json(out: &mut impl Write, row: &impl Serialize) -> anyhow::Result<()> {
    // Through a string: an error of `out` stays what it is.
    let text = serde_json::to_string(row)?;
    Ok(writeln!(out, "{text}")?)
}

/// Prints the final id and template of each line.
pub(super) fn print_each(
    out: &mut impl Write,
    catalog: &Catalog,
    forms: impl Iterator<Item = std::io::Result<FormId>>,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut texts: HashMap<FormId, String> = HashMap::new();
    for form in forms {
        let form = form?;
        let text = texts.entry(form).or_insert_with(|| {
            let id = catalog.pattern_of(form).unwrap_or(PatternId(form.0));
            let template = catalog.template(id).unwrap_or_default();
            if as_json {
                serde_json::json!({ "id": id.to_string(), "template": template }).to_string()
            } else {
                format!("{id}\t{template}")
            }
        });
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// Prints one line's id and template as known now.
pub(super) fn print_line(out: &mut impl Write, catalog: &Catalog, found: Match, as_json: bool) -> anyhow::Result<()> {
    let template = catalog.template(found.pattern).unwrap_or_default();
    if as_json {
        return json(
            out,
            &LineRow { id: found.pattern.to_string(), template: &template, new: Some(found.new_pattern) },
        );
    }
    Ok(writeln!(out, "{}\t{template}", found.pattern)?)
}

//! Final id and template of each line with any rules: `whittle patterns --each` has the defaults alone.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use anyhow::Context;
use whittle_patterns::{Limits, Miner, PatternId, Rules};

/// Mines standard input and prints a line for each line.
pub fn run(settings: &[String], without: Vec<String>, out: &mut impl Write) -> anyhow::Result<()> {
    let mut rules = Rules::default();
    for setting in settings {
        rules = rules.with(setting).with_context(|| format!("{setting} is not a rule"))?;
    }
    // Rules are small and copied; one run of the command strikes words once.
    let words: Vec<&'static str> = without.into_iter().map(|word| &*word.leak()).collect();
    rules.without = words.leak();
    let (mut miner, mut vars) = (Miner::with_rules(Limits::default(), rules), Vec::new());
    let mut forms = Vec::new();
    for line in std::io::stdin().lock().lines() {
        vars.clear();
        forms.push(miner.observe(&line?, &mut vars).form);
    }
    let catalog = miner.catalog();
    let mut known: HashMap<u64, String> = HashMap::new();
    for form in forms {
        let id = catalog.pattern_of(form).unwrap_or(PatternId(form.0));
        let template = known.entry(id.0).or_insert_with(|| catalog.template(id).unwrap_or_default());
        writeln!(out, "{id}\t{template}")?;
    }
    Ok(())
}

//! Reads lines from standard input and prints id and template of each, with the final ids: for the accuracy script.
//! Arguments set rules: `each words=2 units=off`.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use whittle_patterns::{Limits, Miner, PatternId, Rules};

fn main() -> std::io::Result<()> {
    let rules = std::env::args().skip(1).try_fold(Rules::default(), |rules, setting| rules.with(&setting));
    let rules = rules.ok_or_else(|| std::io::Error::other("not a rule"))?;
    let (mut miner, mut vars) = (Miner::with_rules(Limits::default(), rules), Vec::new());
    let mut forms = Vec::new();
    for line in std::io::stdin().lock().lines() {
        vars.clear();
        forms.push(miner.observe(&line?, &mut vars).form);
    }
    let catalog = miner.catalog();
    let mut known: HashMap<u64, String> = HashMap::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for form in forms {
        let id = catalog.pattern_of(form).unwrap_or(PatternId(form.0));
        let template = known.entry(id.0).or_insert_with(|| catalog.template(id).unwrap_or_default());
        writeln!(out, "{id}\t{template}")?;
    }
    out.flush()
}

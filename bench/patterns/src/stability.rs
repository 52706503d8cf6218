//! Whether ids stay: the final id of each line for other orders, more workers, restarts and merges.

use std::collections::HashMap;

use serde::Serialize;
use whittle_patterns::{FormId, Miner, PatternId};

use crate::lines::Numbers;

/// Lines whose final id was another one than in a straight run, by what was changed.
#[derive(Debug, Serialize)]
pub struct Stability {
    /// Different lines that were compared in each trial.
    lines: usize,
    trials: Vec<Trial>,
}

/// One way to run.
#[derive(Debug, Serialize)]
struct Trial {
    name: String,
    changed: usize,
}

/// The final pattern of each line.
type Ids<'a> = HashMap<&'a str, PatternId>;

/// Restarts of the trial that restarts.
const RESTARTS: usize = 7;

/// Runs all trials.
pub fn measure(lines: &[String]) -> anyhow::Result<Stability> {
    let mut shown: Vec<&str> = lines.iter().map(String::as_str).collect();
    let straight = run(&shown);
    let mut trials = Vec::new();
    let mut add = |name: String, ids: &Ids<'_>| {
        let changed = straight.iter().filter(|(line, id)| ids.get(*line) != Some(id)).count();
        trials.push(Trial { name, changed });
    };
    for seed in 1..=5 {
        Numbers::new(seed).shuffle(&mut shown);
        add(format!("shuffled, {seed}"), &run(&shown));
    }
    for workers in [4, 16] {
        add(format!("{workers} workers, merged"), &by_workers(&shown, workers, false)?);
        add(format!("{workers} workers, merged backwards"), &by_workers(&shown, workers, true)?);
    }
    add(format!("{RESTARTS} restarts"), &with_restarts(&shown)?);
    trials.push(Trial { name: "ids shown on the way that lead elsewhere".to_owned(), changed: lost(&shown) });
    Ok(Stability { lines: straight.len(), trials })
}

fn feed<'a>(miner: &mut Miner, lines: impl Iterator<Item = &'a str>, forms: &mut HashMap<&'a str, FormId>) {
    let mut vars = Vec::new();
    for line in lines {
        vars.clear();
        forms.insert(line, miner.observe(line, &mut vars).form);
    }
}

fn ids<'a>(miner: &Miner, forms: HashMap<&'a str, FormId>) -> Ids<'a> {
    let catalog = miner.catalog();
    forms.into_iter().filter_map(|(line, form)| Some((line, catalog.pattern_of(form)?))).collect()
}

fn run<'a>(lines: &[&'a str]) -> Ids<'a> {
    let (mut miner, mut forms) = (Miner::default(), HashMap::new());
    feed(&mut miner, lines.iter().copied(), &mut forms);
    ids(&miner, forms)
}

fn by_workers<'a>(lines: &[&'a str], workers: usize, backwards: bool) -> anyhow::Result<Ids<'a>> {
    let mut miners: Vec<Miner> = (0..workers).map(|_| Miner::default()).collect();
    let mut forms = HashMap::new();
    for (at, miner) in miners.iter_mut().enumerate() {
        feed(miner, lines.iter().copied().skip(at).step_by(workers), &mut forms);
    }
    let mut states: Vec<Vec<u8>> = miners[1..].iter().map(|miner| miner.catalog().export()).collect();
    if backwards {
        states.reverse();
    }
    for state in &states {
        miners[0].merge(state)?;
    }
    Ok(ids(&miners[0], forms))
}

fn with_restarts<'a>(lines: &[&'a str]) -> anyhow::Result<Ids<'a>> {
    let (mut miner, mut journal, mut forms) = (Miner::default(), Vec::new(), HashMap::new());
    for part in lines.chunks(lines.len().div_ceil(RESTARTS + 1)) {
        miner = Miner::default();
        miner.load(&journal)?;
        feed(&mut miner, part.iter().copied(), &mut forms);
        journal.extend(miner.drain_journal());
    }
    Ok(ids(&miner, forms))
}

/// Patterns shown on the way that are not resolved to the final one of their line.
fn lost(lines: &[&str]) -> usize {
    let (mut miner, mut vars) = (Miner::default(), Vec::new());
    let shown: Vec<_> = lines.iter().map(|line| miner.observe(line, &mut vars)).collect();
    let catalog = miner.catalog();
    shown.iter().filter(|found| catalog.resolve(found.pattern) != catalog.pattern_of(found.form)).count()
}

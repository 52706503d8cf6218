//! Other miners on the same lines, with their default settings: the Rust crates that implement Drain.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::{BufRead, Write};

use clap::ValueEnum;

/// A rival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// The crate `logdrain`.
    Logdrain,
    /// The crate `drain3`.
    Drain3,
}

impl Name {
    /// All of them.
    pub const ALL: [Name; 2] = [Name::Logdrain, Name::Drain3];

    /// The crate, for tables.
    pub fn label(self) -> &'static str {
        match self {
            Name::Logdrain => "Drain, Rust crate `logdrain`",
            Name::Drain3 => "Drain, Rust crate `drain3`",
        }
    }

    /// A miner of its own, which has seen nothing.
    pub fn start(self) -> anyhow::Result<Rival> {
        Ok(match self {
            Name::Logdrain => Rival::Logdrain(Box::new(logdrain::Miner::builder().build()?)),
            Name::Drain3 => Rival::Drain3(Box::new(drain3::Matcher::new(drain3::Config::default()))),
        })
    }
}

/// A running rival.
pub enum Rival {
    /// Its miner.
    Logdrain(Box<logdrain::Miner>),
    /// Its miner.
    Drain3(Box<drain3::Matcher>),
}

impl Rival {
    /// Gives it a line, and takes the id of the line's group as known then.
    pub fn learn(&mut self, line: &str) -> u64 {
        match self {
            Rival::Logdrain(miner) => black_box(miner.add(line)).cluster_id,
            // It refuses lines that are very long; those have no group.
            Rival::Drain3(miner) => miner.add_log_message(line).map_or(0, |template| template.id() as u64),
        }
    }

    fn templates(&self) -> HashMap<u64, String> {
        match self {
            Rival::Logdrain(miner) => miner.clusters().iter().map(|c| (c.id(), c.template().to_owned())).collect(),
            Rival::Drain3(miner) => {
                let text = |template: &drain3::Template| {
                    let token = |at: usize| if template.is_param(at) { "<*>" } else { &template.tokens()[at] };
                    (0..template.token_count()).map(token).collect::<Vec<_>>().join(" ")
                };
                miner.templates().iter().map(|template| (template.id() as u64, text(template))).collect()
            }
        }
    }
}

/// Prints id and final template of each line of standard input.
pub fn each(name: Name, out: &mut impl Write) -> anyhow::Result<()> {
    let mut rival = name.start()?;
    let ids =
        std::io::stdin().lock().lines().map(|line| Ok(rival.learn(&line?))).collect::<std::io::Result<Vec<_>>>()?;
    let templates = rival.templates();
    for id in ids {
        writeln!(out, "{id}\t{}", templates.get(&id).map_or("", String::as_str))?;
    }
    Ok(())
}

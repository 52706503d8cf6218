//! Other miners on the same lines, with their default settings: the Rust crates that implement Drain.

use std::collections::HashMap;
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

    /// Teaches it the lines.
    pub fn learn(self, lines: &[String]) -> anyhow::Result<Rival> {
        Ok(match self {
            Name::Logdrain => {
                let miner = logdrain::Miner::builder().build()?;
                for line in lines {
                    miner.add(line);
                }
                Rival::Logdrain(Box::new(miner))
            }
            Name::Drain3 => {
                // It refuses all where one line is longer: the defaults are less than what real logs have.
                let config = drain3::Config::builder().max_bytes(1 << 20).max_tokens(1 << 16).build();
                Rival::Drain3(Box::new(drain3::train(lines, config)?))
            }
        })
    }
}

/// A rival that knows lines.
pub enum Rival {
    /// Its miner.
    Logdrain(Box<logdrain::Miner>),
    /// Its matcher.
    Drain3(Box<drain3::Matcher>),
}

impl Rival {
    /// The group of a line by its own look-up; zero where it finds none.
    pub fn find(&self, line: &str) -> u64 {
        match self {
            Rival::Logdrain(miner) => miner.match_only(line).unwrap_or(0),
            Rival::Drain3(matcher) => matcher.match_id(line).unwrap_or(0) as u64,
        }
    }

    fn templates(&self) -> HashMap<u64, String> {
        match self {
            Rival::Logdrain(miner) => miner.clusters().iter().map(|c| (c.id(), c.template().to_owned())).collect(),
            Rival::Drain3(matcher) => {
                let text = |template: &drain3::Template| {
                    // Its tokens are those that are no parameters.
                    let mut tokens = template.tokens().iter();
                    let mut token = |at: usize| match template.is_param(at) {
                        true => "<*>",
                        false => tokens.next().map_or("", |token| token),
                    };
                    (0..template.token_count()).map(&mut token).collect::<Vec<_>>().join(" ")
                };
                matcher.templates().iter().map(|template| (template.id() as u64, text(template))).collect()
            }
        }
    }
}

/// Prints id and template of each line of standard input, all lines known.
pub fn each(name: Name, out: &mut impl Write) -> anyhow::Result<()> {
    let lines = std::io::stdin().lock().lines().collect::<std::io::Result<Vec<String>>>()?;
    let rival = name.learn(&lines)?;
    let templates = rival.templates();
    for id in lines.iter().map(|line| rival.find(line)) {
        writeln!(out, "{id}\t{}", templates.get(&id).map_or("", String::as_str))?;
    }
    Ok(())
}

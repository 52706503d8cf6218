//! The measuring half of `make bench-patterns`: costs, stability and rivals, each as JSON for the script that scores.

mod cpu;
mod each;
mod lines;
mod made;
mod rivals;
mod speed;
mod stability;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures the pattern miner.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the final id and template of each line of standard input
    Each {
        /// A rule to turn, such as `words=2` or `units=off`; may come again
        #[arg(long = "rule")]
        rules: Vec<String>,
        /// Words that the lists shall not know, with commas between
        #[arg(long, value_delimiter = ',')]
        without: Vec<String>,
    },
    /// Prints a rival's final id and template of each line of standard input
    Rival {
        /// Which
        name: rivals::Name,
    },
    /// Prints lines of made services, each after the name of the template that it was made from
    Made,
    /// CPU seconds for known lines and new forms, beside the rivals; its own lines where no file is named
    Speed { files: Vec<PathBuf> },
    /// Memory with 100,000 forms
    Memory,
    /// How many lines get another id by order, workers, restarts and merging
    Stability { files: Vec<PathBuf> },
}

fn main() -> anyhow::Result<()> {
    let out = &mut std::io::BufWriter::new(std::io::stdout().lock());
    match Args::parse().command {
        Command::Each { rules, without } => each::run(&rules, without, out)?,
        Command::Rival { name } => rivals::each(name, out)?,
        Command::Made => made::run(out)?,
        Command::Speed { files } => json(out, &speed::measure(&lines::read(&files)?)?)?,
        Command::Memory => json(out, &speed::memory())?,
        Command::Stability { files } => json(out, &stability::measure(&lines::read(&files)?)?)?,
    }
    Ok(out.flush()?)
}

fn json(out: &mut impl Write, value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string(value)?)?)
}

//! The figures as they are printed, and as they are kept.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::args::Args;
use crate::figure::{Better, Figure, Verdict, short};
use crate::machine::Machine;
use crate::yardstick;

/// The figures of a run, by section.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: Machine,
    /// The command line.
    command: String,
    sections: Vec<SectionReport>,
}

#[derive(Debug, Serialize)]
struct SectionReport {
    name: &'static str,
    yardstick_ms: f64,
    figures: Vec<Figure>,
}

impl Report {
    /// An empty report.
    pub fn new(machine: Machine) -> Report {
        let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
        Report { machine, command, sections: Vec::new() }
    }

    /// Starts a section: measures the yardstick and says so.
    pub fn section(&mut self, name: &'static str) {
        let yardstick_ms = yardstick::measure();
        eprintln!("-- {name} (yardstick {yardstick_ms:.1} ms)");
        self.sections.push(SectionReport { name, yardstick_ms, figures: Vec::new() });
    }

    /// Adds a figure to the section, and prints it.
    pub fn add(&mut self, mut figure: Figure) {
        let Some(section) = self.sections.last_mut() else { return };
        figure.yardstick_ms = section.yardstick_ms;
        eprintln!("   {:<58} {:>10} {:<12} {}", figure.name, short(figure.value), figure.unit, mark(figure.verdict()));
        section.figures.push(figure);
    }

    /// The whole as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "# What it costs\n\nMeasured {} on {}, {} threads, {} GiB, Linux {}, sources {}. fdatasync of 4 KiB: {} ms, p99 {} ms.\n\
             The yardstick is a fixed job's CPU milliseconds just before the section: where it is larger, the machine was slower.\n\
             `whittle-bench {}`\n",
            machine.date,
            machine.processor,
            machine.cores,
            machine.memory_gib,
            machine.kernel,
            machine.commit,
            short(machine.sync_ms.0),
            short(machine.sync_ms.1),
            self.command,
        );
        text.push_str("| | measured | | least | goal | yardstick |\n| --- | ---: | --- | ---: | ---: | ---: |\n");
        for section in &self.sections {
            let _ = writeln!(text, "| **{}** | | | | | {:.0} |", section.name, section.yardstick_ms);
            for figure in &section.figures {
                text.push_str(&row(figure));
            }
        }
        for figure in self.sections.iter().flat_map(|section| &section.figures).filter(|figure| !figure.note.is_empty())
        {
            let _ = write!(text, "\n- {}: {}", figure.name, figure.note);
        }
        text.push('\n');
        text
    }

    /// Writes `pipeline.md` and `pipeline.json`, prints the table and says what was missed.
    pub fn finish(&self, args: &Args) -> anyhow::Result<()> {
        let folder: &Path = &args.out;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let markdown = self.markdown();
        std::fs::write(folder.join("pipeline.md"), &markdown)?;
        std::fs::write(folder.join("pipeline.json"), serde_json::to_vec_pretty(self)?)?;
        let missed = self.sections.iter().flat_map(|s| &s.figures).filter(|f| f.verdict() == Verdict::Missed).count();
        eprintln!("\n{markdown}\nwritten to {}; {missed} below the least", folder.join("pipeline.md").display());
        Ok(())
    }
}

fn row(figure: &Figure) -> String {
    let (least, goal) = match figure.targets {
        Some(targets) => {
            let sign = if targets.better == Better::Lower { "≤" } else { "≥" };
            (format!("{sign} {}", short(targets.least)), format!("{sign} {}", short(targets.goal)))
        }
        None => Default::default(),
    };
    let (value, mark) = (short(figure.value), mark(figure.verdict()));
    format!("| {} | {value} {} | {mark} | {least} | {goal} | |\n", figure.name, figure.unit)
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Goal => "goal",
        Verdict::Least => "least",
        Verdict::Missed => "**missed**",
        Verdict::Unjudged => "",
    }
}

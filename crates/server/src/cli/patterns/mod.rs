//! `whittle patterns`: the patterns of plain lines, of files or a pipe.
//!
//! Memory holds forms and their counts, never lines: what is asked for each line goes through a temporary file of
//! eight bytes a line, since ids and templates are final only at the end.

mod input;
mod report;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use whittle_patterns::{FormId, Limits, Miner, Var, parse_header};

use input::{Follow, next_line};
use report::{Counts, print_each, print_line, print_patterns};

/// What is mined of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum HeaderMode {
    /// The whole line.
    #[default]
    None,
    /// What follows time, level and source, where they are recognised.
    Auto,
}

/// Arguments of `whittle patterns`.
#[derive(Debug, Clone, Default, Args)]
pub struct PatternsArgs {
    /// Print id and template of each line, in order, instead of a table
    #[arg(long)]
    pub each: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Which part of a line is mined
    #[arg(long, value_enum, default_value_t)]
    pub header: HeaderMode,
    /// Print each line's id and template as known then, and wait for more at the end of the file
    #[arg(long)]
    pub follow: bool,
    /// Files to read, `-` for standard input [default: standard input]
    pub files: Vec<PathBuf>,
    /// Whether the error stream is a terminal, for the count of lines that moves there.
    #[arg(skip)]
    pub progress: bool,
}

/// Lines between two signs of life.
const PROGRESS_EVERY: u64 = 200_000;

/// Runs the command. Ends without an error when the reader of `out` goes away.
///
/// # Errors
/// A file that cannot be read, a temporary file that cannot be written, `--follow` with several files.
pub fn run(args: &PatternsArgs, stdin: impl BufRead, out: impl Write, err: impl Write) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let done = Session::new(args, err)?.run(stdin, &mut out).and_then(|()| Ok(out.flush()?));
    match done {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        done => done,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// One run of the command.
struct Session<'a, E: Write> {
    args: &'a PatternsArgs,
    miner: Miner,
    vars: Vec<Var>,
    counts: Counts,
    /// Form ids of all lines, for `--each`.
    spool: Option<BufWriter<File>>,
    lines: u64,
    err: E,
}

impl<'a, E: Write> Session<'a, E> {
    fn new(args: &'a PatternsArgs, err: E) -> anyhow::Result<Self> {
        anyhow::ensure!(!args.follow || args.files.len() <= 1, "--follow takes one file or standard input");
        let limits = Limits { forms_per_source: Limits::default().forms, ..Limits::default() };
        let spool = if args.each && !args.follow {
            Some(BufWriter::new(tempfile::tempfile().context("cannot make a temporary file for --each")?))
        } else {
            None
        };
        Ok(Session {
            args,
            miner: Miner::new(limits),
            vars: Vec::new(),
            counts: Counts::default(),
            spool,
            lines: 0,
            err,
        })
    }

    fn run(mut self, mut stdin: impl BufRead, out: &mut impl Write) -> anyhow::Result<()> {
        if self.args.files.is_empty() {
            self.read(&mut stdin, out)?;
        }
        for path in &self.args.files {
            if path == Path::new("-") {
                self.read(&mut stdin, out)?;
                continue;
            }
            let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            let read = if self.args.follow {
                self.read(&mut Follow::new(file), out)
            } else {
                self.read(&mut BufReader::new(file), out)
            };
            read.with_context(|| format!("while reading {}", path.display()))?;
        }
        self.finish(out)
    }

    /// Reads lines to the end.
    fn read(&mut self, input: &mut impl BufRead, out: &mut impl Write) -> anyhow::Result<()> {
        let mut line = Vec::new();
        while next_line(input, &mut line)? {
            self.line(&line, out)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
        self.vars.clear();
        let text = if self.args.header == HeaderMode::Auto { std::str::from_utf8(line).ok() } else { None };
        let header = text.map(parse_header);
        let message = header.map_or(line, |header| header.message.as_bytes());
        let found = self.miner.observe_bytes("", message, &mut self.vars);
        self.lines += 1;
        if found.new_form {
            // Nobody keeps this state: what a restart would need is let go as it comes.
            drop(self.miner.drain_journal());
        }
        if self.args.follow {
            print_line(out, &self.miner.catalog(), found, self.args.json)?;
            return Ok(out.flush()?);
        }
        match &mut self.spool {
            Some(spool) => spool.write_all(&found.form.0.to_le_bytes()).context("cannot write the temporary file")?,
            None => self.counts.add(found.form, header),
        }
        if self.args.progress && self.lines.is_multiple_of(PROGRESS_EVERY) {
            write!(self.err, "\r{} lines, {} patterns ", self.lines, self.miner.catalog().pattern_count())?;
            self.err.flush()?;
        }
        Ok(())
    }

    fn finish(mut self, out: &mut impl Write) -> anyhow::Result<()> {
        if self.args.progress && self.lines >= PROGRESS_EVERY {
            write!(self.err, "\r\x1b[K")?;
        }
        let catalog = self.miner.catalog();
        match self.spool.take() {
            _ if self.args.follow => Ok(()),
            Some(spool) => print_each(out, &catalog, forms_of(spool)?, self.args.json),
            None => print_patterns(out, &catalog, &self.counts, self.lines, self.args),
        }
    }
}

/// The form ids that were spooled, from the first.
fn forms_of(spool: BufWriter<File>) -> anyhow::Result<impl Iterator<Item = std::io::Result<FormId>>> {
    let mut file =
        spool.into_inner().map_err(std::io::IntoInnerError::into_error).context("cannot write the temporary file")?;
    file.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    Ok(std::iter::from_fn(move || {
        let mut id = [0; 8];
        match reader.read_exact(&mut id) {
            Ok(()) => Some(Ok(FormId(u64::from_le_bytes(id)))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }))
}

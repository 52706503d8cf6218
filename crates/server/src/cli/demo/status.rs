//! What the demo tells: a line that moves, the incidents, a summary.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;
use whittle_domain::Level;

use super::incident::Incident;

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Incidents that the summary lists.
const LISTED: usize = 12;

/// Counts what was sent, and shows it.
pub(super) struct Status<E: Write> {
    err: E,
    terminal: bool,
    started: Instant,
    told: Instant,
    levels: [u64; 4],
    sources: BTreeSet<Arc<str>>,
    incidents: Vec<Incident>,
}

impl<E: Write> Status<E> {
    pub(super) fn new(err: E, terminal: bool) -> Self {
        let now = Instant::now();
        Status {
            err,
            terminal,
            started: now,
            told: now,
            levels: [0; 4],
            sources: BTreeSet::new(),
            incidents: Vec::new(),
        }
    }

    /// Counts records that were taken.
    pub(super) fn count(&mut self, records: &[(Level, Arc<str>)]) {
        for (level, source) in records {
            self.levels[*level as usize] += 1;
            if !self.sources.contains(source) {
                self.sources.insert(source.clone());
            }
        }
    }

    fn all(&self) -> u64 {
        self.levels.iter().sum()
    }

    /// A line of its own.
    pub(super) fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.clear()?;
        writeln!(self.err, "{text}")
    }

    /// The line that moves.
    pub(super) fn tick(&mut self, sent: u64, count: u64) -> std::io::Result<()> {
        let text = format!("{sent} of {count} records, {} errors", self.levels[Level::Error as usize]);
        if self.terminal {
            write!(self.err, "\r\x1b[K{text} ")?;
            return self.err.flush();
        }
        if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            writeln!(self.err, "{text}")?;
        }
        Ok(())
    }

    /// An incident began.
    pub(super) fn incident(&mut self, incident: &Incident) -> std::io::Result<()> {
        self.incidents.push(*incident);
        self.say(&format!("{}  incident: {}", clock(incident.elapsed), incident.title))
    }

    /// Takes the moving line away.
    pub(super) fn clear(&mut self) -> std::io::Result<()> {
        if self.terminal {
            write!(self.err, "\r\x1b[K")?;
            self.err.flush()?;
        }
        Ok(())
    }

    /// What was sent, and where to look.
    pub(super) fn summary(&self, out: &mut impl Write, url: &Url) -> std::io::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        let [debug, info, warn, error] = self.levels;
        writeln!(
            out,
            "sent {} records of {} services to {url} in {seconds:.1} s ({:.0}/s): {debug} debug, {info} info, {warn} warn, {error} error",
            self.all(),
            self.sources.len(),
            self.all() as f64 / seconds.max(0.001),
        )?;
        if !self.incidents.is_empty() {
            writeln!(out, "incidents, and what to search for:")?;
        }
        for incident in self.incidents.iter().rev().take(LISTED).rev() {
            writeln!(out, "  {}  {} -- \"{}\"", clock(incident.elapsed), incident.title, incident.look_for)?;
        }
        writeln!(out, "the page shows them: http://localhost:5173, unless DASHBOARD_PORT says otherwise")
    }
}

/// Minutes and seconds from the start, hours where there are some.
fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

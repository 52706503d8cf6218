//! What earlier batches and runs left in the spool, tried again. A file goes once all of it is elsewhere.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Sender;
use crate::cli::send::batch::Batch;
use crate::cli::send::record::{Form, Line, Recorder};
use crate::cli::send::spool::{self, Kind, Refused};

/// Bytes of a kept batch or line that are read back: more than any has.
const MAX_KEPT: u64 = 256 << 20;

impl Sender {
    /// Sends what earlier runs kept. `now` in microseconds since 1970.
    pub(in crate::cli::send) async fn send_kept(&mut self, now: i64) {
        let (kept, _) = self.list();
        if kept.is_empty() {
            return;
        }
        match self.spool.lock() {
            Ok(Some(lock)) => self.lock = Some(lock),
            Ok(None) => {
                self.report.say("another `whittle send` is sending what was kept; this one leaves it alone");
                return;
            }
            Err(error) => {
                self.report.say(&format!("{} cannot be used: {error}", self.spool.dir().display()));
                return;
            }
        }
        self.waiting = true;
        let before = self.totals.sent;
        if self.drain().await {
            for (path, kind) in kept {
                match kind {
                    Kind::Batch => {}
                    Kind::Refused => self.resend_refused(&path, now).await,
                    Kind::Line => self.resend_line(&path, now).await,
                }
            }
        }
        self.totals.resent += self.totals.sent - before;
    }

    /// Sends the kept batches, oldest first; false when the server is away.
    pub(super) async fn drain(&mut self) -> bool {
        for (path, kind) in self.list().0 {
            if kind != Kind::Batch {
                continue;
            }
            let (batch, key) = match read_batch(&path) {
                Ok(read) => read,
                Err(error) => {
                    self.report.say(&format!("{} cannot be read: {error}", path.display()));
                    continue;
                }
            };
            let whole = batch.len();
            let unsent = self.deliver(batch, key).await;
            if unsent.first().is_some_and(|unsent| unsent.batch.len() == whole) {
                return false;
            }
            let (away, lost) = (!unsent.is_empty(), self.totals.lost);
            for unsent in unsent {
                self.keep_beyond(&unsent);
            }
            if self.totals.lost == lost {
                self.forget(&path);
            }
            if away {
                return false;
            }
        }
        self.waiting = false;
        true
    }

    /// Tries refused lines again: the server may have other limits now. What is refused again goes to this run's file.
    async fn resend_refused(&mut self, path: &Path, now: i64) {
        let Some(_lock) = spool::lock(path) else { return };
        let lost = self.totals.lost;
        if let Err(error) = self.resend_lines(path, now).await {
            self.report.say(&format!("{} cannot be read: {error}", path.display()));
            return;
        }
        let safe = self.refused.as_ref().is_none_or(|refused| refused.sync().is_ok());
        if safe && self.totals.lost == lost {
            self.forget(path);
        }
    }

    async fn resend_lines(&mut self, path: &Path, now: i64) -> io::Result<()> {
        let (_, mut reader) = spool::open(path)?;
        let (mut batch, mut line, mut record) = (Batch::default(), Vec::new(), Vec::new());
        while reader.by_ref().take(MAX_KEPT).read_until(b'\n', &mut line)? > 0 {
            // The last line of a run that was killed may be cut: it was not kept yet.
            if let Ok(refused) = serde_json::from_slice::<Refused>(&line) {
                let recorder = Recorder { form: Form::Json, source: refused.source.clone(), zone: Default::default() };
                match recorder.record(refused.line.as_bytes(), now, &mut record) {
                    Line::Record { .. } => {
                        if batch.is_full_for(record.len()) {
                            self.send(std::mem::take(&mut batch)).await;
                        }
                        batch.push(&record);
                    }
                    Line::Refused(_) | Line::Blank => self.refuse(&refused),
                }
            }
            line.clear();
        }
        if !batch.is_empty() {
            self.send(batch).await;
        }
        Ok(())
    }

    /// Tries a line again that was too long, where the bound is higher now.
    async fn resend_line(&mut self, path: &Path, now: i64) {
        let small = std::fs::metadata(path).is_ok_and(|data| data.len() <= self.max_line as u64);
        if !small {
            return;
        }
        let mut line = Vec::new();
        let read = spool::open(path).and_then(|(head, mut reader)| reader.read_to_end(&mut line).map(|_| head));
        let source = match read {
            Ok(head) => head.source.unwrap_or_default(),
            Err(error) => return self.report.say(&format!("{} cannot be read: {error}", path.display())),
        };
        let lost = self.totals.lost;
        let (mut batch, mut record) = (Batch::default(), Vec::new());
        let recorder = Recorder { form: Form::Auto, source, zone: Default::default() };
        match recorder.record(&line, now, &mut record) {
            Line::Record { .. } => {
                batch.push(&record);
                self.send(batch).await;
            }
            Line::Refused(reason) => {
                let line = String::from_utf8_lossy(&line).into_owned();
                self.refuse(&Refused { reason, source: recorder.source, line });
            }
            Line::Blank => {}
        }
        if self.totals.lost == lost {
            self.forget(path);
        }
    }

    fn forget(&mut self, path: &Path) {
        if let Err(error) = spool::remove(path) {
            self.report.say(&format!("{} is sent but cannot be removed: {error}", path.display()));
        }
    }

    pub(super) fn list(&mut self) -> (Vec<(PathBuf, Kind)>, usize) {
        match self.spool.kept() {
            Ok(kept) => kept,
            Err(error) => {
                self.report.say(&format!("{} cannot be read: {error}", self.spool.dir().display()));
                Default::default()
            }
        }
    }
}

fn read_batch(path: &Path) -> io::Result<(Batch, String)> {
    let (head, reader) = spool::open(path)?;
    let mut body = Vec::new();
    reader.take(MAX_KEPT).read_to_end(&mut body)?;
    Ok((Batch::from_body(&body), head.key.unwrap_or_else(|| Uuid::now_v7().to_string())))
}

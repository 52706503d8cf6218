//! Batches to a server that may be slow, away or of another mind; what it does not take is kept.
//!
//! A batch is tried for some time. Then the server counts as away: batches go to the spool at once, and only now and then
//! one is tried. Once one gets through, what waits in the spool goes first, so that lines stay in their order.

mod kept;

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::Batch;
use super::input::{Chunk, Note};
use super::post::{Answer, Post, Refusal};
use super::report::{Left, Report, Totals};
use super::spool::{self, Kind, Refused, RefusedLines, Spool};
use crate::http::retry::Backoff;

/// Time for a request that is under way when the run is to end.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// How long things are waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Between tries of a batch.
    pub backoff: Backoff,
    /// For which a batch is tried.
    pub patience: Duration,
    /// Between tries of a server that is away.
    pub probe: Duration,
}

/// A batch that was not taken, its key, and why.
struct Unsent {
    batch: Batch,
    key: String,
    reason: String,
}

/// Sends batches one after the other.
pub(super) struct Sender {
    post: Post,
    spool: Spool,
    timing: Timing,
    report: Report,
    stop: CancellationToken,
    /// The server is away; when to try again.
    away_until: Option<Instant>,
    /// There are batches in the spool that are this run's to send.
    waiting: bool,
    /// No other run sends what is in the spool.
    lock: Option<Box<dyn Send + Sync>>,
    refused: Option<RefusedLines>,
    max_line: usize,
    pub totals: Totals,
}

impl Sender {
    pub(super) fn new(
        post: Post,
        spool: Spool,
        timing: Timing,
        max_line: usize,
        report: Report,
        stop: CancellationToken,
    ) -> Self {
        let (away_until, waiting, lock, refused, totals) = Default::default();
        Sender { post, spool, timing, report, stop, away_until, waiting, lock, refused, max_line, totals }
    }

    pub(super) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Counts and keeps what reading said of a chunk.
    pub(super) fn note(&mut self, chunk: &mut Chunk) {
        self.totals.bytes += chunk.bytes;
        self.totals.blank += chunk.blank;
        self.totals.mended += chunk.mended;
        for refused in chunk.refused.drain(..) {
            self.refuse(&refused);
        }
        for note in chunk.notes.drain(..) {
            let text = match note {
                Note::TooLong(text) => {
                    self.totals.too_long += 1;
                    text
                }
                Note::Failed(text) => {
                    self.totals.lost += 1;
                    text
                }
            };
            self.report.say(&text);
        }
        self.report.progress(&self.totals);
    }

    /// Sends a batch, or keeps it. Waits for the server where it can do neither.
    pub(super) async fn send(&mut self, batch: Batch) {
        let key = Uuid::now_v7().to_string();
        if self.away_until.is_some_and(|until| Instant::now() < until) {
            self.keep(Unsent { batch, key, reason: "the server was away".into() }).await;
        } else if self.waiting && self.lock.is_some() && !self.drain().await {
            self.keep(Unsent { batch, key, reason: "older batches could not be sent".into() }).await;
        } else {
            for unsent in self.deliver(batch, key).await {
                self.keep(unsent).await;
            }
        }
        self.report.progress(&self.totals);
    }

    /// Tries once more what waits, and tells how it ended.
    pub(super) async fn finish(&mut self) -> Left {
        if self.waiting && self.lock.is_some() {
            self.away_until.get_or_insert_with(Instant::now);
            self.drain().await;
        }
        if let Some(refused) = self.refused.take()
            && let Err(error) = refused.sync()
        {
            self.report.say(&format!("refused lines may not be on disk: {error}"));
        }
        let (kept, elsewhere) = self.list();
        let mut left = Left { elsewhere, ..Left::default() };
        for (path, kind) in kept {
            match kind {
                Kind::Batch => left.records += spool::open(&path).map_or(1, |(head, _)| head.records),
                Kind::Refused | Kind::Line => left.files += 1,
            }
        }
        self.report.close(&self.totals, &left, self.spool.dir());
        left
    }

    /// Tries a batch until it is taken, refused or given up; parts of it where only parts are refused.
    async fn deliver(&mut self, batch: Batch, key: String) -> Vec<Unsent> {
        let mut work = vec![(batch, key)];
        while let Some((batch, key)) = work.pop() {
            match self.attempt(&batch, &key).await {
                Ok(None) => self.totals.sent += batch.len() as u64,
                Ok(Some(refusal)) => {
                    let rest = self.split(&batch, refusal).into_iter();
                    work.extend(rest.map(|part| (part, Uuid::now_v7().to_string())));
                }
                Err(reason) => {
                    work.push((batch, key));
                    let unsent = |(batch, key)| Unsent { batch, key, reason: reason.clone() };
                    return work.into_iter().rev().map(unsent).collect();
                }
            }
        }
        Vec::new()
    }

    /// Posts until there is an answer that is final; why there was none.
    async fn attempt(&mut self, batch: &Batch, key: &str) -> Result<Option<Refusal>, String> {
        let began = Instant::now();
        let mut failures = 0;
        loop {
            let (reason, asked) = match self.request(batch, key).await {
                Answer::Taken => {
                    self.back();
                    return Ok(None);
                }
                Answer::Refused(refusal) => {
                    self.back();
                    return Ok(Some(refusal));
                }
                Answer::Later { reason, wait } => (reason, wait.unwrap_or_default()),
                Answer::Elsewhere(reason) => return Err(self.away(reason)),
            };
            failures += 1;
            let wait = self.timing.backoff.delay(failures, fastrand::f64()).max(asked);
            let patience = if self.away_until.is_some() { Duration::ZERO } else { self.timing.patience };
            if self.stop.is_cancelled() || began.elapsed() + wait > patience {
                return Err(self.away(reason));
            }
            if failures == 1 {
                let seconds = patience.as_secs();
                self.report.say(&format!("the server {reason}; trying again for up to {seconds} s"));
            }
            // Cut short at the end, for one last try.
            let _ = tokio::time::timeout(wait, self.stop.cancelled()).await;
        }
    }

    async fn request(&self, batch: &Batch, key: &str) -> Answer {
        let end = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_REQUEST).await;
        };
        tokio::select! {
            answer = self.post.send(batch, key) => answer,
            () = end => Answer::Later { reason: "gave no answer in time".into(), wait: None },
        }
    }

    fn back(&mut self) {
        if self.away_until.take().is_some() {
            self.report.say("the server takes lines again");
        }
    }

    fn away(&mut self, reason: String) -> String {
        if self.away_until.is_none() {
            self.report
                .say(&format!("the server {reason}; what it does not take is kept in {}", self.spool.dir().display()));
        }
        self.away_until = Some(Instant::now() + self.timing.probe);
        reason
    }

    /// Takes out the records that are refused; what is left is to be sent again, the last part first.
    fn split(&mut self, batch: &Batch, refusal: Refusal) -> Vec<Batch> {
        let mut rest = Batch::default();
        for (place, record) in batch.records().enumerate() {
            let alone = (batch.len() == 1).then_some(&refusal.reason);
            match refusal.records.get(&place).or(alone) {
                Some(reason) => {
                    let line = String::from_utf8_lossy(record).into_owned();
                    self.refuse(&Refused { reason: reason.clone(), source: String::new(), line });
                }
                None => rest.push(record),
            }
        }
        if rest.len() < batch.len() {
            return if rest.is_empty() { Vec::new() } else { vec![rest] };
        }
        let (first, second) = batch.halves();
        vec![second, first]
    }

    fn refuse(&mut self, refused: &Refused) {
        self.report.refused(self.totals.refused, &refused.reason);
        self.totals.refused += 1;
        let file = match self.refused.take() {
            Some(file) => Ok(file),
            None => self.spool.refused(),
        };
        let kept = file.and_then(|mut file| file.push(refused).map(|()| file));
        match kept {
            Ok(file) => self.refused = Some(file),
            Err(error) => {
                self.totals.lost += 1;
                self.report.say(&format!("a refused line could not be kept: {error}"));
            }
        }
    }

    /// Keeps a batch. Where there is no room for it, tries to send it until one of both works.
    async fn keep(&mut self, unsent: Unsent) {
        let Unsent { mut batch, mut key, mut reason } = unsent;
        let mut told = false;
        loop {
            let error = match self.spool.keep(&batch, &key, &reason, self.stop.is_cancelled()) {
                Ok(()) => return self.kept(),
                Err(error) => error,
            };
            if self.stop.is_cancelled() {
                self.totals.lost += batch.len() as u64;
                self.report.say(&format!("{} lines are lost: the server {reason}, and {error}", batch.len()));
                return;
            }
            if !std::mem::replace(&mut told, true) {
                self.report.say(&format!("nothing can be kept ({error}); waiting for the server"));
            }
            let _ = tokio::time::timeout(self.timing.probe, self.stop.cancelled()).await;
            let mut left = self.deliver(batch, key).await;
            let Some(first) = left.pop() else { return };
            left.iter().for_each(|unsent| self.keep_beyond(unsent));
            (batch, key, reason) = (first.batch, first.key, first.reason);
        }
    }

    /// Keeps what is in the spool already, in other files.
    fn keep_beyond(&mut self, unsent: &Unsent) {
        match self.spool.keep(&unsent.batch, &unsent.key, &unsent.reason, true) {
            Ok(()) => self.kept(),
            Err(error) => {
                self.totals.lost += unsent.batch.len() as u64;
                self.report.say(&format!("{} lines are lost: {error}", unsent.batch.len()));
            }
        }
    }

    fn kept(&mut self) {
        self.waiting = true;
        if self.lock.is_none() {
            self.lock = self.spool.lock().ok().flatten();
        }
    }
}

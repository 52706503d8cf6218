//! What is done in the background: small files are merged, old ones dropped, and what nobody reads any more deleted.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::flush::Flusher;
use super::log::remove_if_there;
use super::manifest::{FileEntry, Record};
use super::state::{StoredFile, file_path, lock};
use crate::Settings;
use crate::file::merge::Union;
use crate::file::read::RowFile;
use crate::file::write::FileWriter;

/// How well merged files are compressed: they stay.
const ZSTD: i32 = 3;

/// A merged file holds no more than a day of receipts, so that retention, which drops whole files, is exact to a day.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// Merges of one pass, at most: the next pass follows at once where there is more to do.
const PASS: usize = 64;

impl Flusher {
    /// Tidies again and again until the history is dropped.
    pub(crate) fn keep_tidy(&self, every: Duration) {
        lower_priority();
        let mut trouble = None;
        while self.pause(every).is_some() {
            match self.tidy() {
                Ok(()) => trouble = None,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let text = Some(e.to_string());
                    if trouble != text {
                        tracing::warn!(error = %e, "the history cannot be tidied; it is tried again");
                    }
                    trouble = text;
                }
            }
        }
    }

    /// One pass: deletes, drops and merges what there is.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        let _one_at_a_time = lock(&self.tidying);
        self.sweep()?;
        self.drop_old()?;
        for _ in 0..PASS {
            if !self.merge_next()? {
                break;
            }
            self.sweep()?;
        }
        self.shared.forms.prune();
        Ok(())
    }

    /// Merges the files that come next; whether there were any. None of them is held when it returns, so that a sweep deletes
    /// them at once.
    fn merge_next(&self) -> io::Result<bool> {
        let files = self.shared.files();
        let entries: Vec<FileEntry> = files.iter().map(|file| file.entry).collect();
        let apart = lock(&self.apart).clone();
        let Some(run) = pick(&entries, &apart, &self.settings) else { return Ok(false) };
        self.merge(&files[run])?;
        Ok(true)
    }

    /// Deletes files that no commit names and nobody reads.
    fn sweep(&self) -> io::Result<()> {
        if lock(&self.log).is_certain() {
            lock(&self.doubtful).clear();
        }
        for path in self.shared.garbage.take() {
            if let Err(e) = remove_if_there(&*self.disk, &path) {
                self.shared.garbage.add(path);
                return Err(e);
            }
        }
        Ok(())
    }

    /// Drops whole files whose newest row is too old, then the oldest while there are too many bytes.
    fn drop_old(&self) -> io::Result<()> {
        let files = self.shared.files();
        let age = i64::try_from(self.settings.keep_age.as_micros()).unwrap_or(i64::MAX);
        let oldest = self.settings.clock.now().saturating_sub(age);
        let mut bytes: u64 = files.iter().map(|file| file.entry.bytes).sum();
        let mut dropped = Vec::new();
        for file in files.iter() {
            // Late files come to be old later; the sum of bytes is over those that stay.
            if file.entry.received.1 < oldest || bytes > self.settings.keep_bytes {
                bytes -= file.entry.bytes;
                dropped.push(file.clone());
            }
        }
        if dropped.is_empty() {
            return Ok(());
        }
        self.replace(&dropped, Vec::new())?;
        let rows = dropped.iter().map(|file| file.entry.rows).sum();
        self.shared.dropped.fetch_add(rows, Ordering::Relaxed);
        tracing::info!(files = dropped.len(), rows, "dropped what is older, or more, than is kept");
        Ok(())
    }

    /// Puts one file in the place of several.
    fn merge(&self, files: &[Arc<StoredFile>]) -> io::Result<()> {
        let rows: Vec<&RowFile> = files.iter().map(|file| &file.rows).collect();
        let Some(union) = Union::of(&rows) else {
            lock(&self.apart).push(files[0].entry.id);
            return Ok(());
        };
        self.check_free_space()?;
        let id = lock(&self.log).take_id();
        let path = file_path(&self.shared.dir, id);
        let merged = self.write_merged(&union, &rows, files, id).inspect_err(|_| {
            let _ = remove_if_there(&*self.disk, &path.with_extension("tmp"));
            let _ = remove_if_there(&*self.disk, &path);
        })?;
        self.replace(files, vec![Arc::new(merged)])
    }

    fn write_merged(
        &self,
        union: &Union,
        rows: &[&RowFile],
        files: &[Arc<StoredFile>],
        id: u64,
    ) -> io::Result<StoredFile> {
        let entries = || files.iter().map(|file| &file.entry);
        let received = entries()
            .map(|entry| entry.received)
            .fold((i64::MAX, i64::MIN), |all, of| (all.0.min(of.0), all.1.max(of.1)));
        let path = file_path(&self.shared.dir, id);
        let temporary = path.with_extension("tmp");
        let mut writer = FileWriter::create(&*self.disk, &temporary, ZSTD)?;
        let mut paced = 0;
        union.write(rows, self.settings.group_rows, &mut writer, |bytes| {
            let pause = (bytes - paced).saturating_mul(1_000_000) / self.settings.merge_rate.max(1);
            paced = bytes;
            self.pace(Duration::from_micros(pause))
        })?;
        let written = writer.finish(union.dictionary.clone(), union.totals(rows, received)?)?;
        self.disk.rename(&temporary, &path)?;
        self.disk.sync_dir(&self.shared.dir)?;
        let entry = FileEntry {
            id,
            order: entries().map(|entry| entry.order).min().unwrap_or(id),
            bytes: written.bytes,
            rows: entries().map(|entry| entry.rows).sum(),
            tier: entries().map(|entry| entry.tier).max().unwrap_or(0) + 1,
            received,
        };
        Ok(StoredFile::new(entry, RowFile::written(written, &path)?, self.shared.garbage.clone()))
    }

    /// Keeps merging to its rate; an error when the history stops.
    fn pace(&self, time: Duration) -> io::Result<()> {
        match self.settings.tidy_every {
            // Told by hand: whoever asks waits for it.
            None => Ok(()),
            Some(_) => self.pause(time).ok_or_else(|| io::ErrorKind::Interrupted.into()),
        }
    }

    /// Commits that files come and go, then shows it to readers.
    fn replace(&self, gone: &[Arc<StoredFile>], come: Vec<Arc<StoredFile>>) -> io::Result<()> {
        let record = Record {
            added: come.iter().map(|file| file.entry).collect(),
            removed: gone.iter().map(|file| file.entry.id).collect(),
            ..Record::default()
        };
        if let Err(e) = lock(&self.log).commit(record) {
            // It may be on disk all the same, until a later commit is.
            come.iter().for_each(|file| file.set_gone());
            lock(&self.doubtful).extend(come);
            return Err(e);
        }
        self.shared.replace_files(gone, come);
        gone.iter().for_each(|file| file.set_gone());
        Ok(())
    }
}

/// The files to merge next: neighbours by arrival, of the lowest tier that has enough of them. A day that is over gets no
/// more files: what is left of it is merged however few they are.
fn pick(files: &[FileEntry], apart: &[u64], settings: &Settings) -> Option<Range<usize>> {
    let closed = settings.clock.now().saturating_sub(DAY);
    let tiers = files.iter().map(|file| file.tier).max()?;
    let runs = |tier: u32| (0..files.len()).map(move |first| Run::from(files, first, tier, apart, settings));
    let enough = (0..=tiers).flat_map(runs).find(|run| run.is_enough(settings));
    let left = || runs(tiers).find(|run| run.received.1 < closed && run.files.len() >= 2);
    enough.or_else(left).map(|run| run.files)
}

/// Neighbours that one file can hold.
struct Run {
    files: Range<usize>,
    of_tier: usize,
    rows: u64,
    received: (i64, i64),
}

impl Run {
    /// As many files from `first` on as fit, of this tier or a lower one.
    fn from(files: &[FileEntry], first: usize, tier: u32, apart: &[u64], settings: &Settings) -> Run {
        let mut run = Run { files: first..first, of_tier: 0, rows: 0, received: (i64::MAX, i64::MIN) };
        for file in &files[first..] {
            let received = (run.received.0.min(file.received.0), run.received.1.max(file.received.1));
            let rows = run.rows + file.rows;
            let fits = rows <= settings.merged_rows && received.1.saturating_sub(received.0) <= DAY;
            let stays_apart = run.files.is_empty() && apart.contains(&file.id);
            if file.tier > tier || !fits || stays_apart {
                break;
            }
            (run.rows, run.received) = (rows, received);
            run.files.end += 1;
            run.of_tier += usize::from(file.tier == tier);
            if run.of_tier == settings.merge_files && rows < settings.merged_rows / 2 {
                break;
            }
        }
        run
    }

    fn is_enough(&self, settings: &Settings) -> bool {
        let is_full = self.rows > settings.merged_rows / 4 * 3;
        self.files.len() >= 2 && (self.of_tier >= settings.merge_files || is_full)
    }
}

/// Merging gives way to everything else on the machine.
fn lower_priority() {
    const NICE: i32 = 10;
    let lowered = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    if let Err(e) = lowered {
        tracing::debug!(error = %e, "merging runs at the usual priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn settings(now: i64) -> Settings {
        Settings { merged_rows: 1000, clock: crate::Clock::new(move || now), ..Settings::default() }
    }

    fn files(of: &[(u32, u64)]) -> Vec<FileEntry> {
        let entry = |(at, &(tier, rows)): (usize, &(u32, u64))| {
            let received = (at as i64 * MINUTE, (at as i64 + 1) * MINUTE);
            FileEntry { id: at as u64, order: at as u64, bytes: rows * 10, rows, tier, received }
        };
        of.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn neighbours_of_a_tier_are_merged() {
        let now = settings(0);
        assert_eq!(pick(&files(&[(0, 10); 7]), &[], &now), None);
        assert_eq!(pick(&files(&[(0, 10); 9]), &[], &now), Some(0..8));
        assert_eq!(pick(&files(&[(0, 10); 9]), &[0], &now), Some(1..9), "what must stay apart is left out");
        let mut mixed = vec![(1, 80); 3];
        mixed.extend([(0, 10); 8]);
        assert_eq!(pick(&files(&mixed), &[], &now), Some(3..11));
        assert_eq!(pick(&files(&[(1, 80); 8]), &[], &now), Some(0..8));
    }

    #[test]
    fn a_merged_file_has_a_bound() {
        let now = settings(0);
        assert_eq!(pick(&files(&[(0, 200); 9]), &[], &now), Some(0..5), "five make a full one");
        assert_eq!(pick(&files(&[(0, 1000); 20]), &[], &now), None);
    }

    #[test]
    fn what_is_left_of_a_closed_day_is_merged() {
        let few = files(&[(2, 100), (1, 30), (0, 5)]);
        assert_eq!(pick(&few, &[], &settings(0)), None);
        assert_eq!(pick(&few, &[], &settings(2 * DAY)), Some(0..3));
        let mut far = files(&[(0, 10); 9]);
        far[8].received = (3 * DAY, 3 * DAY);
        assert_eq!(pick(&far, &[], &settings(9 * DAY)), Some(0..8), "no file holds more than a day");
    }
}

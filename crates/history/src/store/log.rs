//! The manifest on disk: a log of records, each synced before it counts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whittle_disk::{Disk, File};

use super::OpenError;
use super::manifest::{BadRecord, MAX_RECORD, Record};
use crate::wire::{FRAME, frame, unframe};

const NAME: &str = "manifest";
const MAGIC: &[u8; 8] = b"whittle\x01";

/// A manifest is written anew when it is this much longer than what it says.
const SLACK: u64 = 4 << 20;

/// The open manifest. After a write that failed nothing is known of the file's end: the next commit makes a new one.
pub(crate) struct ManifestLog {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Option<Arc<dyn File>>,
    len: u64,
    fresh_len: u64,
    live: Record,
}

impl ManifestLog {
    /// Reads the manifest of a folder, or makes the first one of an empty folder.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, OpenError> {
        let names = disk.list(dir)?;
        let mut log = ManifestLog {
            disk,
            dir: dir.to_owned(),
            file: None,
            len: 0,
            fresh_len: 0,
            live: Record { next_id: 1, ..Record::default() },
        };
        if names.contains(&dir.join(NAME)) {
            log.read()?;
        } else if let Some(rows) = names.iter().find(|path| path.extension().is_some_and(|e| e == "parquet")) {
            return Err(OpenError::Damaged(format!("{} is there, but {NAME} is missing", rows.display())));
        } else {
            log.rewrite(&log.live.clone())?;
        }
        Ok(log)
    }

    fn read(&mut self) -> Result<(), OpenError> {
        let file = self.disk.open(&self.dir.join(NAME))?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        let mut at = MAGIC.len();
        if bytes.get(..at) != Some(MAGIC) {
            return Err(OpenError::Damaged(format!("{NAME} does not start as one")));
        }
        while let Some(content) = unframe(&bytes[at..], MAX_RECORD) {
            let record = Record::decode(content).map_err(|bad| match bad {
                BadRecord::Newer(format) => OpenError::Newer(format),
                BadRecord::Malformed => OpenError::Damaged(format!("{NAME} at byte {at}")),
            })?;
            self.live.apply(&record);
            at += FRAME + content.len();
        }
        if at == MAGIC.len() || whole_record_in(&bytes[at..]) {
            return Err(OpenError::Damaged(format!("{NAME} at byte {at}")));
        }
        self.len = at as u64;
        self.fresh_len = self.len;
        if at < bytes.len() {
            // What a crash tore goes away with the file that holds it.
            self.rewrite(&self.live.clone())?;
        } else {
            self.file = Some(file);
        }
        Ok(())
    }

    /// All that is committed.
    pub(crate) fn live(&self) -> &Record {
        &self.live
    }

    /// Whether what is on disk is known: the last commit did not fail.
    pub(crate) fn is_certain(&self) -> bool {
        self.file.is_some()
    }

    /// An id that names nothing yet. It is not given again, even when nothing is committed under it.
    pub(crate) fn take_id(&mut self) -> u64 {
        self.live.next_id += 1;
        self.live.next_id - 1
    }

    /// Makes a change durable. After an error it may or may not be on disk: keep what it names and commit it again.
    pub(crate) fn commit(&mut self, mut record: Record) -> io::Result<()> {
        record.next_id = self.live.next_id;
        record.states.retain(|name, state| self.live.states.get(name) != Some(state));
        let mut next = self.live.clone();
        next.apply(&record);
        let appended = match self.file.take() {
            Some(file) if self.len < self.fresh_len * 4 + SLACK => Some(self.append(file, &record)?),
            _ => None,
        };
        match appended {
            Some(file) => self.file = Some(file),
            None => self.rewrite(&next)?,
        }
        self.live = next;
        Ok(())
    }

    fn append(&mut self, file: Arc<dyn File>, record: &Record) -> io::Result<Arc<dyn File>> {
        let mut bytes = Vec::new();
        frame(&record.encode(), &mut bytes);
        file.write_all_at(&bytes, self.len)?;
        file.sync()?;
        self.len += bytes.len() as u64;
        Ok(file)
    }

    /// Puts a manifest that says everything in the place of the old one.
    fn rewrite(&mut self, live: &Record) -> io::Result<()> {
        self.file = None;
        let (temporary, path) = (self.dir.join("manifest.tmp"), self.dir.join(NAME));
        let mut bytes = MAGIC.to_vec();
        frame(&live.encode(), &mut bytes);
        remove_if_there(&*self.disk, &temporary)?;
        let file = self.disk.create_new(&temporary)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        self.disk.rename(&temporary, &path)?;
        self.disk.sync_dir(&self.dir)?;
        self.len = bytes.len() as u64;
        self.fresh_len = self.len;
        self.file = Some(file);
        Ok(())
    }
}

/// Removes a file; that it is not there is fine.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Whether a whole record stands anywhere in what follows a bad one. Each record is synced before the next is
/// written, so a crash tears the last one alone: anything else is damage, and cutting there would lose rows.
fn whole_record_in(bytes: &[u8]) -> bool {
    (1..bytes.len().saturating_sub(FRAME)).any(|at| {
        unframe(&bytes[at..], MAX_RECORD).is_some_and(|content| !content.is_empty() && Record::decode(content).is_ok())
    })
}

//! Journals of stages: bytes that are only appended to. How far they count stands in the manifest.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use whittle_disk::{Disk, File};

use super::manifest::JournalEntry;

/// The file of a journal.
pub(crate) fn journal_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:016x}.journal"))
}

struct Journal {
    entry: JournalEntry,
    /// `None` after a write that failed: its end is unknown, and what counts is copied to a new file.
    file: Option<Arc<dyn File>>,
}

/// The open journals.
pub(crate) struct Journals {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    open: BTreeMap<String, Journal>,
}

impl Journals {
    /// Opens the journals that a manifest names, and gives what they hold.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        entries: &BTreeMap<String, JournalEntry>,
    ) -> io::Result<(Self, BTreeMap<String, Bytes>)> {
        let mut journals = Journals { disk, dir: dir.to_owned(), open: BTreeMap::new() };
        let mut contents = BTreeMap::new();
        for (name, &entry) in entries {
            let file = journals.disk.open(&journal_path(dir, entry.id))?;
            contents.insert(name.clone(), Bytes::from(read(&*file, entry.bytes)?));
            journals.open.insert(name.clone(), Journal { entry, file: Some(file) });
        }
        Ok((journals, contents))
    }

    /// Appends and syncs. The bytes count once the entry is committed; `take_id` names a new file where one is needed.
    pub(crate) fn append(
        &mut self,
        name: &str,
        bytes: &[u8],
        take_id: impl FnOnce() -> u64,
    ) -> io::Result<JournalEntry> {
        if !self.open.contains_key(name) {
            let id = take_id();
            let file = self.create(id, &[], bytes)?;
            let entry = JournalEntry { id, bytes: bytes.len() as u64 };
            self.open.insert(name.to_owned(), Journal { entry, file: Some(file) });
            return Ok(entry);
        }
        let (dir, disk) = (self.dir.clone(), self.disk.clone());
        let Some(journal) = self.open.get_mut(name) else { return Err(io::ErrorKind::NotFound.into()) };
        match journal.file.take() {
            Some(file) => {
                file.write_all_at(bytes, journal.entry.bytes)?;
                file.sync()?;
                journal.file = Some(file);
                journal.entry.bytes += bytes.len() as u64;
                Ok(journal.entry)
            }
            None => {
                let old = read(&*disk.open(&journal_path(&dir, journal.entry.id))?, journal.entry.bytes)?;
                let id = take_id();
                let file = self.create(id, &old, bytes)?;
                let entry = JournalEntry { id, bytes: (old.len() + bytes.len()) as u64 };
                self.open.insert(name.to_owned(), Journal { entry, file: Some(file) });
                Ok(entry)
            }
        }
    }

    /// Forgets what was appended and not committed: the next append copies what counts to a new file.
    pub(crate) fn rewind(&mut self, committed: &BTreeMap<String, JournalEntry>) {
        self.open.retain(|name, journal| match committed.get(name) {
            Some(&entry) if entry != journal.entry => {
                *journal = Journal { entry, file: None };
                true
            }
            known => known.is_some(),
        });
    }

    fn create(&self, id: u64, old: &[u8], new: &[u8]) -> io::Result<Arc<dyn File>> {
        let file = self.disk.create_new(&journal_path(&self.dir, id))?;
        file.write_all_at(old, 0)?;
        file.write_all_at(new, old.len() as u64)?;
        file.sync()?;
        self.disk.sync_dir(&self.dir)?;
        Ok(file)
    }
}

fn read(file: &dyn File, len: u64) -> io::Result<Vec<u8>> {
    if file.len()? < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

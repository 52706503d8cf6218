//! The outbox's file: appended to, and written anew when most of it is past.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whittle_disk::{Disk, File};

use super::record::{Scan, scan};

const NAME: &str = "outbox.log";
const NEW: &str = "outbox.new";
/// Bytes handed to the disk at once when the file is written anew.
const CHUNK: usize = 1 << 20;

/// Bytes that the file grows by before it is written anew.
const SMALL: u64 = 64 << 10;

/// The file, open for appending.
pub(super) struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Option<Arc<dyn File>>,
    len: u64,
    /// Length when it was last written anew.
    fresh_len: u64,
}

impl Journal {
    /// Opens the folder and reads what is there; a torn tail is cut.
    pub(super) fn open(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<(Journal, Scan)> {
        disk.create_dir_all(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent)?;
        }
        let mut journal = Journal { disk, dir: dir.to_owned(), file: None, len: 0, fresh_len: 0 };
        let file = match journal.disk.open(&dir.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((journal, Scan::default())),
            file => file?,
        };
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, 0)?;
        let found = scan(&bytes);
        if found.end < bytes.len() {
            file.set_len(found.end as u64)?;
            file.sync()?;
        }
        journal.len = found.end as u64;
        journal.file = Some(file);
        Ok((journal, found))
    }

    /// Whether the file has grown so far beyond what is live in it that a new one is worth its writing.
    pub(super) fn is_stale(&self, live: u64) -> bool {
        self.len > 2 * live && self.len > self.fresh_len + SMALL
    }

    /// Appends frames; they are durable when it returns. After an error the file must be written anew: what a failed
    /// write or sync left of it is not known.
    pub(super) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.write_all_at(frames, self.len)?;
        file.sync()?;
        self.len += frames.len() as u64;
        Ok(())
    }

    /// Writes a new file that takes the old one's place, at once or not at all.
    pub(super) fn rewrite(&mut self, frames: &[u8]) -> io::Result<()> {
        let (new, name) = (self.dir.join(NEW), self.dir.join(NAME));
        match self.disk.remove(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.disk.create_new(&new)?;
        for (i, chunk) in frames.chunks(CHUNK).enumerate() {
            file.write_all_at(chunk, (i * CHUNK) as u64)?;
        }
        file.sync()?;
        self.disk.rename(&new, &name)?;
        self.disk.sync_dir(&self.dir)?;
        (self.file, self.len, self.fresh_len) = (Some(file), frames.len() as u64, frames.len() as u64);
        Ok(())
    }
}

//! What could not be sent, in a folder, until a later run sends it.
//!
//! - `<id>.batch`: a batch that no server took in time, with its key. Written as a whole or not at all.
//! - `<id>.refused`: lines that a server or this program refused, each with the reason; locked while a run appends to it.
//! - `<id>.line`: one line that was too long, as it was.
//!
//! Each file begins with a line of JSON that says where it was going. Ids are UUIDv7, so names are in the order of time.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use whittle_disk::{Disk, OsDisk};

use super::batch::Batch;

/// The format that this program writes.
const FORMAT: u32 = 1;
/// Bytes of a file's first line.
const MAX_HEAD: usize = 64 << 10;

/// The first line of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    whittle_spool: u32,
    /// Where it was to be posted.
    pub url: String,
    /// The batch's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why it stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Source of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Records of the batch.
    #[serde(default)]
    pub records: u64,
}

/// A refused line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub reason: String,
    /// The source that it gets where it names none.
    pub source: String,
    pub line: String,
}

/// What a kept file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Batch,
    Refused,
    Line,
}

/// The folder, for one server. Made when there is something to keep.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    dir: PathBuf,
    url: String,
    limit: u64,
}

impl Spool {
    pub(super) fn new(dir: PathBuf, url: String, limit: u64) -> Self {
        Spool { dir, url, limit }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps other runs from sending what is here until the guard is dropped; nothing while another one does.
    pub(super) fn lock(&self) -> io::Result<Option<Box<dyn Send + Sync>>> {
        if !self.dir.exists() {
            std::fs::create_dir_all(&self.dir)?;
        }
        match OsDisk.lock(&self.dir.join("lock")) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            lock => lock.map(Some),
        }
    }

    /// The kept files that were going where this run sends to, oldest first, and how many others there are.
    pub(super) fn kept(&self) -> io::Result<(Vec<(PathBuf, Kind)>, usize)> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            entries => entries?,
        };
        let mut kept = Vec::new();
        let mut others = 0;
        for entry in entries {
            let path = entry?.path();
            let Some(kind) = kind(&path) else { continue };
            match open(&path) {
                Ok((head, _)) if head.url == self.url => kept.push((path, kind)),
                _ => others += 1,
            }
        }
        kept.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok((kept, others))
    }

    /// Keeps a batch: it is on disk when this returns.
    ///
    /// # Errors
    /// `StorageFull` when the folder holds as much as it may (unless `beyond`), else what the file system says.
    pub(super) fn keep(&self, batch: &Batch, key: &str, reason: &str, beyond: bool) -> io::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        if !beyond && self.size()? + batch.body().len() as u64 > self.limit {
            let message = format!("{} holds as much as --spool-limit allows", self.dir.display());
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        let (new, path) = (self.path("new"), self.path("batch"));
        let mut file = File::create_new(&new)?;
        let records = batch.len() as u64;
        let head = Head { key: Some(key.into()), reason: Some(reason.into()), records, ..self.head() };
        let written = write_head(&mut file, &head).and_then(|()| file.write_all(batch.body()));
        let durable = written.and_then(|()| file.sync_data()).and_then(|()| std::fs::rename(&new, &path));
        if durable.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        durable?;
        OsDisk.sync_dir(&self.dir)
    }

    /// A file for refused lines.
    pub(super) fn refused(&self) -> io::Result<RefusedLines> {
        std::fs::create_dir_all(&self.dir)?;
        let path = self.path("refused");
        let mut file = File::create_new(&path)?;
        let lock = OsDisk.lock(&path)?;
        write_head(&mut file, &self.head())?;
        Ok(RefusedLines { file, dir: self.dir.clone(), _lock: lock })
    }

    /// A file for a line that is too long.
    pub(super) fn too_long(&self, source: &str) -> io::Result<TooLong> {
        std::fs::create_dir_all(&self.dir)?;
        let (new, path) = (self.path("new"), self.path("line"));
        let mut file = File::create_new(&new)?;
        write_head(&mut file, &Head { source: Some(source.into()), ..self.head() })?;
        Ok(TooLong { file, new, path, dir: self.dir.clone() })
    }

    fn head(&self) -> Head {
        Head { whittle_spool: FORMAT, url: self.url.clone(), key: None, reason: None, source: None, records: 0 }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.dir.join(format!("{}.{extension}", Uuid::now_v7()))
    }

    fn size(&self) -> io::Result<u64> {
        std::fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.metadata().map_or(0, |data| data.len()))).sum()
    }
}

/// Opens a kept file; its reader stands after the first line.
pub(super) fn open(path: &Path) -> io::Result<(Head, io::BufReader<File>)> {
    let mut reader = io::BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    io::BufRead::read_until(&mut reader.by_ref().take(MAX_HEAD as u64), b'\n', &mut line)?;
    let head: Head = serde_json::from_slice(&line).map_err(io::Error::other)?;
    if head.whittle_spool > FORMAT {
        return Err(io::Error::other("kept by a newer version of whittle"));
    }
    Ok((head, reader))
}

/// Takes a file of refused lines for reading; nothing while the run that writes it goes on.
pub(super) fn lock(path: &Path) -> Option<Box<dyn Send + Sync>> {
    OsDisk.lock(path).ok()
}

/// Removes a kept file whose content is elsewhere now.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)?;
    path.parent().map_or(Ok(()), |dir| OsDisk.sync_dir(dir))
}

fn kind(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()? {
        "batch" => Some(Kind::Batch),
        "refused" => Some(Kind::Refused),
        "line" => Some(Kind::Line),
        _ => None,
    }
}

fn write_head(file: &mut File, head: &Head) -> io::Result<()> {
    let mut line = serde_json::to_vec(head)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Refused lines of one run.
pub(super) struct RefusedLines {
    file: File,
    dir: PathBuf,
    _lock: Box<dyn Send + Sync>,
}

impl RefusedLines {
    pub(super) fn push(&mut self, refused: &Refused) -> io::Result<()> {
        let mut text = serde_json::to_vec(refused)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }

    /// Makes what was pushed durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        OsDisk.sync_dir(&self.dir)
    }
}

/// A line that is too long, as it is read. Gone again unless it is finished.
#[derive(Debug)]
pub(super) struct TooLong {
    file: File,
    new: PathBuf,
    path: PathBuf,
    dir: PathBuf,
}

impl TooLong {
    pub(super) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)
    }

    /// The line is whole, and durable.
    pub(super) fn finish(self) -> io::Result<PathBuf> {
        self.file.sync_data()?;
        std::fs::rename(&self.new, &self.path)?;
        OsDisk.sync_dir(&self.dir)?;
        Ok(self.path.clone())
    }
}

impl Drop for TooLong {
    fn drop(&mut self) {
        // After `finish` there is none of this name.
        let _ = std::fs::remove_file(&self.new);
    }
}

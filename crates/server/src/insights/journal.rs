//! A small file of entries that are each on disk before anyone hears of them.
//!
//! Each entry: length (`u32`), CRC-32C of the content (`u32`), content. The first entry names format and version. A torn
//! or damaged entry ends what is read, and the file is cut there. When the file has grown to twice what is still of use
//! it is written anew beside itself and renamed. After a failed write or sync the file counts as lost and is never synced
//! again: the next entry writes it anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whittle_disk::{Disk, File};

/// What the first entry says.
const HEAD: &[u8] = b"whittle journal 1";
const HEAD_START: &[u8] = b"whittle journal ";
/// Longest entry.
const MAX_ENTRY: usize = 1 << 20;
/// Longest file that is read: far beyond what all patterns need.
const MAX_FILE: u64 = 512 << 20;
/// Size up to which a file is not written anew.
const SMALL: u64 = 64 << 10;
const PREFIX: usize = 8;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refuses; it may take the next entry.
    #[error("{path} cannot be {verb}: {error}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A later program wrote it: run that one, or move the file away.
    #[error("{0} was written by a newer version; run that version, or move the file away to start without it")]
    Newer(PathBuf),
    /// It is no journal.
    #[error("{0} is not a journal of this program; move it away to start without it")]
    Foreign(PathBuf),
    /// It could not be told to the other copies of the program.
    #[error("an insight cannot be shared now: {0}")]
    Shared(String),
}

/// An open journal.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    path: PathBuf,
    /// None after a failure: the file has to be written anew.
    file: Option<Arc<dyn File>>,
    size: u64,
    /// Size at the last time it was written anew.
    fresh: u64,
}

impl Journal {
    /// Opens a journal in a folder (both are made when missing) and gives its entries.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, name: &str) -> Result<(Journal, Vec<Vec<u8>>), JournalError> {
        let path = dir.join(name);
        let failed = |verb| {
            let path = path.clone();
            move |error| JournalError::Disk { path, verb, error }
        };
        disk.create_dir_all(dir).map_err(failed("made"))?;
        // The folder's own name must outlast a power cut too.
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(failed("made"))?;
        }
        let mut journal = Journal { disk, dir: dir.to_owned(), path: path.clone(), file: None, size: 0, fresh: 0 };
        match journal.disk.open(&path) {
            Ok(file) => {
                let bytes = read(file.as_ref()).map_err(failed("read"))?;
                let (entries, valid) = parse(&bytes, &path)?;
                if valid < bytes.len() as u64 {
                    file.set_len(valid).and_then(|()| file.sync()).map_err(failed("cut at its torn end"))?;
                }
                (journal.file, journal.size, journal.fresh) = (Some(file), valid, valid);
                if valid == 0 {
                    journal.rewrite(Vec::new()).map_err(failed("written"))?;
                }
                Ok((journal, entries))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                journal.rewrite(Vec::new()).map_err(failed("written"))?;
                Ok((journal, Vec::new()))
            }
            Err(error) => Err(failed("opened")(error)),
        }
    }

    /// Appends an entry and waits until it is on disk. `live` gives all entries that are still of use, this one among
    /// them, where the file is written anew.
    pub(crate) fn append(&mut self, entry: &[u8], live: impl FnOnce() -> Vec<Vec<u8>>) -> Result<(), JournalError> {
        let mut bytes = Vec::with_capacity(entry.len() + PREFIX);
        push(&mut bytes, entry);
        let grown = self.size + bytes.len() as u64 > (2 * self.fresh).max(SMALL);
        let done = match self.file.take().filter(|_| !grown) {
            None => self.rewrite(live()),
            Some(file) => {
                let written = file.write_all_at(&bytes, self.size).and_then(|()| file.sync());
                if written.is_ok() {
                    self.size += bytes.len() as u64;
                    self.file = Some(file);
                }
                written
            }
        };
        done.map_err(|error| JournalError::Disk { path: self.path.clone(), verb: "written", error })
    }

    fn rewrite(&mut self, entries: Vec<Vec<u8>>) -> io::Result<()> {
        let mut bytes = Vec::new();
        push(&mut bytes, HEAD);
        for entry in &entries {
            push(&mut bytes, entry);
        }
        let beside = self.path.with_extension("new");
        match self.disk.remove(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.disk.create_new(&beside)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        self.disk.rename(&beside, &self.path)?;
        self.disk.sync_dir(&self.dir)?;
        (self.size, self.fresh) = (bytes.len() as u64, bytes.len() as u64);
        self.file = Some(file);
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, entry: &[u8]) {
    out.extend((entry.len() as u32).to_le_bytes());
    out.extend(crc32c::crc32c(entry).to_le_bytes());
    out.extend_from_slice(entry);
}

fn read(file: &dyn File) -> io::Result<Vec<u8>> {
    let len = file.len()?;
    if len > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{len} bytes are more than it may have")));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The whole entries without the first, and where they end.
fn parse(bytes: &[u8], path: &Path) -> Result<(Vec<Vec<u8>>, u64), JournalError> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some(entry) = entry(&bytes[at..]) {
        if at == 0 && entry != HEAD {
            let newer = entry.starts_with(HEAD_START);
            let path = path.to_owned();
            return Err(if newer { JournalError::Newer(path) } else { JournalError::Foreign(path) });
        }
        if at > 0 {
            entries.push(entry.to_vec());
        }
        at += PREFIX + entry.len();
    }
    // A head that is torn is a crash of the first start; anything longer is no journal of ours.
    if at == 0 && bytes.len() > PREFIX + HEAD.len() {
        return Err(JournalError::Foreign(path.to_owned()));
    }
    Ok((entries, at as u64))
}

fn entry(bytes: &[u8]) -> Option<&[u8]> {
    let len = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    let crc = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    // A stretch that never reached the disk reads as zeros, which would be an empty entry with a checksum that fits.
    let content = bytes.get(PREFIX..PREFIX + len).filter(|_| (1..=MAX_ENTRY).contains(&len))?;
    (crc32c::crc32c(content) == crc).then_some(content)
}

#[cfg(test)]
mod tests {
    use whittle_disk::SimDisk;
    use whittle_disk::sim::{Call, Fault, Rule};

    use super::*;

    fn open(disk: &SimDisk) -> Result<(Journal, Vec<Vec<u8>>), JournalError> {
        Journal::open(Arc::new(disk.clone()), Path::new("/data"), "x.journal")
    }

    /// An entry that is long enough for the file to be written anew every few.
    fn entry(n: u32) -> Vec<u8> {
        let mut entry = n.to_le_bytes().to_vec();
        entry.resize(9_000 + (n as usize * 37) % 500, n as u8);
        entry
    }

    fn number(entry: &[u8]) -> u32 {
        u32::from_le_bytes(*entry.first_chunk().expect("an entry of the test"))
    }

    /// Of the entries before one, those that are still of use: the last three, and it.
    fn live(n: u32) -> Vec<Vec<u8>> {
        (n.saturating_sub(3)..=n).map(entry).collect()
    }

    #[test]
    fn what_was_appended_survives_a_power_cut_at_any_call() {
        for seed in 0..1_500 {
            let disk = SimDisk::new(seed);
            disk.power_off_after(seed % 120);
            let (mut acked, mut tried) = (None, None);
            if let Ok((mut journal, _)) = open(&disk) {
                for n in 0..40 {
                    tried = Some(n);
                    if journal.append(&entry(n), || live(n)).is_err() {
                        break;
                    }
                    acked = Some(n);
                }
            }
            let (_, found) = open(&disk.power_cut()).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            let last = found.last().map(|e| number(e));
            assert!(last == acked || last == tried, "seed {seed}: {last:?} of {acked:?}, tried {tried:?}");
            assert!(found.iter().all(|e| *e == entry(number(e))), "seed {seed}: an entry is not what was written");
            let wanted: Vec<u32> = acked.map(|n| (n.saturating_sub(3)..=n).collect()).unwrap_or_default();
            let numbers: Vec<u32> = found.iter().map(|e| number(e)).collect();
            assert!(
                wanted[wanted.len().min(1)..].iter().all(|n| numbers.contains(n)),
                "seed {seed}: {wanted:?} in {numbers:?}"
            );
        }
    }

    #[test]
    fn a_failing_disk_is_told_of_and_the_next_entry_takes_all_along() {
        let calls = [Call::Write, Call::Sync, Call::Create, Call::Rename, Call::SyncDir, Call::Remove];
        for (fault, call) in [Fault::NoSpace, Fault::Io].into_iter().flat_map(|f| calls.map(|c| (f, c))) {
            for after in 0..12 {
                let disk = SimDisk::new(after);
                let (mut journal, _) = open(&disk).expect("opens");
                disk.inject(Rule { call: Some(call), after, times: 3, fault });
                let mut failed = 0;
                for n in 0..24 {
                    failed += u32::from(journal.append(&entry(n), || live(n)).is_err());
                }
                disk.heal();
                journal.append(&entry(24), || live(24)).expect("the disk works again");
                let (_, found) = open(&disk.power_cut()).expect("opens");
                let numbers: Vec<u32> = found.iter().map(|e| number(e)).collect();
                assert!(numbers.ends_with(&[21, 22, 23, 24]), "{call:?} {fault:?} {after}: {numbers:?}");
                assert!(failed <= 3, "{call:?} {fault:?} {after}: {failed}");
            }
        }
    }
}

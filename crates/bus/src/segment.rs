//! A segment: one file of a partition, a head of 64 bytes and then frames.
//!
//! Head, little-endian: magic (8 bytes), CRC32C of all behind it (4), version (4), generation (8), base offset (8), time
//! of creation in microseconds since 1970 (8), zeros. The name of the file is the base offset too, so that a damaged head
//! costs no frame: the generation then comes from the first frame.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use whittle_disk::{Disk, File};

use crate::files::FORMAT;

/// Bytes of a segment's head; the first frame stands behind it.
pub(crate) const FIRST: u64 = 64;
const MAGIC: [u8; 8] = *b"WHITTLOG";
/// Zeros that a new segment gets before it counts as made: proof that there is room.
pub(crate) const ROOM: u64 = 128 << 10;
/// Zeros written ahead at most with one batch.
const MOST_ROOM: u64 = 4 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// What readers, the writer and retention know of a segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub path: PathBuf,
    /// Offset of its first record.
    pub base: u64,
    pub generation: u64,
    /// Microseconds since 1970.
    pub created: i64,
    /// Readers may read up to here in the file.
    durable: AtomicU64,
    /// The offset after its last durable record.
    end: AtomicU64,
    /// Bytes on the disk.
    size: AtomicU64,
    /// No longer part of the log: its file is gone or holds something else.
    retired: AtomicBool,
}

/// What a segment's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub version: u32,
    pub generation: u64,
    pub base: u64,
    pub created: i64,
}

impl Segment {
    pub fn new(path: PathBuf, head: SegmentHead, durable: u64, end: u64, size: u64) -> Self {
        Segment {
            path,
            base: head.base,
            generation: head.generation,
            created: head.created,
            durable: durable.into(),
            end: end.into(),
            size: size.into(),
            retired: false.into(),
        }
    }

    /// The same segment, for a log that it was taken out of and goes back to.
    pub fn revived(&self) -> Self {
        let head = SegmentHead::new(self.generation, self.base, self.created);
        let (end, durable) = self.reach();
        Segment::new(self.path.clone(), head, durable, end, self.size())
    }

    /// The offset after its last durable record, and up to where in the file it stands.
    pub fn reach(&self) -> (u64, u64) {
        // In this order: a position may be newer than the offset, never older.
        let end = self.end.load(Ordering::Acquire);
        (end, self.durable.load(Ordering::Acquire))
    }

    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Lets readers see what was made durable.
    pub fn publish(&self, durable: u64, end: u64) {
        self.durable.store(durable, Ordering::Release);
        self.end.store(end, Ordering::Release);
    }

    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    pub fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    pub fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }
}

impl SegmentHead {
    /// The head of a segment made now.
    pub fn new(generation: u64, base: u64, now: i64) -> Self {
        SegmentHead { version: FORMAT, generation, base, created: now }
    }

    pub fn to_bytes(self) -> [u8; FIRST as usize] {
        let mut out = [0; FIRST as usize];
        out[..8].copy_from_slice(&MAGIC);
        out[12..16].copy_from_slice(&self.version.to_le_bytes());
        out[16..24].copy_from_slice(&self.generation.to_le_bytes());
        out[24..32].copy_from_slice(&self.base.to_le_bytes());
        out[32..40].copy_from_slice(&self.created.to_le_bytes());
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub fn parse(bytes: &[u8; FIRST as usize]) -> Option<Self> {
        let word = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let half = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        if bytes[..8] != MAGIC || half(8)? != crc32c::crc32c(&bytes[12..]) {
            return None;
        }
        Some(SegmentHead {
            version: half(12)?,
            generation: word(16)?,
            base: word(24)?,
            created: word(32)?.cast_signed(),
        })
    }

    /// Reads the head of a file; `None` when it is none.
    pub fn read(file: &dyn File) -> io::Result<Option<Self>> {
        let mut bytes = [0; FIRST as usize];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Self::parse(&bytes)),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// The newest segment of a partition, as the writer has it.
pub(crate) struct Tail {
    pub segment: Arc<Segment>,
    pub file: Arc<dyn File>,
    /// Where the next frame goes.
    pub pos: u64,
    /// Bytes of the file, zeros ahead included.
    pub len: u64,
}

impl Tail {
    /// Makes a segment of at least `room` bytes, durable with its name. `spare` is a file of an old one that is used again.
    pub fn create(disk: &dyn Disk, dir: &Path, spare: Option<&Path>, head: SegmentHead, room: u64) -> io::Result<Tail> {
        // One rename to its place either way: two could be half undone and leave two names for one file.
        let new = spare.map_or_else(|| dir.join(format!("{:020}.new", head.base)), Path::to_owned);
        let file = match spare {
            Some(spare) => disk.open(spare),
            None => crate::files::remove_if_there(disk, &new).and_then(|()| disk.create_new(&new)),
        }?;
        let path = segment_path(dir, head.base);
        let made = file
            .write_all_at(&head.to_bytes(), 0)
            .and_then(|()| file.len())
            .and_then(|len| Ok(len.max(fill(&*file, len, room)?)))
            .and_then(|len| file.sync().map(|()| len))
            .and_then(|len| disk.rename(&new, &path).map(|()| len))
            .and_then(|len| disk.sync_dir(dir).map(|()| len));
        match made {
            Ok(len) => {
                let segment = Arc::new(Segment::new(path, head, FIRST, head.base, len));
                Ok(Tail { segment, file, pos: FIRST, len })
            }
            Err(e) => {
                let _ = disk.remove(&new);
                Err(e)
            }
        }
    }

    /// Bytes of zeros to write ahead so that `bytes` more and some of the next batches find room; 0 when they do.
    pub fn room_wanted(&self, bytes: u64, segment_bytes: u64) -> u64 {
        let needed = self.pos + bytes;
        if needed <= self.len {
            return 0;
        }
        let ahead = self.len.clamp(ROOM, MOST_ROOM);
        (needed + ahead).min(segment_bytes.max(needed)) - self.len
    }

    /// Writes `parts` and, where the file is too short, zeros ahead, and makes them durable.
    pub fn append(&mut self, parts: &[&[u8]], bytes: u64, room: u64) -> io::Result<()> {
        self.file.write_parts_at(parts, self.pos)?;
        let end = self.pos + bytes;
        if room > 0 {
            let target = self.len + room;
            self.len = match fill(&*self.file, end, target) {
                Ok(len) => len,
                // The zeros are only for speed, and the entries themselves are written.
                Err(e) if e.kind() == io::ErrorKind::StorageFull => end,
                Err(e) => return Err(e),
            };
            self.segment.set_size(self.len);
        }
        self.file.sync()?;
        self.pos = end;
        Ok(())
    }
}

/// Writes zeros from `from` to `to`; answers with where it ended.
fn fill(file: &dyn File, mut from: u64, to: u64) -> io::Result<u64> {
    while from < to {
        let n = ((to - from) as usize).min(ZEROS.len());
        file.write_all_at(&ZEROS[..n], from)?;
        from += n as u64;
    }
    Ok(from)
}

/// The file of the segment with this base offset.
pub(crate) fn segment_path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:020}.log"))
}

/// The base offset that a segment's name says.
pub(crate) fn base_of(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    (stem.len() == 20 && path.extension()? == "log").then(|| stem.parse().ok())?
}

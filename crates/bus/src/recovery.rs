//! What a partition is found to hold when the bus is opened.
//!
//! Only the newest segment is read through: the others were complete before it was made. A bad place in it is damage if a
//! frame behind it says that what stands there was durable, and then its records are lost and counted. If none says so it
//! is the end of a write that was under way, which nobody was told of, and is cut.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whittle_disk::{Disk, File};

use crate::api::BusError;
use crate::files::{self, FORMAT};
use crate::frame::{HEAD_BYTES, Head};
use crate::segment::{FIRST, Segment, SegmentHead, Tail, base_of, segment_path};
use crate::window::{Found, Window};

/// What a partition holds.
#[derive(Default)]
pub(crate) struct Recovered {
    pub segments: Vec<Arc<Segment>>,
    pub tail: Option<Tail>,
    /// The offset that the next record gets.
    pub end: u64,
    pub spare: Option<PathBuf>,
    /// Damaged records in the newest segment.
    pub lost: Vec<Range<u64>>,
    /// A torn end was cut.
    pub torn: bool,
}

/// Where the frames of a segment end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub pos: u64,
    pub offset: u64,
    pub lost: Vec<Range<u64>>,
    /// Where the last batch begins: no frame says that it was durable.
    pub unproven: u64,
    /// Something of a write that never was durable stands behind the end.
    pub torn: bool,
}

/// Opens what stands in a partition's folder.
pub(crate) fn recover(disk: &dyn Disk, dir: &Path) -> Result<Recovered, BusError> {
    let mut recovered = Recovered::default();
    let mut bases = Vec::new();
    // The process before may have ended between making a segment and making its name durable.
    files::sync_dir(disk, dir)?;
    for path in files::list(disk, dir)? {
        match path.extension().and_then(|e| e.to_str()) {
            Some("log") => bases.extend(base_of(&path)),
            Some("spare") if recovered.spare.is_none() => recovered.spare = Some(path),
            // Half made, or one spare too many. It is tried again at the next start when this fails.
            Some("new" | "spare") => drop(disk.remove(&path)),
            _ => {}
        }
    }
    for (i, &base) in bases.iter().enumerate() {
        let path = segment_path(dir, base);
        let next = bases.get(i + 1).copied();
        open_segment(disk, &mut recovered, base, next, &path).map_err(|e| e.into_error(&path))?;
    }
    Ok(recovered)
}

#[derive(Debug)]
pub(crate) enum Failed {
    Io(io::Error),
    Newer(u32),
}

impl From<io::Error> for Failed {
    fn from(e: io::Error) -> Self {
        Failed::Io(e)
    }
}

impl Failed {
    fn into_error(self, path: &Path) -> BusError {
        match self {
            Failed::Io(e) => BusError::io("cannot recover the segment", path, e),
            Failed::Newer(version) => files::newer(path, version),
        }
    }
}

fn open_segment(
    disk: &dyn Disk,
    recovered: &mut Recovered,
    base: u64,
    next: Option<u64>,
    path: &Path,
) -> Result<(), Failed> {
    let file = disk.open(path)?;
    let len = file.len()?;
    let head = read_head(&file, base, len)?;
    match (head, next) {
        (Some(head), Some(next)) => {
            // Complete when the next was made; where it is not, readers find out and say what is lost.
            recovered.segments.push(Arc::new(Segment::new(path.to_owned(), head, len, next, len)));
        }
        (Some(head), None) => open_tail(recovered, head, file, path, len)?,
        (None, Some(next)) => {
            let head = SegmentHead::new(0, base, 0);
            tracing::error!(path = %path.display(), "neither head nor frames of the segment can be read");
            recovered.segments.push(Arc::new(Segment::new(path.to_owned(), head, FIRST, next, len)));
        }
        (None, None) => recovered.end = base, // holds nothing; the next segment of that name replaces it
    }
    Ok(())
}

/// What the head of a segment says, or its frames where it is damaged; `None` where there is neither.
pub(crate) fn read_head(file: &Arc<dyn File>, base: u64, len: u64) -> Result<Option<SegmentHead>, Failed> {
    match SegmentHead::read(&**file)? {
        Some(head) if head.version > FORMAT => return Err(Failed::Newer(head.version)),
        Some(head) if head.base == base => return Ok(Some(head)),
        _ => {}
    }
    let found = Window::new(file.clone()).find(FIRST, len, |_, head| head.base_offset >= base)?;
    Ok(found.map(|(_, frame)| {
        tracing::warn!(base, "the head of a segment is damaged; its frames are there");
        SegmentHead::new(frame.generation, base, frame.time)
    }))
}

fn open_tail(
    recovered: &mut Recovered,
    head: SegmentHead,
    file: Arc<dyn File>,
    path: &Path,
    len: u64,
) -> Result<(), Failed> {
    let end = find_end(&mut Window::new(file.clone()), &head, len)?;
    if end.torn {
        tracing::warn!(path = %path.display(), at = end.pos, offset = end.offset, "cut the torn end of the last write");
    }
    // Leftovers behind the end could later pass for frames.
    if len > end.pos {
        file.set_len(end.pos)?;
    }
    if len > end.pos || end.unproven < end.pos {
        write_again(&*file, end.unproven, end.pos)?;
        file.sync()?;
    }
    let segment = Arc::new(Segment::new(path.to_owned(), head, end.pos, end.offset, end.pos));
    recovered.segments.push(segment.clone());
    recovered.tail = Some(Tail { segment, file, pos: end.pos, len: end.pos });
    recovered.end = end.offset;
    recovered.torn = end.torn;
    recovered.lost = end.lost;
    Ok(())
}

/// Writes the last batch again. The process before may have ended after its sync failed: then the page cache has it, the
/// disk may not, and a sync alone would do nothing, as the pages count as clean.
fn write_again(file: &dyn File, mut from: u64, to: u64) -> io::Result<()> {
    let mut buffer = vec![0; (to - from).min(1 << 20) as usize];
    while from < to {
        let n = ((to - from) as usize).min(buffer.len());
        file.read_exact_at(&mut buffer[..n], from)?;
        file.write_all_at(&buffer[..n], from)?;
        from += n as u64;
    }
    Ok(())
}

/// Reads a segment through to where its frames end.
pub(crate) fn find_end(window: &mut Window, segment: &SegmentHead, len: u64) -> io::Result<End> {
    let mut end = End { pos: FIRST.min(len), offset: segment.base, unproven: FIRST.min(len), ..End::default() };
    loop {
        let (generation, offset) = (segment.generation, end.offset);
        let belongs = |head: &Head| head.generation == generation && head.base_offset >= offset;
        let (next_pos, next_offset) = match window.look(end.pos, len)? {
            Found::Whole(head) if belongs(&head) && head.base_offset == end.offset => {
                if head.durable_before == head.base_offset {
                    end.unproven = end.pos;
                }
                end.pos += head.len() as u64;
                end.offset = head.next_offset();
                if head.count == 0 {
                    end.unproven = end.pos; // a mark only speaks of others
                }
                continue;
            }
            Found::BadPayload(head) if belongs(&head) => (end.pos + head.len() as u64, head.next_offset()),
            _ => match window.find(end.pos + 1, len, |pos, head| belongs(head) && pos + head.len() as u64 <= len)? {
                Some((pos, head)) => (pos, head.base_offset),
                None => break,
            },
        };
        if !was_durable(window, segment.generation, end.offset, next_pos, len)? {
            break;
        }
        if next_offset > end.offset {
            end.lost.push(end.offset..next_offset);
        }
        end.pos = next_pos;
        end.offset = next_offset;
    }
    end.torn = has_leftovers(window, segment.generation, end.pos, len)?;
    Ok(end)
}

/// Whether a frame at or behind `from` says that the record at `offset` was durable.
fn was_durable(window: &mut Window, generation: u64, offset: u64, from: u64, len: u64) -> io::Result<bool> {
    let proof = window.find(from, len, |_, head| head.generation == generation && head.durable_before > offset)?;
    Ok(proof.is_some())
}

/// Whether something of this segment's life stands behind its end. What a recycled file held before does not count.
fn has_leftovers(window: &mut Window, generation: u64, pos: u64, len: u64) -> io::Result<bool> {
    if window.load(pos, HEAD_BYTES, len)?.get(16..24) == Some(&generation.to_le_bytes()) {
        return Ok(true);
    }
    Ok(window.find(pos, len, |_, head| head.generation == generation)?.is_some())
}

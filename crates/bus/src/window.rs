//! A view into a file through a buffer that moves along, in which frames are looked for.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem::Finder;
use whittle_disk::File;

use crate::frame::{Decoded, HEAD_BYTES, Head, MAGIC, decode, decode_head};

/// Bytes read at once at most, unless a frame has more.
const CHUNK: u64 = 1 << 20;
/// What is read at once where the disk does not give all of it.
const BLOCK: usize = 4096;

/// The buffer and where in the file it stands.
pub(crate) struct Window {
    file: Arc<dyn File>,
    chunk: Bytes,
    at: u64,
    /// Reads around what the disk does not give, which then counts as damaged.
    patch: bool,
}

/// What stands at a place in the file.
pub(crate) enum Found {
    /// A whole frame.
    Whole(Head),
    /// A frame whose payload is damaged.
    BadPayload(Head),
    /// Nothing that could be read.
    Nothing,
}

impl Window {
    pub fn new(file: Arc<dyn File>) -> Self {
        Window { file, chunk: Bytes::new(), at: 0, patch: false }
    }

    /// Whether from now on what cannot be read counts as damaged.
    pub fn set_patch(&mut self, patch: bool) {
        self.patch = patch;
    }

    /// The bytes from `pos` on: at least `want` of them, as far as there are any below `limit`.
    pub fn load(&mut self, pos: u64, want: usize, limit: u64) -> io::Result<&[u8]> {
        let end = self.at + self.chunk.len() as u64;
        let want = (want as u64).min(limit.saturating_sub(pos));
        if pos < self.at || pos + want > end {
            let size = limit.saturating_sub(pos).min(want.max(CHUNK));
            self.chunk = self.read(pos, size as usize)?.into();
            self.at = pos;
        }
        Ok(&self.chunk[((pos - self.at) as usize).min(self.chunk.len())..])
    }

    /// The same bytes as the last [`Window::load`] saw from `pos` on, shared.
    pub fn share(&self, pos: u64) -> Bytes {
        self.chunk.slice(((pos - self.at) as usize).min(self.chunk.len())..)
    }

    /// What stands at `pos`, of a file that may be read up to `limit`.
    pub fn look(&mut self, pos: u64, limit: u64) -> io::Result<Found> {
        let mut want = HEAD_BYTES;
        loop {
            match decode(self.load(pos, want, limit)?) {
                Decoded::Whole(head) => return Ok(Found::Whole(head)),
                Decoded::BadPayload(head) => return Ok(Found::BadPayload(head)),
                Decoded::BadHead => return Ok(Found::Nothing),
                // What would reach beyond the limit, or beyond the file, is no frame or was cut off.
                Decoded::Short(needed) if needed <= want || needed as u64 > limit.saturating_sub(pos) => {
                    return Ok(Found::Nothing);
                }
                Decoded::Short(needed) => want = needed,
            }
        }
    }

    /// The first head at or behind `from` that `accept` takes, and where it stands.
    pub fn find(
        &mut self,
        mut from: u64,
        limit: u64,
        accept: impl Fn(u64, &Head) -> bool,
    ) -> io::Result<Option<(u64, Head)>> {
        let finder = Finder::new(&MAGIC);
        while limit.saturating_sub(from) >= HEAD_BYTES as u64 {
            let bytes = self.load(from, HEAD_BYTES, limit)?;
            let mut heads = finder.find_iter(bytes).filter_map(|i| Some((from + i as u64, decode_head(&bytes[i..])?)));
            if let Some(found) = heads.find(|(pos, head)| accept(*pos, head)) {
                return Ok(Some(found));
            }
            // A head may begin in the last bytes of what was loaded and end behind it.
            match bytes.len() {
                short if short < HEAD_BYTES => return Ok(None),
                len => from += (len - HEAD_BYTES + 1) as u64,
            }
        }
        Ok(None)
    }

    fn read(&self, pos: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; size];
        let mut filled = 0;
        while filled < size {
            let end = if self.patch { size.min(filled + BLOCK) } else { size };
            match self.file.read_at(&mut buffer[filled..end], pos + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.patch => {
                    buffer[filled..end].fill(0);
                    filled = end;
                }
                Err(e) => return Err(e),
            }
        }
        buffer.truncate(filled);
        Ok(buffer)
    }
}

//! What the Parquet library reads from and writes to, over the project's own file system.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use whittle_disk::File;

/// Bytes that are gathered before they are written, so that a page is one write.
const GATHER: usize = 1 << 20;

/// Writes one file from start to end.
pub(crate) struct Sink {
    file: Arc<dyn File>,
    gathered: Vec<u8>,
    at: u64,
}

impl Sink {
    pub(crate) fn new(file: Arc<dyn File>) -> Self {
        Sink { file, gathered: Vec::with_capacity(GATHER), at: 0 }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.gathered, self.at)?;
        self.at += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Writes what is left and makes all of it durable; the file and its length.
    pub(crate) fn finish(&mut self) -> io::Result<(Arc<dyn File>, u64)> {
        self.write_out()?;
        self.file.sync()?;
        Ok((self.file.clone(), self.at))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > GATHER {
            self.write_out()?;
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads stretches of one file.
#[derive(Clone)]
pub(crate) struct Stretches {
    file: Arc<dyn File>,
    len: u64,
}

impl Stretches {
    pub(crate) fn new(file: Arc<dyn File>, len: u64) -> Self {
        Stretches { file, len }
    }

    /// The bytes of a stretch; an error where the file ends before.
    pub(crate) fn bytes(&self, start: u64, len: usize) -> io::Result<Bytes> {
        if start.checked_add(len as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    /// Fills a small buffer from `start`.
    pub(crate) fn fill(&self, buf: &mut [u8], start: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, start)
    }
}

impl Length for Stretches {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Stretches {
    type T = From;

    fn get_read(&self, start: u64) -> Result<From, ParquetError> {
        Ok(From { stretches: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.bytes(start, length)?)
    }
}

/// Reads on from a place in the file.
pub(crate) struct From {
    stretches: Stretches,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(usize::try_from(self.stretches.len.saturating_sub(self.at)).unwrap_or(usize::MAX));
        let read = self.stretches.file.read_at(&mut buf[..len], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

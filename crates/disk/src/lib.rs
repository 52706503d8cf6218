//! The file system as the bus and the history see it.
//!
//! Both write through [`Disk`], so that their tests can cut the power, tear a
//! write, flip a bit or fill the disk at any call. [`OsDisk`] is the real
//! file system; the simulated one stands behind the feature `faults`.

mod os;
#[cfg(feature = "faults")]
pub mod sim;

pub use os::OsDisk;
#[cfg(feature = "faults")]
pub use sim::SimDisk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system. Paths are taken as they are; nothing is created implicitly.
///
/// What a crash may undo: contents until [`File::sync`], and names (creation,
/// [`rename`](Disk::rename), [`remove`](Disk::remove)) until
/// [`sync_dir`](Disk::sync_dir) of the folder that holds them.
pub trait Disk: Send + Sync + 'static {
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Makes a new file; fails with `AlreadyExists` when there is one.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Makes a folder and its parents, as far as they are missing.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// The entries of a folder (full paths), in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Renames within one file system, replacing what stands there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes that an unprivileged writer may still use on the disk of `path`.
    fn free_space(&self, path: &Path) -> io::Result<u64>;
    /// Size in bytes of the disk of `path`.
    fn total_space(&self, path: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock of a file (made when missing) until the guard
    /// is dropped; `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>>;
}

/// An open file. Positions are explicit, so that one handle serves any number of threads.
#[allow(clippy::len_without_is_empty)]
pub trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes at `offset`; 0 at the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf` at `offset`.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Writes all of `parts`, one behind the other, from `offset` on: large parts need not be copied together first.
    fn write_parts_at(&self, parts: &[&[u8]], mut offset: u64) -> io::Result<()> {
        for part in parts {
            self.write_all_at(part, offset)?;
            offset += part.len() as u64;
        }
        Ok(())
    }
    /// Makes the contents (and the length) durable: `fdatasync`.
    fn sync(&self) -> io::Result<()>;
    /// Cuts or extends (with zeros) to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves blocks up to `len` bytes and sets the length to it, so that later writes need no new blocks.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads exactly `buf.len()` bytes at `offset`.
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buf = &mut buf[n..];
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

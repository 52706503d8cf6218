//! Names and small files: what stands where in the data directory, and how a small file is replaced as a whole.
//!
//! ```text
//! format                            version of all that is here
//! lock                              held by the process that has the directory
//! topics/<topic>/<partition>/       segments: <base offset>.log; *.new half made, *.spare to be used again
//! groups/<topic>/<group>            commits of a group
//! ```

use std::io;
use std::path::{Path, PathBuf};

use whittle_disk::Disk;

use crate::api::BusError;

/// Version of the format that this program writes and reads.
pub(crate) const FORMAT: u32 = 1;
/// Bytes of a small file that are read at most.
const MAX_SMALL: u64 = 1 << 20;

/// A name as a file name: all but letters, digits, `-`, `_` and inner dots as `%` and two digits.
pub(crate) fn file_name(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(name.len());
    for (i, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || (byte == b'.' && i > 0) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// The name behind a file name; `None` when it is not one of ours.
pub(crate) fn name_of(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let mut out = Vec::with_capacity(file.len());
    let mut bytes = file.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    let name = String::from_utf8(out).ok()?;
    (file_name(&name) == file).then_some(name)
}

/// Whether a topic or group may be called that. File names have 255 bytes, and a byte may need three.
pub(crate) fn check_name(name: &str) -> Result<(), BusError> {
    if name.is_empty() || name.len() > 80 {
        return Err(BusError::Unknown(format!("'{}': a name has 1 to 80 bytes", name.escape_debug())));
    }
    Ok(())
}

/// Replaces a file as a whole: afterwards it is durable, or the old one still stands.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp~");
    remove_if_there(disk, &temporary)?;
    let file = disk.create_new(&temporary)?;
    let written = file.write_all_at(contents, 0).and_then(|()| file.sync());
    if let Err(e) = written.and_then(|()| disk.rename(&temporary, path)) {
        let _ = disk.remove(&temporary);
        return Err(e);
    }
    disk.sync_dir(parent(path))
}

/// Whether a path is a temporary file of [`replace`].
pub(crate) fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "tmp~")
}

/// Reads a small file; `None` when there is none.
pub(crate) fn read_small(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut contents = vec![0; file.len()?.min(MAX_SMALL) as usize];
    file.read_exact_at(&mut contents, 0)?;
    Ok(Some(contents))
}

/// Removes a file that may be missing.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Makes a folder that may be there, and its name durable, also where an earlier start was ended before it could.
pub(crate) fn make_dir(disk: &dyn Disk, dir: &Path) -> Result<(), BusError> {
    disk.create_dir_all(dir).map_err(|e| BusError::io("cannot make the folder", dir, e))?;
    sync_dir(disk, parent(dir))
}

/// Makes the data directory, and its name and those above it durable.
pub(crate) fn make_data_dir(disk: &dyn Disk, dir: &Path) -> Result<(), BusError> {
    make_dir(disk, dir)?;
    // Not every folder above may be opened, and one that may not is not ours.
    for above in parent(dir).ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()) {
        let _ = disk.sync_dir(above);
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<(), BusError> {
    disk.sync_dir(dir).map_err(|e| BusError::io("cannot sync the folder", dir, e))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The entries of a folder in the order of their names.
pub(crate) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<PathBuf>, BusError> {
    let mut entries = disk.list(dir).map_err(|e| BusError::io("cannot list", dir, e))?;
    entries.sort();
    Ok(entries)
}

/// Reads the version of the format, or writes ours into a new directory.
pub(crate) fn check_format(disk: &dyn Disk, dir: &Path) -> Result<(), BusError> {
    let path = dir.join("format");
    let contents = read_small(disk, &path).map_err(|e| BusError::io("cannot read", &path, e))?;
    let version = contents.as_deref().and_then(parse_format);
    match (version, contents) {
        (Some(version), _) if version > FORMAT => Err(newer(dir, version)),
        (Some(_), _) => Ok(()),
        (None, before) => {
            if before.is_some() {
                // Each segment names its version too, so nothing newer slips through.
                tracing::warn!(path = %path.display(), "the format file is damaged; it is written again");
            }
            replace(disk, &path, format!("whittle-bus {FORMAT}\n").as_bytes())
                .map_err(|e| BusError::io("cannot write", &path, e))
        }
    }
}

/// The error for data of a newer format.
pub(crate) fn newer(path: &Path, version: u32) -> BusError {
    BusError::Newer(format!(
        "{} has format {version}, this program knows {FORMAT}; run the newer program or give another data directory",
        path.display()
    ))
}

fn parse_format(contents: &[u8]) -> Option<u32> {
    std::str::from_utf8(contents).ok()?.strip_prefix("whittle-bus ")?.trim_end().parse().ok()
}

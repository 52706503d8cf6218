//! A file that is waited on at its end, by its name: it may be rotated (another file takes its name) or cut.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::input::{Chunk, Splitter};

/// How often the end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Looks at the end of a file whose name another has, before it is left: its writer may not know yet.
const LAST_LOOKS: u32 = 10;
const READ: usize = 64 << 10;

/// A followed file.
pub(super) struct Follow {
    path: PathBuf,
    file: File,
    position: u64,
    /// Looks since another file took the name.
    rotated: u32,
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// So many bytes.
    Bytes(usize),
    /// The end, for now.
    End,
    /// The end of this file; the next look is at the beginning of what comes after it.
    Over,
}

impl Follow {
    /// Opens a file, to be read from its beginning or its end.
    pub(super) fn open(path: PathBuf, from_end: bool) -> io::Result<Self> {
        let mut file = File::open(&path)?;
        let position = if from_end { file.seek(SeekFrom::End(0))? } else { 0 };
        Ok(Follow { path, file, position, rotated: 0 })
    }

    /// Reads what is there.
    pub(super) fn look(&mut self, buffer: &mut [u8]) -> io::Result<Look> {
        let read = self.file.read(buffer)?;
        self.position += read as u64;
        if read > 0 {
            return Ok(Look::Bytes(read));
        }
        let here = self.file.metadata()?;
        if here.len() < self.position {
            (self.position, self.rotated) = (self.file.seek(SeekFrom::Start(0))?, 0);
            return Ok(Look::Over);
        }
        // No file of that name yet is a rotation under way.
        let Ok(named) = std::fs::metadata(&self.path) else { return Ok(Look::End) };
        self.rotated = if same(&here, &named) { 0 } else { self.rotated + 1 };
        if self.rotated < LAST_LOOKS {
            return Ok(Look::End);
        }
        match File::open(&self.path) {
            Ok(file) => {
                (self.file, self.position, self.rotated) = (file, 0, 0);
                Ok(Look::Over)
            }
            Err(_) => Ok(Look::End),
        }
    }

    /// Reads until `emit` or `stopped` says that it is enough.
    pub(super) fn run(
        mut self,
        splitter: &mut Splitter,
        now: impl Fn() -> i64,
        mut emit: impl FnMut(Chunk) -> bool,
        stopped: impl Fn() -> bool,
    ) {
        let mut buffer = vec![0; READ];
        while !stopped() {
            match self.look(&mut buffer) {
                Ok(Look::Bytes(read)) => {
                    splitter.feed(&buffer[..read], now());
                    if !splitter.is_full() {
                        continue;
                    }
                }
                Ok(Look::Over) => splitter.end(now()),
                Ok(Look::End) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    splitter.fail(&error);
                    break;
                }
            }
            let Some(chunk) = splitter.take() else {
                std::thread::sleep(LOOK_EVERY);
                continue;
            };
            if !emit(chunk) {
                return;
            }
        }
        // A line whose end had not been written is sent as it is: nobody will come back for it.
        splitter.end(now());
        if let Some(chunk) = splitter.take() {
            emit(chunk);
        }
    }
}

fn same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Looks until the end; what was read, with `|` where a file was over.
    fn read(follow: &mut Follow) -> String {
        let (mut text, mut buffer) = (String::new(), [0; 64]);
        for _ in 0..=LAST_LOOKS {
            match follow.look(&mut buffer).expect("readable") {
                Look::Bytes(read) => text.push_str(std::str::from_utf8(&buffer[..read]).expect("text")),
                Look::Over => text.push('|'),
                Look::End => {}
            }
        }
        text
    }

    #[test]
    fn what_is_appended_is_found() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"old\n").expect("written");
        let mut start = Follow::open(file.path().into(), false).expect("opens");
        let mut end = Follow::open(file.path().into(), true).expect("opens");
        assert_eq!((read(&mut start).as_str(), read(&mut end).as_str()), ("old\n", ""));
        file.write_all(b"new\n").expect("written");
        assert_eq!((read(&mut start).as_str(), read(&mut end).as_str()), ("new\n", "new\n"));
    }

    #[test]
    fn a_cut_file_is_read_from_its_beginning() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "a long line\n").expect("written");
        let mut follow = Follow::open(file.path().into(), false).expect("opens");
        assert_eq!(read(&mut follow), "a long line\n");
        std::fs::write(file.path(), "b\n").expect("written");
        assert_eq!(read(&mut follow), "|b\n");
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_before_the_next() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, old) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
        std::fs::write(&path, "1\n").expect("written");
        let mut follow = Follow::open(path.clone(), false).expect("opens");
        assert_eq!(read(&mut follow), "1\n");
        std::fs::rename(&path, &old).expect("renamed");
        assert_eq!(read(&mut follow), "", "there is no new one yet");
        std::fs::write(&path, "3\n").expect("written");
        let mut late = std::fs::OpenOptions::new().append(true).open(&old).expect("opens");
        late.write_all(b"2\n").expect("written");
        assert_eq!(read(&mut follow) + &read(&mut follow), "2\n|3\n");
    }
}

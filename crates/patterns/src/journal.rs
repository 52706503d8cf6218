//! What is new, as bytes that are only ever appended: after a restart the same ids, and two states merge by reading both.
//!
//! Each entry: length (`u32`), CRC-32C of the rest (`u32`), kind (`u8`), content. The first entry is the head. A torn
//! or damaged entry ends what is read; the caller cuts the file at [`Loaded::valid`].

use crate::scan::SCANNER_VERSION;

/// The format of the entries.
pub const JOURNAL_VERSION: u16 = 1;

/// Longest content of an entry: a skeleton with all its holes.
const MAX_ENTRY: usize = 64 * 1024;
const PREFIX: usize = 8;

/// What reading a journal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Bytes that hold whole entries; what follows is torn and is to be cut off.
    pub valid: usize,
    /// Forms that were read and not known before.
    pub new_forms: usize,
    /// The version of the scanner that found the last of them; zero in an empty journal.
    pub scanner: u16,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JournalError {
    /// A later program wrote it: run that one, or start with an empty state.
    #[error("the pattern state has format {found}; this program reads up to {JOURNAL_VERSION}")]
    Newer {
        /// The format found.
        found: u16,
    },
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// Versions of format and scanner.
    Head { format: u16, scanner: u16 },
    /// A form, by its packed skeleton.
    Form(&'a [u8]),
    /// Positions that are open in a layout.
    Open { layout: u64, mask: u64, loose: bool },
    /// Ids of two forms that are one: what an older scanner found, and what today's finds in the same line.
    Same { old: u64, new: u64 },
}

impl Entry<'_> {
    /// This program's head.
    pub(crate) fn head() -> Self {
        Entry::Head { format: JOURNAL_VERSION, scanner: SCANNER_VERSION }
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; PREFIX]);
        match self {
            Entry::Head { format, scanner } => {
                out.push(0);
                out.extend(format.to_le_bytes());
                out.extend(scanner.to_le_bytes());
            }
            Entry::Form(packed) => {
                out.push(1);
                out.extend_from_slice(packed);
            }
            Entry::Open { layout, mask, loose } => {
                out.push(2);
                out.extend(layout.to_le_bytes());
                out.extend(mask.to_le_bytes());
                out.push(u8::from(loose));
            }
            Entry::Same { old, new } => {
                out.push(3);
                out.extend(old.to_le_bytes());
                out.extend(new.to_le_bytes());
            }
        }
        let len = (out.len() - start - PREFIX) as u32;
        let crc = crc32c::crc32c(&out[start + PREFIX..]);
        out[start..start + 4].copy_from_slice(&len.to_le_bytes());
        out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    }
}

/// The entries of a journal, up to the first that is torn.
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Entries<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Entries { bytes, at: 0 }
    }

    /// Bytes of whole entries so far.
    pub(crate) fn valid(&self) -> usize {
        self.at
    }

    fn entry(&self) -> Option<(Entry<'a>, usize)> {
        let rest = &self.bytes[self.at..];
        let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        let crc = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
        let content = rest.get(PREFIX..PREFIX + len).filter(|_| len <= MAX_ENTRY)?;
        if crc32c::crc32c(content) != crc {
            return None;
        }
        let (kind, content) = content.split_first()?;
        let word = |at: usize| content.get(at..).and_then(|c| c.first_chunk()).map(|c| u16::from_le_bytes(*c));
        let long = |at: usize| content.get(at..).and_then(|c| c.first_chunk()).map(|c| u64::from_le_bytes(*c));
        let entry = match kind {
            0 => Entry::Head { format: word(0)?, scanner: word(2)? },
            1 => Entry::Form(content),
            2 => Entry::Open { layout: long(0)?, mask: long(8)?, loose: *content.get(16)? != 0 },
            3 => Entry::Same { old: long(0)?, new: long(8)? },
            _ => return None,
        };
        Some((entry, PREFIX + len))
    }
}

/// The entries of a journal, each as a journal of its own: for stores that keep what is new by what it says, such as a topic in
/// which equal ones become one. The text's hash is a name for it.
pub fn split(journal: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut entries = Entries::of(journal);
    let mut parts = Vec::new();
    let mut head = Vec::new();
    Entry::head().encode(&mut head);
    loop {
        let start = entries.valid();
        match entries.next() {
            None => return parts,
            Some(Entry::Head { .. }) => head = journal[start..entries.valid()].to_vec(),
            Some(_) => {
                let entry = &journal[start..entries.valid()];
                parts.push((name(entry), [head.as_slice(), entry].concat()));
            }
        }
    }
}

/// FNV-1a: names of entries are no secret, and are the same in every program.
fn name(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, len) = self.entry()?;
        self.at += len;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Miner};

    #[test]
    fn parts_of_a_journal_give_the_same_state_in_any_order_and_however_often() {
        let mut miner = Miner::new(Limits::default());
        for n in 0..300 {
            let line = format!("worker {} took {n} ms for job-{} of {}", n % 7, n % 13, ["a", "b", "c"][n % 3]);
            miner.observe(&line, &mut Vec::new());
        }
        let journal = miner.drain_journal();
        let mut parts = split(&journal);
        assert!(parts.len() > 1, "{} parts", parts.len());
        parts.extend(parts.clone());
        parts.reverse();
        let mut other = Miner::new(Limits::default());
        for (_, part) in &parts {
            assert_eq!(other.load(part).expect("reads").valid, part.len());
        }
        assert_eq!(other.catalog().list(), miner.catalog().list());
        assert!(other.drain_journal().is_empty(), "what others told is not told again");
    }
}

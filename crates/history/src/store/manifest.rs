//! The records of the manifest: which files there are, what they hold, and what a restart goes on from.
//!
//! One record is one commit: files come and go in it together with the checkpoint. The first record of a manifest
//! says everything; each later one what changed.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Positions;
use crate::wire::{Put, Take};

/// The format of the records and of the files. Newer is refused, older is migrated.
pub(crate) const FORMAT: u64 = 1;

/// The most that a record may hold.
pub(crate) const MAX_RECORD: usize = 256 << 20;

/// A file of rows, as the manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileEntry {
    /// Names the file; rises with each file made.
    pub(crate) id: u64,
    /// Place among the files in the order of arrival: the id of the first file that went into it.
    pub(crate) order: u64,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Rows.
    pub(crate) rows: u64,
    /// How often its rows have been merged.
    pub(crate) tier: u32,
    /// First and last receipt, in microseconds.
    pub(crate) received: (i64, i64),
}

/// Where the journal of a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalEntry {
    /// Names the file.
    pub(crate) id: u64,
    /// Bytes of it that count.
    pub(crate) bytes: u64,
}

/// What one commit changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The next free id.
    pub(crate) next_id: u64,
    /// Files that are there from now on.
    pub(crate) added: Vec<FileEntry>,
    /// Files that are gone from now on.
    pub(crate) removed: Vec<u64>,
    /// Positions that moved.
    pub(crate) positions: Positions,
    /// States that changed.
    pub(crate) states: BTreeMap<String, Bytes>,
    /// Journals that grew or moved.
    pub(crate) journals: BTreeMap<String, JournalEntry>,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadRecord {
    /// A later program wrote it.
    Newer(u64),
    /// Its content makes no sense.
    Malformed,
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_number(FORMAT);
        out.put_number(self.next_id);
        out.put_number(self.added.len() as u64);
        for file in &self.added {
            for number in [file.id, file.order, file.bytes, file.rows, u64::from(file.tier)] {
                out.put_number(number);
            }
            out.put_signed(file.received.0);
            out.put_signed(file.received.1);
        }
        out.put_number(self.removed.len() as u64);
        self.removed.iter().for_each(|&id| out.put_number(id));
        out.put_number(self.positions.len() as u64);
        for (&partition, &offset) in &self.positions {
            out.put_number(u64::from(partition));
            out.put_number(offset);
        }
        out.put_number(self.states.len() as u64);
        for (name, state) in &self.states {
            out.put_bytes(name.as_bytes());
            out.put_bytes(state);
        }
        out.put_number(self.journals.len() as u64);
        for (name, journal) in &self.journals {
            out.put_bytes(name.as_bytes());
            out.put_number(journal.id);
            out.put_number(journal.bytes);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Record, BadRecord> {
        let mut take = Take(bytes);
        match take.number() {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => return Err(BadRecord::Newer(newer)),
            _ => return Err(BadRecord::Malformed),
        }
        Record::content(&mut take).filter(|_| take.is_done()).ok_or(BadRecord::Malformed)
    }

    fn content(take: &mut Take<'_>) -> Option<Record> {
        let mut record = Record { next_id: take.number()?, ..Record::default() };
        for _ in 0..take.count(7)? {
            record.added.push(FileEntry {
                id: take.number()?,
                order: take.number()?,
                bytes: take.number()?,
                rows: take.number()?,
                tier: take.small()?,
                received: (take.signed()?, take.signed()?),
            });
        }
        for _ in 0..take.count(1)? {
            record.removed.push(take.number()?);
        }
        for _ in 0..take.count(2)? {
            record.positions.insert(take.small()?, take.number()?);
        }
        for _ in 0..take.count(2)? {
            record.states.insert(take.text()?.to_owned(), Bytes::copy_from_slice(take.bytes()?));
        }
        for _ in 0..take.count(3)? {
            let name = take.text()?.to_owned();
            record.journals.insert(name, JournalEntry { id: take.number()?, bytes: take.number()? });
        }
        Some(record)
    }

    /// Takes a later record in.
    pub(crate) fn apply(&mut self, later: &Record) {
        self.next_id = self.next_id.max(later.next_id);
        self.added.retain(|file| !later.removed.contains(&file.id));
        self.added.extend(&later.added);
        self.added.sort_unstable_by_key(|file| file.order);
        self.positions.extend(later.positions.iter().map(|(&p, &o)| (p, o)));
        self.states.extend(later.states.iter().map(|(name, state)| (name.clone(), state.clone())));
        self.journals.extend(later.journals.iter().map(|(name, journal)| (name.clone(), *journal)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        let file = (any::<[u64; 4]>(), any::<u32>(), any::<(i64, i64)>()).prop_map(|(n, tier, received)| FileEntry {
            id: n[0],
            order: n[1],
            bytes: n[2],
            rows: n[3],
            tier,
            received,
        });
        let bytes = prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
        let journal = any::<(u64, u64)>().prop_map(|(id, bytes)| JournalEntry { id, bytes });
        (
            any::<u64>(),
            prop::collection::vec(file, 0..4),
            prop::collection::vec(any::<u64>(), 0..4),
            prop::collection::btree_map(any::<u32>(), any::<u64>(), 0..4),
            prop::collection::btree_map("\\PC{0,8}", bytes, 0..3),
            prop::collection::btree_map("\\PC{0,8}", journal, 0..3),
        )
            .prop_map(|(next_id, added, removed, positions, states, journals)| Record {
                next_id,
                added,
                removed,
                positions,
                states,
                journals,
            })
    }

    proptest! {
        #[test]
        fn a_record_comes_back(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
            let _ = Record::decode(&bytes);
            let mut framed = vec![1];
            framed.extend(&bytes);
            let _ = Record::decode(&framed);
            let whole = Record { states: [("s".to_owned(), Bytes::from(bytes))].into(), ..Record::default() }.encode();
            prop_assert_eq!(Record::decode(&whole[..cut.index(whole.len())]), Err(BadRecord::Malformed));
        }
    }

    #[test]
    fn a_later_format_is_named() {
        let mut bytes = Vec::new();
        bytes.put_number(FORMAT + 1);
        assert_eq!(Record::decode(&bytes), Err(BadRecord::Newer(FORMAT + 1)));
    }
}

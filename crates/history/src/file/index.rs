//! What a file says about itself beside its columns: templates, and an index of series and row groups.
//!
//! Both stand between the last row group and the Parquet footer, compressed with zstd; the footer's key-value pairs
//! `whittle.templates` and `whittle.index` say where (first byte, length, length unpacked, CRC-32C; in decimal).
//!
//! Templates, for each form: id (`u64`, little endian), length (`u32`), the packed skeleton (number of holes `u16`, for
//! each the length of the literal text before it `u16`, for each a byte, the literal text). Length 0: messages of this form stand whole.

use std::sync::Arc;

use whittle_domain::Level;
use whittle_patterns::{FormId, Skeleton};

use super::dictionary::{Dictionary, Form, Series};
use crate::wire::{Put, Take};

/// Most bytes of a section, unpacked.
const MAX_SECTION: usize = 128 << 20;

/// Rows of one series in a file, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesRows {
    pub(crate) rows: u64,
    /// First and last timestamp.
    pub(crate) seen: (i64, i64),
}

impl SeriesRows {
    /// Counts a row.
    pub(crate) fn add(&mut self, timestamp: i64) {
        self.take_in(SeriesRows { rows: 1, seen: (timestamp, timestamp) });
    }

    /// Counts the rows of another.
    pub(crate) fn take_in(&mut self, other: SeriesRows) {
        if self.rows == 0 {
            *self = other;
        } else if other.rows > 0 {
            self.rows += other.rows;
            self.seen = (self.seen.0.min(other.seen.0), self.seen.1.max(other.seen.1));
        }
    }
}

/// The offsets of one partition in a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) partition: u32,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The bounds of a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) rows: u32,
    /// First and last timestamp.
    pub(crate) seen: (i64, i64),
    /// By partition, rising.
    pub(crate) offsets: Vec<Offsets>,
}

/// The index of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) dictionary: Arc<Dictionary>,
    /// As long as the dictionary's series.
    pub(crate) series: Vec<SeriesRows>,
    pub(crate) groups: Vec<Group>,
}

/// Where a section stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) start: u64,
    pub(crate) len: usize,
    pub(crate) unpacked: usize,
    pub(crate) crc: u32,
}

impl Section {
    /// As it stands in the footer.
    pub(crate) fn to_text(self) -> String {
        format!("{} {} {} {}", self.start, self.len, self.unpacked, self.crc)
    }

    pub(crate) fn from_text(text: &str) -> Option<Section> {
        let mut numbers = text.split(' ');
        let section = Section {
            start: numbers.next()?.parse().ok()?,
            len: numbers.next()?.parse().ok()?,
            unpacked: numbers.next()?.parse().ok()?,
            crc: numbers.next()?.parse().ok()?,
        };
        (numbers.next().is_none() && section.unpacked <= MAX_SECTION).then_some(section)
    }

    /// Packs a section that will stand at `start`.
    pub(crate) fn pack(content: &[u8], start: u64) -> std::io::Result<(Section, Vec<u8>)> {
        let packed = zstd::bulk::compress(content, 3)?;
        let crc = crc32c::crc32c(&packed);
        Ok((Section { start, len: packed.len(), unpacked: content.len(), crc }, packed))
    }

    /// The content of a packed section.
    pub(crate) fn unpack(self, packed: &[u8]) -> Option<Vec<u8>> {
        if crc32c::crc32c(packed) != self.crc {
            return None;
        }
        let content = zstd::bulk::decompress(packed, self.unpacked.min(MAX_SECTION)).ok()?;
        (content.len() == self.unpacked).then_some(content)
    }
}

/// The templates of forms, packed as described above.
pub(crate) fn encode_templates(forms: &[Form]) -> Vec<u8> {
    let mut out = Vec::new();
    for form in forms {
        let packed = form.skeleton.as_ref().map_or(&[][..], Skeleton::as_bytes);
        out.extend(form.id.0.to_le_bytes());
        out.extend((packed.len() as u32).to_le_bytes());
        out.extend_from_slice(packed);
    }
    out
}

pub(crate) fn decode_templates(bytes: &[u8]) -> Option<Vec<Form>> {
    let (mut take, mut forms) = (Take(bytes), Vec::new());
    while !take.is_done() {
        let id = FormId(u64::from_le_bytes(*take.exact(8)?.first_chunk()?));
        let len = u32::from_le_bytes(*take.exact(4)?.first_chunk()?);
        let packed = take.exact(len as usize)?;
        let skeleton = if packed.is_empty() { None } else { Some(Skeleton::from_bytes(packed)?) };
        forms.push(Form { id, skeleton });
    }
    Some(forms)
}

impl Index {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_number(self.dictionary.sources.len() as u64);
        for source in &self.dictionary.sources {
            out.put_bytes(source.as_bytes());
        }
        out.put_number(self.series.len() as u64);
        for (series, rows) in self.dictionary.series.iter().zip(&self.series) {
            for number in [u64::from(series.form), u64::from(series.source), series.level as u64, rows.rows] {
                out.put_number(number);
            }
            put_range(rows.seen, &mut out);
        }
        out.put_number(self.groups.len() as u64);
        for group in &self.groups {
            out.put_number(u64::from(group.rows));
            put_range(group.seen, &mut out);
            out.put_number(group.offsets.len() as u64);
            for offsets in &group.offsets {
                out.put_number(u64::from(offsets.partition));
                out.put_number(offsets.first);
                out.put_number(offsets.last - offsets.first);
            }
        }
        out
    }

    /// The index with the forms of its file.
    pub(crate) fn decode(bytes: &[u8], forms: Vec<Form>) -> Option<Index> {
        let mut take = Take(bytes);
        let mut dictionary = Dictionary { forms, ..Dictionary::default() };
        for _ in 0..take.count(1)? {
            dictionary.sources.push(take.text()?.into());
        }
        let mut index = Index::default();
        for _ in 0..take.count(6)? {
            let series = take_series(&mut take, &dictionary)?;
            dictionary.series.push(series);
            index.series.push(SeriesRows { rows: take.number()?, seen: take_range(&mut take)? });
        }
        for _ in 0..take.count(4)? {
            let (rows, seen) = (take.small()?, take_range(&mut take)?);
            let mut offsets = Vec::new();
            for _ in 0..take.count(3)? {
                let (partition, first) = (take.small()?, take.number()?);
                offsets.push(Offsets { partition, first, last: first.checked_add(take.number()?)? });
            }
            index.groups.push(Group { rows, seen, offsets });
        }
        index.dictionary = Arc::new(dictionary);
        take.is_done().then_some(index)
    }

    /// First and last timestamp of all rows.
    pub(crate) fn seen(&self) -> Option<(i64, i64)> {
        self.groups.iter().map(|group| group.seen).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

fn take_series(take: &mut Take<'_>, dictionary: &Dictionary) -> Option<Series> {
    let (form, source) = (take.small()?, take.small()?);
    let level = *Level::ALL.get(take.number()? as usize)?;
    let known = (form as usize) < dictionary.forms.len() && (source as usize) < dictionary.sources.len();
    known.then_some(Series { form, source, level })
}

fn put_range((first, last): (i64, i64), out: &mut Vec<u8>) {
    out.put_signed(first);
    out.put_number(last.wrapping_sub(first) as u64);
}

fn take_range(take: &mut Take<'_>) -> Option<(i64, i64)> {
    let first = take.signed()?;
    let last = first.wrapping_add(take.number()? as i64);
    (first <= last).then_some((first, last))
}

//! What a file says about itself beside its columns, in sections between the last row group and the Parquet footer.
//!
//! Each section is compressed with zstd; the footer's key-value pairs `whittle.templates`, `whittle.index` and `whittle.cells`
//! say where it stands (first byte, length, length unpacked, CRC-32C; in decimal).
//!
//! Templates, for each form: id (`u64`, little endian), length (`u32`), the packed skeleton (number of holes `u16`, for
//! each the length of the literal text before it `u16`, for each a byte, the literal text). Length 0: messages of this
//! form stand whole. Numbers of the index are LEB128. Cells: see `rollup`.

use std::sync::Arc;

use whittle_domain::Level;
use whittle_patterns::{FormId, Skeleton};

use super::dictionary::{Dictionary, Series};
use super::filter::Filter;
use super::forms::{Form, Forms};
use super::rollup::{Minute, encode_minutes, take_minutes};
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
    pub(crate) const NONE: SeriesRows = SeriesRows { rows: 0, seen: (0, 0) };

    /// Counts a row.
    #[inline]
    pub(crate) fn add(&mut self, timestamp: i64) {
        self.take_in(SeriesRows { rows: 1, seen: (timestamp, timestamp) });
    }

    /// Counts the rows of another.
    #[inline]
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

/// What is known of a row group without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) rows: u32,
    /// Rows whose timestamps are far from their receipt stand in row groups of their own, by timestamp.
    pub(crate) late: bool,
    /// First and last timestamp.
    pub(crate) seen: (i64, i64),
    /// By partition, rising.
    pub(crate) offsets: Box<[Offsets]>,
    pub(crate) filter: Filter,
}

/// The index of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    pub(crate) dictionary: Arc<Dictionary>,
    /// As long as the dictionary's series.
    pub(crate) series: Vec<SeriesRows>,
    pub(crate) groups: Vec<Group>,
    /// Rows by minute and level.
    pub(crate) minutes: Vec<Minute>,
    /// Microseconds of a stretch of the cells.
    pub(crate) grain: i64,
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
pub(crate) fn encode_templates(forms: &[Arc<Form>]) -> Vec<u8> {
    let mut out = Vec::new();
    for form in forms {
        let packed = form.skeleton.as_ref().map_or(&[][..], Skeleton::as_bytes);
        out.extend(form.id.0.to_le_bytes());
        out.extend((packed.len() as u32).to_le_bytes());
        out.extend_from_slice(packed);
    }
    out
}

pub(crate) fn decode_templates(bytes: &[u8], known: &Forms) -> Option<Vec<Arc<Form>>> {
    let (mut take, mut forms) = (Take(bytes), Vec::new());
    while !take.is_done() {
        let id = FormId(u64::from_le_bytes(*take.exact(8)?.first_chunk()?));
        let len = u32::from_le_bytes(*take.exact(4)?.first_chunk()?);
        let packed = take.exact(len as usize)?;
        let skeleton = if packed.is_empty() { None } else { Some(Skeleton::from_bytes(packed)?) };
        forms.push(known.intern(id, skeleton));
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
        self.groups.iter().for_each(|group| put_group(group, &mut out));
        encode_minutes(&self.minutes, &mut out);
        out.put_number(self.grain as u64);
        out
    }

    /// The index with the forms of its file.
    pub(crate) fn decode(bytes: &[u8], forms: Vec<Arc<Form>>) -> Option<Index> {
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
        for _ in 0..take.count(10)? {
            index.groups.push(take_group(&mut take)?);
        }
        index.minutes = take_minutes(&mut take)?;
        index.grain = i64::try_from(take.number()?).ok().filter(|&grain| grain > 0)?;
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
    let level = *Level::ALL.get(take.small()? as usize)?;
    let known = (form as usize) < dictionary.forms.len() && (source as usize) < dictionary.sources.len();
    known.then_some(Series { form, source, level })
}

fn put_group(group: &Group, out: &mut Vec<u8>) {
    out.put_number(u64::from(group.rows));
    out.put_number(u64::from(group.late));
    put_range(group.seen, out);
    out.put_number(group.offsets.len() as u64);
    for offsets in &group.offsets {
        out.put_number(u64::from(offsets.partition));
        out.put_number(offsets.first);
        out.put_number(offsets.last - offsets.first);
    }
    let filter = &group.filter;
    let numbers = [filter.start, filter.len.into(), filter.seed, filter.segment.into(), filter.span.into()];
    numbers.into_iter().for_each(|number| out.put_number(number));
}

fn take_group(take: &mut Take<'_>) -> Option<Group> {
    let (rows, late, seen) = (take.small()?, take.number()? != 0, take_range(take)?);
    let mut offsets = Vec::new();
    for _ in 0..take.count(3)? {
        let (partition, first) = (take.small()?, take.number()?);
        offsets.push(Offsets { partition, first, last: first.checked_add(take.number()?)? });
    }
    let filter = Filter {
        start: take.number()?,
        len: take.small()?,
        seed: take.number()?,
        segment: take.small()?,
        span: take.small()?,
    };
    Some(Group { rows, late, seen, offsets: offsets.into(), filter })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> impl Strategy<Value = Index> {
        let range = any::<(i64, i64)>().prop_map(|(a, b)| (a.min(b), a.max(b)));
        let offsets = (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(partition, first, more)| {
            let first = u64::from(first);
            Offsets { partition, first, last: first + u64::from(more) }
        });
        let filter = any::<(u64, u32, u64, u32, u32)>();
        let filter = filter.prop_map(|(start, len, seed, segment, span)| Filter { start, len, seed, segment, span });
        let group = (any::<u32>(), any::<bool>(), range.clone(), prop::collection::vec(offsets, 0..3), filter);
        let group = group.prop_map(|(rows, late, seen, offsets, filter)| Group {
            rows,
            late,
            seen,
            offsets: offsets.into(),
            filter,
        });
        let series = (0u32..2, 0u32..3, 0usize..4, any::<u64>(), range);
        let minutes = prop::collection::btree_map(any::<i64>(), any::<[u32; 4]>(), 0..4);
        (prop::collection::vec(group, 0..4), prop::collection::vec(series, 0..5), minutes).prop_map(
            |(groups, series, minutes)| {
                let dictionary = Dictionary {
                    sources: ["a", "b", "ä\0"].map(Arc::from).to_vec(),
                    forms: forms(&Forms::default()),
                    series: series.iter().map(|s| Series { form: s.0, source: s.1, level: Level::ALL[s.2] }).collect(),
                };
                let rows = series.iter().map(|s| SeriesRows { rows: s.3, seen: s.4 }).collect();
                let minutes = minutes.into_iter().map(|(minute, levels)| Minute { minute, levels }).collect();
                Index { dictionary: Arc::new(dictionary), series: rows, groups, minutes, grain: 60_000_000 }
            },
        )
    }

    fn forms(known: &Forms) -> Vec<Arc<Form>> {
        vec![known.intern(FormId(7), Some(Skeleton::of(b"a b", &[]))), known.intern(FormId(0), None)]
    }

    proptest! {
        #[test]
        fn an_index_comes_back(index in index()) {
            let again = Index::decode(&index.encode(), forms(&Forms::default())).expect("what was written");
            prop_assert_eq!((&again.series, &again.groups, &again.minutes), (&index.series, &index.groups, &index.minutes));
            prop_assert_eq!(&again.dictionary.sources, &index.dictionary.sources);
            prop_assert_eq!(&again.dictionary.series, &index.dictionary.series);
        }

        #[test]
        fn any_bytes_are_an_index_or_none(index in index(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
                                          bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let known = Forms::default();
            Index::decode(&bytes, forms(&known));
            let mut changed = index.encode();
            let at = at.index(changed.len());
            changed[at] = byte;
            Index::decode(&changed, forms(&known));
            Index::decode(&changed[..at], forms(&known));
            decode_templates(&bytes, &known);
            Section::from_text(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn templates_come_back(text in "[a-z0-9 ]{1,30}") {
            let known = Forms::default();
            let forms = vec![known.intern(FormId(9), Some(Skeleton::of(text.as_bytes(), &[]))), known.intern(FormId(0), None)];
            let again = decode_templates(&encode_templates(&forms), &known).expect("what was written");
            prop_assert!(again.iter().zip(&forms).all(|(a, b)| Arc::ptr_eq(a, b)));
            let (section, packed) = Section::pack(text.as_bytes(), 5).unwrap();
            prop_assert_eq!(section.unpack(&packed), Some(text.into_bytes()));
            prop_assert_eq!(Section::from_text(&section.to_text()), Some(section));
        }
    }
}

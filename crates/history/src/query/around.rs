//! The rows next to one in the raw log, of the same source.

use std::io;

use super::columns::GroupColumns;
use super::meter::{Meter, Stop};
use super::sink::Place;
use crate::store::Snapshot;

/// A part of a snapshot that holds offsets of the partition: first and last of them.
struct Part {
    unit: usize,
    part: usize,
    first: u64,
    last: u64,
}

/// What is looked for.
pub(crate) struct Around<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) meter: &'a Meter<'a>,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
}

impl Around<'_> {
    /// The places of up to `each` rows before, the row, and up to `each` after; nothing when the row is not there.
    pub(crate) fn places(&self, each: usize) -> Result<Vec<Place>, Stop> {
        let parts = self.parts();
        let Some((source, center)) = self.center(&parts)? else { return Ok(Vec::new()) };
        let mut before = self.side(&parts, &source, each, true)?;
        before.reverse();
        before.push(center);
        before.extend(self.side(&parts, &source, each, false)?);
        Ok(before)
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (unit, tail) in self.snapshot.tails.iter().enumerate() {
            for (part, segment) in tail.segments().enumerate() {
                let offsets =
                    segment.rows().filter(|(row, _)| row.partition == self.partition).map(|(row, _)| row.offset);
                if let Some((first, last)) = offsets.fold(None, |seen: Option<(u64, u64)>, o| {
                    Some(seen.map_or((o, o), |(first, last)| (first.min(o), last.max(o))))
                }) {
                    parts.push(Part { unit, part, first, last });
                }
            }
        }
        for (at, file) in self.snapshot.files.iter().enumerate() {
            let unit = self.snapshot.tails.len() + at;
            for (part, group) in file.rows.index.groups.iter().enumerate() {
                let of_partition = group.offsets.iter().filter(|offsets| offsets.partition == self.partition);
                parts.extend(of_partition.map(|offsets| Part { unit, part, first: offsets.first, last: offsets.last }));
            }
        }
        parts
    }

    fn center(&self, parts: &[Part]) -> Result<Option<(String, Place)>, Stop> {
        for part in parts.iter().filter(|part| (part.first..=part.last).contains(&self.offset)) {
            self.meter.look()?;
            match self.find(part) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(e) => self.meter.damaged(&e),
            }
        }
        Ok(None)
    }

    fn find(&self, part: &Part) -> io::Result<Option<(String, Place)>> {
        let mut found = None;
        self.each(part, None, &mut |offset, place, source| {
            if offset == self.offset {
                found = Some((source.to_owned(), place));
            }
        })?;
        Ok(found)
    }

    /// The nearest rows on one side, nearest first.
    fn side(&self, parts: &[Part], source: &str, each: usize, before: bool) -> Result<Vec<Place>, Stop> {
        let distance =
            |offset: u64| if before { self.offset.checked_sub(offset) } else { offset.checked_sub(self.offset) };
        let is_beside = |part: &&Part| if before { part.first < self.offset } else { part.last > self.offset };
        // How near a part can come; none is nearer than the offset itself.
        let nearest = |part: &Part| distance(if before { part.last } else { part.first }).unwrap_or(0);
        let mut beside: Vec<&Part> = parts.iter().filter(is_beside).collect();
        beside.sort_unstable_by_key(|part| nearest(part));
        let mut found: Vec<(u64, Place)> = Vec::new();
        for part in beside {
            if each == 0 || found.len() == each && found[each - 1].0 < nearest(part) {
                break;
            }
            self.meter.look()?;
            let taken = self.each(part, Some(source), &mut |offset, place, _| {
                found.extend(distance(offset).filter(|&distance| distance > 0).map(|distance| (distance, place)));
            });
            taken.unwrap_or_else(|e| self.meter.damaged(&e));
            found.sort_unstable();
            found.truncate(each);
        }
        Ok(found.into_iter().map(|(_, place)| place).collect())
    }

    /// Gives the rows of the partition in a part, of one source or of all.
    fn each(&self, part: &Part, source: Option<&str>, give: &mut dyn FnMut(u64, Place, &str)) -> io::Result<()> {
        let place = |row: usize| Place { unit: part.unit as u32, part: part.part as u32, row: row as u32 };
        let Some(file) = part.unit.checked_sub(self.snapshot.tails.len()) else {
            let Some(segment) = self.snapshot.tails[part.unit].segment(part.part) else { return Ok(()) };
            for (at, row) in segment.batch.rows().iter().enumerate() {
                let of = segment.batch.str(row.source);
                let is_there = segment.series[at] != crate::tail::SKIPPED && row.partition == self.partition;
                if is_there && source.is_none_or(|source| source == of) {
                    give(row.offset, place(at), of);
                }
            }
            return Ok(());
        };
        let file = &self.snapshot.files[file].rows;
        let names = &file.index.dictionary.sources;
        let wanted = match source.map(|source| file.index.dictionary.source(source)) {
            Some(None) => return Ok(()),
            other => other.flatten(),
        };
        let columns = GroupColumns::new(file, part.part);
        let (offsets, partitions, sources) = (columns.offsets()?, columns.partitions()?, columns.sources()?);
        for (row, ((&offset, &partition), &of)) in offsets.iter().zip(partitions).zip(sources).enumerate() {
            if partition == self.partition && wanted.is_none_or(|wanted| wanted == of) {
                give(offset as u64, place(row), &names[of as usize]);
            }
        }
        Ok(())
    }
}

//! Puts whole rows together: reads, for each, the pages that hold it and no more.

use std::io;

use bytes::Bytes;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use whittle_domain::Level;

use super::cache::{Cache, PageKey};
use super::columns::{TextColumn, TextPage};
use super::judge::Judge;
use super::scan::Scan;
use super::sink::Place;
use crate::StoredRow;
use crate::file::codes::Codes;
use crate::file::read::{RowFile, damaged};
use crate::file::schema::Column;
use crate::file::values::put_message;
use crate::store::StoredFile;

/// The rows at these places, in their order.
pub(crate) fn fetch(scan: &Scan<'_>, places: &[Place]) -> io::Result<Vec<StoredRow>> {
    let (snapshot, judge) = (&scan.snapshot, &scan.judge);
    let mut by_row: Vec<usize> = (0..places.len()).collect();
    by_row.sort_unstable_by_key(|&at| places[at]);
    let mut rows: Vec<Option<StoredRow>> = vec![None; places.len()];
    for run in by_row.chunk_by(|&a, &b| (places[a].unit, places[a].part) == (places[b].unit, places[b].part)) {
        let Place { unit, part, .. } = places[run[0]];
        let Some(file) = (unit as usize).checked_sub(snapshot.tails.len()) else {
            let tail = &snapshot.tails[unit as usize];
            let segment = tail.segment(part as usize).ok_or_else(|| damaged("a tail"))?;
            for &at in run {
                rows[at] = Some(from_tail(tail, segment, places[at].row, judge));
            }
            continue;
        };
        let mut group = GroupRows::new(&snapshot.files[file], part as usize, &scan.caches.pages);
        for &at in run {
            rows[at] = Some(group.row(places[at].row, judge)?);
        }
    }
    Ok(rows.into_iter().flatten().collect())
}

fn from_tail(tail: &crate::tail::Tail, segment: &crate::tail::Segment, at: u32, judge: &Judge<'_>) -> StoredRow {
    let row = &segment.batch.rows()[at as usize];
    let text = segment.batch.text(row);
    let form = tail.dictionary.form(segment.series[at as usize]);
    StoredRow {
        partition: row.partition,
        offset: row.offset,
        timestamp: row.timestamp,
        received_at: row.received_at,
        level: row.level,
        level_text: text.level_text.to_owned(),
        source: text.source.to_owned(),
        message: text.message.to_owned(),
        context: text.context.to_owned(),
        pattern: judge.pattern_of(form),
    }
}

/// Numbers of the page of a column that was asked for last.
struct NumberPage<T> {
    first: u32,
    values: Vec<T>,
}

/// Reads the rows of one row group, by rising row.
struct GroupRows<'f> {
    file: &'f RowFile,
    group: usize,
    longs: HashMap<usize, NumberPage<i64>>,
    names: HashMap<usize, Codes<'f>>,
    codes: HashMap<usize, NumberPage<u32>>,
    level_texts: Option<(u32, Vec<Bytes>)>,
    variables: TextColumn<'f>,
    contexts: TextColumn<'f>,
}

impl<'f> GroupRows<'f> {
    fn new(stored: &'f StoredFile, group: usize, pages: &'f Cache<PageKey, TextPage>) -> Self {
        let (file, id) = (&stored.rows, stored.entry.id);
        GroupRows {
            file,
            group,
            longs: HashMap::new(),
            names: HashMap::new(),
            codes: HashMap::new(),
            level_texts: None,
            variables: TextColumn::new(file, group, Column::Variables).kept(pages, id),
            contexts: TextColumn::new(file, group, Column::Context).kept(pages, id),
        }
    }

    fn page(&self, column: Column, row: u32) -> io::Result<(usize, u32)> {
        self.file.chunk(self.group, column).page_of(row).ok_or_else(|| damaged(column.name()))
    }

    fn long(&mut self, column: Column, row: u32) -> io::Result<i64> {
        let (page, first) = self.page(column, row)?;
        if self.longs.get(&(column as usize)).is_none_or(|kept| kept.first != first) {
            let values = self.file.longs(self.group, column, page..page + 1)?;
            self.longs.insert(column as usize, NumberPage { first, values });
        }
        let kept = self.longs.get(&(column as usize)).and_then(|kept| kept.values.get((row - first) as usize));
        kept.copied().ok_or_else(|| damaged(column.name()))
    }

    fn code(&mut self, column: Column, row: u32) -> io::Result<u32> {
        let (page, first) = self.page(column, row)?;
        if self.codes.get(&(column as usize)).is_none_or(|kept| kept.first != first) {
            let names = match self.names.entry(column as usize) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.file.codes(self.group, column)?),
            };
            let values = names.rows(page..page + 1)?;
            self.codes.insert(column as usize, NumberPage { first, values });
        }
        let kept = self.codes.get(&(column as usize)).and_then(|kept| kept.values.get((row - first) as usize));
        kept.copied().ok_or_else(|| damaged(column.name()))
    }

    fn level_text(&mut self, row: u32) -> io::Result<String> {
        let (page, first) = self.page(Column::LevelText, row)?;
        if self.level_texts.as_ref().is_none_or(|kept| kept.0 != first) {
            self.level_texts = Some((first, self.file.texts(self.group, Column::LevelText, page)?));
        }
        let kept = self.level_texts.as_ref().and_then(|kept| kept.1.get((row - first) as usize));
        let text = kept.ok_or_else(|| damaged("level_text"))?;
        String::from_utf8(text.to_vec()).map_err(|_| damaged("level_text"))
    }

    fn row(&mut self, row: u32, judge: &Judge<'_>) -> io::Result<StoredRow> {
        let dictionary = &self.file.index.dictionary;
        let form = &dictionary.forms[self.code(Column::Form, row)? as usize];
        let mut message = Vec::new();
        let page: &TextPage = self.variables.page(row)?;
        if !put_message(form.skeleton.as_ref(), page.text(row), &mut message) {
            return Err(damaged("variables"));
        }
        Ok(StoredRow {
            partition: self.code(Column::Partition, row)?,
            offset: self.long(Column::Offset, row)? as u64,
            timestamp: self.long(Column::Timestamp, row)?,
            received_at: self.long(Column::Received, row)?,
            level: Level::ALL[self.code(Column::Level, row)? as usize & 3],
            level_text: self.level_text(row)?,
            source: dictionary.sources[self.code(Column::Source, row)? as usize].to_string(),
            message: String::from_utf8(message).map_err(|_| damaged("variables"))?,
            context: self.contexts.text(row)?.to_owned(),
            pattern: judge.pattern_of(form),
        })
    }
}

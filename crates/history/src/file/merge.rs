//! Several files as one: full row groups are copied as they stand, small ones are read and written together.

use std::io;
use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_patterns::Var;

use super::columns::Columns;
use super::dictionary::{Dictionary, Finder, Series};
use super::from_tail::GROUP_BYTES;
use super::index::SeriesRows;
use super::read::{RowFile, damaged};
use super::rollup::{Cell, Cells, summed_minutes};
use super::schema::Column;
use super::values::put_with_places;
use super::words;
use super::write::{FileWriter, Source, Totals};

/// Late rows are sorted over so many row groups at once.
const SORTED_GROUPS: usize = 4;

/// The dictionaries of several files as one.
pub(crate) struct Union {
    pub(crate) dictionary: Arc<Dictionary>,
    series: HashMap<Series, u32>,
    /// For each file what its indexes become.
    maps: Vec<Map>,
}

struct Map {
    sources: Vec<u32>,
    forms: Vec<u32>,
    series: Vec<u32>,
}

impl Union {
    /// `None` when two texts of one form id meet: these files must stay apart.
    pub(crate) fn of(files: &[&RowFile]) -> Option<Union> {
        let (mut finder, mut dictionary, mut maps) = (Finder::default(), Dictionary::default(), Vec::new());
        for file in files {
            let own = &file.index.dictionary;
            let sources = own.sources.iter().map(|source| finder.source(source, &mut dictionary).1).collect::<Vec<_>>();
            let mut forms = Vec::new();
            for form in &own.forms {
                let at = finder.form(form.id, || form.clone(), &mut dictionary);
                Arc::ptr_eq(&dictionary.forms[at as usize], form).then_some(())?;
                forms.push(at);
            }
            let series = own.series.iter().map(|series| Series {
                form: forms[series.form as usize],
                source: sources[series.source as usize],
                level: series.level,
            });
            let series = series.map(|series| finder.series(series, &mut dictionary)).collect();
            maps.push(Map { sources, forms, series });
        }
        let series = (0..).zip(&dictionary.series).map(|(at, &series)| (series, at)).collect();
        Some(Union { dictionary: Arc::new(dictionary), series, maps })
    }

    /// What is counted over all rows: nothing is counted anew.
    pub(crate) fn totals(&self, files: &[&RowFile], received: (i64, i64)) -> io::Result<Totals> {
        let mut series = vec![SeriesRows::NONE; self.dictionary.series.len()];
        let (mut minutes, mut cells, mut rows) = (Vec::new(), Vec::new(), 0);
        for (file, map) in files.iter().zip(&self.maps) {
            for (&at, &of_file) in map.series.iter().zip(&file.index.series) {
                series[at as usize].take_in(of_file);
            }
            minutes.extend_from_slice(&file.index.minutes);
            let mut own = file.cells()?;
            own.cells.iter_mut().for_each(|cell: &mut Cell| cell.series = map.series[cell.series as usize]);
            cells.push(own);
            rows += file.index.groups.iter().map(|group| group.rows as usize).sum::<usize>();
        }
        Ok(Totals { series, minutes: summed_minutes(minutes), cells: Cells::merged(&cells, rows), received })
    }

    /// Writes the row groups of all files. `pace` is told the bytes written so far after each, and may end it all.
    pub(crate) fn write(
        &self,
        files: &[&RowFile],
        group_rows: usize,
        writer: &mut FileWriter,
        mut pace: impl FnMut(u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut small = Small { union: self, group_rows, on_time: Columns::default(), late: Columns::default() };
        small.late.late = true;
        for (file, map) in files.iter().zip(&self.maps) {
            let source = Source::open(file.stretches().clone())?;
            for (at, group) in file.index.groups.iter().enumerate() {
                if group.rows as usize * 2 >= group_rows {
                    writer.copy(&source, at, group)?;
                } else {
                    small.take_in(file, at, map)?;
                    small.write_full(writer)?;
                }
                pace(writer.bytes())?;
            }
        }
        small.write_rest(writer)
    }
}

/// Rows of small row groups.
struct Small<'a> {
    union: &'a Union,
    group_rows: usize,
    on_time: Columns,
    late: Columns,
}

impl Small<'_> {
    fn take_in(&mut self, file: &RowFile, group: usize, map: &Map) -> io::Result<()> {
        let into = if file.group(group).late { &mut self.late } else { &mut self.on_time };
        let all = |column: Column| file.chunk(group, column).all();
        let forms = file.all_codes(group, Column::Form)?;
        let sources = file.all_codes(group, Column::Source)?;
        let levels = file.all_codes(group, Column::Level)?;
        for ((&form, &source), &level) in forms.iter().zip(&sources).zip(&levels) {
            let (form, source) = (map.forms[form as usize], map.sources[source as usize]);
            let series = Series { form, source, level: Level::ALL[level as usize & 3] };
            into.series.push(*self.union.series.get(&series).ok_or_else(|| damaged("the index"))?);
        }
        into.partition.extend(file.all_codes(group, Column::Partition)?);
        into.offset.extend(file.longs(group, Column::Offset, all(Column::Offset))?.into_iter().map(|o| o as u64));
        into.timestamp.extend(file.longs(group, Column::Timestamp, all(Column::Timestamp))?);
        into.received.extend(file.longs(group, Column::Received, all(Column::Received))?);
        for (column, texts) in [
            (Column::LevelText, &mut into.level_text),
            (Column::Variables, &mut into.variables),
            (Column::Context, &mut into.context),
        ] {
            for page in all(column) {
                file.texts(group, column, page)?.iter().for_each(|text| texts.push(text));
            }
        }
        Ok(())
    }

    /// Writes what makes a full row group.
    fn write_full(&mut self, writer: &mut FileWriter) -> io::Result<()> {
        let is_full = |columns: &Columns, rows: usize| columns.len() >= rows || columns.text_bytes() >= GROUP_BYTES;
        if is_full(&self.on_time, self.group_rows) {
            self.write_on_time(writer)?;
        }
        if is_full(&self.late, self.group_rows * SORTED_GROUPS) {
            self.write_late(writer)?;
        }
        Ok(())
    }

    fn write_rest(&mut self, writer: &mut FileWriter) -> io::Result<()> {
        self.write_on_time(writer)?;
        self.write_late(writer)
    }

    fn write_on_time(&mut self, writer: &mut FileWriter) -> io::Result<()> {
        write(std::mem::take(&mut self.on_time), &self.union.dictionary, writer)
    }

    /// Writes late rows by timestamp, cut into row groups, so that each holds a narrow stretch of time.
    fn write_late(&mut self, writer: &mut FileWriter) -> io::Result<()> {
        let late = std::mem::replace(&mut self.late, Columns { late: true, ..Columns::default() });
        let mut order: Vec<usize> = (0..late.len()).collect();
        order.sort_by_key(|&row| late.timestamp[row]);
        order.chunks(self.group_rows).try_for_each(|rows| write(late.only(rows), &self.union.dictionary, writer))
    }
}

/// Writes a row group whose variables stand as in the file already, with their words.
fn write(mut columns: Columns, dictionary: &Dictionary, writer: &mut FileWriter) -> io::Result<()> {
    let (mut message, mut vars) = (Vec::new(), Vec::new());
    for row in 0..columns.len() {
        let skeleton = dictionary.form(columns.series[row]).skeleton.as_ref();
        message.clear();
        vars.clear();
        let fits = put_with_places(skeleton, columns.variables.get(row), &mut message, |place| {
            vars.push(Var { start: place.start as u32, len: place.len() as u32 });
        });
        let text = std::str::from_utf8(&message).ok().filter(|_| fits).ok_or_else(|| damaged("variables"))?;
        words::of_variables(text, &vars, |word| columns.words.add(word));
    }
    writer.write(columns, dictionary)
}

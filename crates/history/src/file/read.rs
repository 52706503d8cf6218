//! Reads a file of rows: its index at once, its columns by row group and page.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::file::metadata::ParquetMetaData;
use whittle_disk::File;
use whittle_patterns::FormId;

use super::disk::Stretches;
use super::forms::Forms;
use super::index::{Group, Index, Section, decode_templates};
use super::pages::{Chunk, Chunks, directory};
use super::rollup::Cells;
use super::schema::Column;
use super::write::{CELLS_KEY, INDEX_KEY, TEMPLATES_KEY, Written, footer};
use super::{delta, hybrid};

/// An open file of rows.
pub(crate) struct RowFile {
    pub(crate) path: PathBuf,
    pub(crate) index: Index,
    stretches: Stretches,
    directory: Vec<Chunks>,
    cells: Section,
    /// Indexes of the forms by their ids.
    forms_by_id: HashMap<FormId, u32>,
    /// Indexes of the sources by rising text.
    sources_by_text: Vec<u32>,
}

pub(crate) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is damaged"))
}

impl RowFile {
    /// Opens a file and reads its index.
    pub(crate) fn open(file: Arc<dyn File>, path: &Path, known: &Forms) -> io::Result<RowFile> {
        let stretches = Stretches::new(file.clone(), file.len()?);
        let footer = footer(&stretches)?;
        let templates = section(&footer, TEMPLATES_KEY)?;
        let templates = unpack(templates, &stretches, TEMPLATES_KEY)?;
        let forms = decode_templates(&templates, known).ok_or_else(|| damaged(TEMPLATES_KEY))?;
        let index = unpack(section(&footer, INDEX_KEY)?, &stretches, INDEX_KEY)?;
        let index = Index::decode(&index, forms).ok_or_else(|| damaged(INDEX_KEY))?;
        let groups = index.groups.iter().map(|group| i64::from(group.rows));
        let columns = footer.file_metadata().schema_descr().columns().iter().map(|column| column.name());
        if !groups.eq(footer.row_groups().iter().map(|group| group.num_rows()))
            || !columns.eq(Column::ALL.map(Column::name))
        {
            return Err(damaged("the footer"));
        }
        let cells = section(&footer, CELLS_KEY)?;
        RowFile::new(path, index, stretches, &footer, cells)
    }

    /// A file that was written just now.
    pub(crate) fn written(written: Written, path: &Path) -> io::Result<RowFile> {
        let stretches = Stretches::new(written.file, written.bytes);
        RowFile::new(path, written.index, stretches, &written.footer, written.cells)
    }

    fn new(
        path: &Path,
        index: Index,
        stretches: Stretches,
        footer: &ParquetMetaData,
        cells: Section,
    ) -> io::Result<RowFile> {
        let forms_by_id = index.dictionary.forms.iter().map(|form| form.id).zip(0..).collect();
        let mut sources_by_text: Vec<u32> = (0..index.dictionary.sources.len() as u32).collect();
        sources_by_text.sort_unstable_by_key(|&at| &index.dictionary.sources[at as usize]);
        let directory = directory(footer)?;
        Ok(RowFile { path: path.to_owned(), index, stretches, directory, cells, forms_by_id, sources_by_text })
    }

    /// The bytes of the file, to copy row groups from.
    pub(crate) fn stretches(&self) -> &Stretches {
        &self.stretches
    }

    /// The cells: read from the file each time.
    pub(crate) fn cells(&self) -> io::Result<Cells> {
        let bytes = unpack(self.cells, &self.stretches, CELLS_KEY)?;
        Cells::decode(&bytes, self.index.series.len()).ok_or_else(|| damaged(CELLS_KEY))
    }

    /// Whether a word with this hash may touch a variable in a row group.
    pub(crate) fn may_hold(&self, group: usize, hash: u64) -> io::Result<bool> {
        self.index.groups[group].filter.may_hold(hash, &self.stretches)
    }

    pub(crate) fn group(&self, group: usize) -> &Group {
        &self.index.groups[group]
    }

    /// Where the pages of a column stand.
    pub(crate) fn chunk(&self, group: usize, column: Column) -> &Chunk {
        self.directory[group].chunk(column)
    }

    pub(super) fn read(&self, group: usize, column: Column, pages: Range<usize>) -> io::Result<Vec<Page>> {
        self.chunk(group, column).pages(pages, column, &self.stretches)
    }

    /// Whole numbers of some pages.
    pub(crate) fn longs(&self, group: usize, column: Column, pages: Range<usize>) -> io::Result<Vec<i64>> {
        let mut values = Vec::with_capacity(self.group(group).rows as usize);
        for page in self.read(group, column, pages)? {
            let ok = page.encoding() == Encoding::DELTA_BINARY_PACKED;
            let read = ok.then(|| delta::decode(page.buffer(), page.num_values() as usize, &mut values)).flatten();
            read.ok_or_else(|| damaged(column.name()))?;
        }
        Ok(values)
    }

    /// The index of a form.
    pub(super) fn form_index(&self, id: FormId) -> Option<u32> {
        self.forms_by_id.get(&id).copied()
    }

    /// The index of a source.
    pub(super) fn source_index(&self, name: &[u8]) -> Option<u32> {
        let sources = &self.index.dictionary.sources;
        let at = self.sources_by_text.binary_search_by(|&at| sources[at as usize].as_bytes().cmp(name)).ok()?;
        Some(self.sources_by_text[at])
    }

    /// The page with the names of a column of a row group, if it has one.
    pub(super) fn dictionary_page(&self, group: usize, column: Column) -> io::Result<Option<Page>> {
        self.chunk(group, column).dictionary(column, &self.stretches)
    }

    /// What each row of a row group has of forms, sources, levels or partitions.
    pub(crate) fn all_codes(&self, group: usize, column: Column) -> io::Result<Vec<u32>> {
        self.codes(group, column)?.rows(self.chunk(group, column).all())
    }

    /// The texts of a page of a column that has no dictionary, or that has one.
    pub(crate) fn texts(&self, group: usize, column: Column, page: usize) -> io::Result<Vec<Bytes>> {
        let bad = || damaged(column.name());
        let page = self.read(group, column, page..page + 1)?.pop().ok_or_else(bad)?;
        let count = page.num_values() as usize;
        if page.encoding() == Encoding::PLAIN {
            return split(page.buffer(), count, column);
        }
        let dictionary = self.chunk(group, column).dictionary(column, &self.stretches)?.ok_or_else(bad)?;
        let names = split(dictionary.buffer(), dictionary.num_values() as usize, column)?;
        let mut codes = Vec::with_capacity(count);
        hybrid::decode(page.buffer(), count, &mut codes).ok_or_else(bad)?;
        codes.iter().map(|&code| names.get(code as usize).cloned().ok_or_else(bad)).collect()
    }

    /// The bytes of a page of plain texts: each stands behind its length (`u32`, little endian).
    pub(crate) fn plain(&self, group: usize, column: Column, page: usize) -> io::Result<(Bytes, usize)> {
        let page = self.read(group, column, page..page + 1)?.pop().ok_or_else(|| damaged(column.name()))?;
        match page.encoding() {
            Encoding::PLAIN => Ok((page.buffer().clone(), page.num_values() as usize)),
            _ => Err(damaged(column.name())),
        }
    }
}

/// The plain texts of a page, each behind its length.
fn split(page: &Bytes, count: usize, column: Column) -> io::Result<Vec<Bytes>> {
    let (mut at, mut values) = (0usize, Vec::with_capacity(count.min(page.len() + 1)));
    for _ in 0..count {
        let len = page.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(|| damaged(column.name()))?;
        let (start, len) = (at + 4, u32::from_le_bytes(*len) as usize);
        if start + len > page.len() {
            return Err(damaged(column.name()));
        }
        values.push(page.slice(start..start + len));
        at = start + len;
    }
    Ok(values)
}

fn section(footer: &ParquetMetaData, key: &str) -> io::Result<Section> {
    let pairs = footer.file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let place = pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref());
    place.and_then(Section::from_text).ok_or_else(|| damaged(key))
}

fn unpack(section: Section, stretches: &Stretches, key: &str) -> io::Result<Vec<u8>> {
    let packed = stretches.bytes(section.start, section.len)?;
    section.unpack(&packed).ok_or_else(|| damaged(key))
}

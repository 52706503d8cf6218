//! The columns of one row group, each read when it is first asked for.

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::{Cache, PageKey};
use crate::file::read::{RowFile, damaged};
use crate::file::schema::Column;

/// Whole columns of a row group.
pub(crate) struct GroupColumns<'f> {
    pub(crate) file: &'f RowFile,
    pub(crate) group: usize,
    times: OnceCell<Vec<i64>>,
    offsets: OnceCell<Vec<i64>>,
    forms: OnceCell<Vec<u32>>,
    sources: OnceCell<Vec<u32>>,
    levels: OnceCell<Vec<u32>>,
    partitions: OnceCell<Vec<u32>>,
}

fn kept<T>(cell: &OnceCell<Vec<T>>, rows: usize, read: impl FnOnce() -> io::Result<Vec<T>>) -> io::Result<&[T]> {
    if cell.get().is_none() {
        let values = read()?;
        if values.len() != rows {
            return Err(damaged("a row group"));
        }
        let _ = cell.set(values);
    }
    cell.get().map(Vec::as_slice).ok_or_else(|| damaged("a row group"))
}

impl<'f> GroupColumns<'f> {
    pub(crate) fn new(file: &'f RowFile, group: usize) -> Self {
        GroupColumns {
            file,
            group,
            times: OnceCell::new(),
            offsets: OnceCell::new(),
            forms: OnceCell::new(),
            sources: OnceCell::new(),
            levels: OnceCell::new(),
            partitions: OnceCell::new(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.file.group(self.group).rows as usize
    }

    fn all(&self, column: Column) -> std::ops::Range<usize> {
        self.file.chunk(self.group, column).all()
    }

    pub(crate) fn times(&self) -> io::Result<&[i64]> {
        let column = Column::Timestamp;
        kept(&self.times, self.rows(), || self.file.longs(self.group, column, self.all(column)))
    }

    pub(crate) fn offsets(&self) -> io::Result<&[i64]> {
        let column = Column::Offset;
        kept(&self.offsets, self.rows(), || self.file.longs(self.group, column, self.all(column)))
    }

    pub(crate) fn forms(&self) -> io::Result<&[u32]> {
        kept(&self.forms, self.rows(), || self.file.all_codes(self.group, Column::Form))
    }

    pub(crate) fn sources(&self) -> io::Result<&[u32]> {
        kept(&self.sources, self.rows(), || self.file.all_codes(self.group, Column::Source))
    }

    pub(crate) fn levels(&self) -> io::Result<&[u32]> {
        kept(&self.levels, self.rows(), || self.file.all_codes(self.group, Column::Level))
    }

    pub(crate) fn partitions(&self) -> io::Result<&[u32]> {
        kept(&self.partitions, self.rows(), || self.file.all_codes(self.group, Column::Partition))
    }
}

/// A page of texts, unpacked, with the place of each.
pub(crate) struct TextPage {
    /// The first row of the page.
    pub(crate) first: u32,
    pub(crate) bytes: Bytes,
    /// Where each text starts, behind its length.
    starts: Vec<u32>,
}

impl TextPage {
    /// Reads the page that holds a row.
    pub(crate) fn holding(file: &RowFile, group: usize, column: Column, row: u32) -> io::Result<TextPage> {
        let (page, first) = file.chunk(group, column).page_of(row).ok_or_else(|| damaged(column.name()))?;
        TextPage::read(file, group, column, (page, first))
    }

    /// Reads a page, given its number and its first row.
    fn read(file: &RowFile, group: usize, column: Column, (page, first): (usize, u32)) -> io::Result<TextPage> {
        let bad = || damaged(column.name());
        let (bytes, count) = file.plain(group, column, page)?;
        let (mut starts, mut at) = (Vec::with_capacity(count), 0usize);
        for _ in 0..count {
            let len = bytes.get(at..at + 4).and_then(|b| b.first_chunk()).ok_or_else(bad)?;
            starts.push(at as u32 + 4);
            at += 4 + u32::from_le_bytes(*len) as usize;
        }
        if at == bytes.len() { Ok(TextPage { first, bytes, starts }) } else { Err(bad()) }
    }

    fn memory(&self) -> usize {
        self.bytes.len() + self.starts.len() * size_of::<u32>()
    }

    pub(crate) fn has(&self, row: u32) -> bool {
        row >= self.first && ((row - self.first) as usize) < self.starts.len()
    }

    /// One past the last row.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.starts.len() as u32
    }

    /// The text of a row of the page.
    pub(crate) fn text(&self, row: u32) -> &[u8] {
        let at = (row - self.first) as usize;
        let start = self.starts[at] as usize;
        let end = self.starts.get(at + 1).map_or(self.bytes.len(), |&next| next as usize - 4);
        &self.bytes[start..end]
    }

    /// The row whose text holds this byte of the page.
    pub(crate) fn row_at(&self, byte: usize) -> u32 {
        self.first + self.starts.partition_point(|&start| start as usize <= byte).saturating_sub(1) as u32
    }
}

/// Texts of a column, by rising rows; keeps the page that was asked for last.
pub(crate) struct TextColumn<'f> {
    file: &'f RowFile,
    group: usize,
    column: Column,
    page: Option<Arc<TextPage>>,
    /// Where pages are kept between questions, and the id of the file there.
    kept: Option<(&'f Cache<PageKey, TextPage>, u64)>,
}

impl<'f> TextColumn<'f> {
    pub(crate) fn new(file: &'f RowFile, group: usize, column: Column) -> Self {
        TextColumn { file, group, column, page: None, kept: None }
    }

    /// The same over pages that are kept between questions.
    pub(crate) fn kept(self, pages: &'f Cache<PageKey, TextPage>, file: u64) -> Self {
        TextColumn { kept: Some((pages, file)), ..self }
    }

    pub(crate) fn page(&mut self, row: u32) -> io::Result<&TextPage> {
        if !self.page.as_ref().is_some_and(|page| page.has(row)) {
            self.page = Some(self.read(row)?);
        }
        self.page.as_deref().ok_or_else(|| damaged(self.column.name()))
    }

    fn read(&self, row: u32) -> io::Result<Arc<TextPage>> {
        let at = self.file.chunk(self.group, self.column).page_of(row).ok_or_else(|| damaged(self.column.name()))?;
        let read = || TextPage::read(self.file, self.group, self.column, at).map(Arc::new);
        let Some((pages, file)) = self.kept else { return read() };
        let key = (file, self.group as u32, self.column, at.0 as u32);
        if let Some(page) = pages.get(&key) {
            return Ok(page);
        }
        let page = read()?;
        pages.put(key, page.clone(), page.memory());
        Ok(page)
    }

    pub(crate) fn text(&mut self, row: u32) -> io::Result<&str> {
        let column = self.column;
        std::str::from_utf8(self.page(row)?.text(row)).map_err(|_| damaged(column.name()))
    }
}

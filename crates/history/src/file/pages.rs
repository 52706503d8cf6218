//! Where the pages of a file stand, and the pages themselves, unpacked.
//!
//! The Parquet footer says the same in a hundred times the memory; of an open file this directory is what is kept.

use std::io;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::Compression;
use parquet::column::page::Page;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::SchemaDescPtr;
use zstd::bulk::Decompressor;

use super::disk::Stretches;
use super::schema::{Column, SCHEMA};

/// Most bytes of a page, unpacked: a page is cut at a mebibyte, or behind a value that is larger.
const MAX_PAGE: usize = 128 << 20;

/// A page of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageAt {
    /// Bytes, packed, with its header.
    bytes: u32,
    rows: u32,
}

/// The pages of one column in one row group: they stand without gaps, the dictionary first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    start: u64,
    /// Bytes of the dictionary's page, or 0.
    dictionary: u32,
    pages: Box<[PageAt]>,
}

/// The chunks of one row group, by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunks(Box<[Chunk]>);

static PARQUET: LazyLock<Option<SchemaDescPtr>> =
    LazyLock::new(|| ArrowSchemaConverter::new().convert(&SCHEMA).ok().map(SchemaDescPtr::new));

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is damaged"))
}

/// The directory of a file, from its footer.
pub(crate) fn directory(footer: &ParquetMetaData) -> io::Result<Vec<Chunks>> {
    let count = footer.num_row_groups();
    (0..count).map(|group| chunks(footer, group).ok_or_else(|| damaged("the footer"))).collect()
}

fn chunks(footer: &ParquetMetaData, group: usize) -> Option<Chunks> {
    let (meta, pages) = (footer.row_group(group), footer.page_index_for_row_group(group));
    let chunk = |column: Column| {
        let column = column as usize;
        let chunk = meta.column(column);
        let start = u64::try_from(chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset())).ok()?;
        let bytes = u64::try_from(chunk.compressed_size()).ok()?;
        let locations = pages.page_locations(column)?;
        let first = locations.first()?.offset;
        let ends = locations.iter().skip(1).map(|next| next.first_row_index).chain([meta.num_rows()]);
        let rows = |(page, end): (&parquet::file::page_index::offset_index::PageLocation, i64)| {
            let rows = u32::try_from(end.checked_sub(page.first_row_index)?).ok()?;
            Some(PageAt { bytes: u32::try_from(page.compressed_page_size).ok()?, rows })
        };
        let pages = locations.iter().zip(ends).map(rows).collect::<Option<Box<[PageAt]>>>()?;
        let dictionary = u32::try_from(u64::try_from(first).ok()?.checked_sub(start)?).ok()?;
        let sum = pages.iter().map(|page| u64::from(page.bytes)).sum::<u64>() + u64::from(dictionary);
        (sum == bytes).then_some(Chunk { start, dictionary, pages })
    };
    Column::ALL.into_iter().map(chunk).collect::<Option<Box<[Chunk]>>>().map(Chunks)
}

impl Chunks {
    pub(crate) fn chunk(&self, column: Column) -> &Chunk {
        &self.0[column as usize]
    }
}

impl Chunk {
    /// All pages.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.pages.len()
    }

    /// Rows of some pages.
    pub(crate) fn rows_of(&self, pages: Range<usize>) -> usize {
        self.pages[pages].iter().map(|page| page.rows as usize).sum()
    }

    /// The page that holds a row, and the first row of it.
    pub(crate) fn page_of(&self, row: u32) -> Option<(usize, u32)> {
        let mut first = 0;
        for (at, page) in self.pages.iter().enumerate() {
            if row - first < page.rows {
                return Some((at, first));
            }
            first += page.rows;
        }
        None
    }

    /// The page of the dictionary, unpacked.
    pub(crate) fn dictionary(&self, column: Column, file: &Stretches) -> io::Result<Option<Page>> {
        if self.dictionary == 0 {
            return Ok(None);
        }
        Ok(unpack(column, self.start, self.dictionary as usize, file)?.pop())
    }

    /// Pages of rows, unpacked; each holds as many values as the directory says.
    pub(crate) fn pages(&self, pages: Range<usize>, column: Column, file: &Stretches) -> io::Result<Vec<Page>> {
        let bytes = |pages: &[PageAt]| pages.iter().map(|page| page.bytes as usize).sum::<usize>();
        let before = bytes(&self.pages[..pages.start]);
        let wanted = &self.pages[pages];
        let start = self.start + u64::from(self.dictionary) + before as u64;
        let unpacked = unpack(column, start, bytes(wanted), file)?;
        let whole = unpacked.len() == wanted.len()
            && unpacked.iter().zip(wanted).all(|(page, at)| page.is_data_page() && page.num_values() == at.rows);
        if whole { Ok(unpacked) } else { Err(damaged(column.name())) }
    }
}

/// Reads a stretch of whole pages at once and unpacks them.
///
/// The library is told that they are not compressed, and gives them as they stand: its own codec makes contexts for both
/// directions each time, which costs as much as a small page does.
fn unpack(column: Column, start: u64, len: usize, file: &Stretches) -> io::Result<Vec<Page>> {
    let schema = PARQUET.as_ref().ok_or_else(|| damaged("the schema"))?;
    let bytes = file.bytes(start, len)?;
    let meta = ColumnChunkMetaData::builder(schema.column(column as usize))
        .set_compression(Compression::UNCOMPRESSED)
        .set_data_page_offset(0)
        .set_total_compressed_size(len as i64)
        .build()?;
    let reader = SerializedPageReader::new(std::sync::Arc::new(bytes), &meta, 0, None)?;
    let mut zstd = Decompressor::new()?;
    reader.map(|page| unpacked(page?, &mut zstd).ok_or_else(|| damaged(column.name()))).collect()
}

/// A page with its values unpacked.
fn unpacked(mut page: Page, zstd: &mut Decompressor<'_>) -> Option<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = inflate(buf, zstd)?,
        Page::DataPageV2 { .. } => return None,
    }
    Some(page)
}

fn inflate(packed: &[u8], zstd: &mut Decompressor<'_>) -> Option<Bytes> {
    if packed.is_empty() {
        return Some(Bytes::new());
    }
    let len = usize::try_from(zstd::zstd_safe::get_frame_content_size(packed).ok()??).ok()?;
    if len > MAX_PAGE {
        return None;
    }
    let values = zstd.decompress(packed, len).ok()?;
    (values.len() == len).then(|| values.into())
}

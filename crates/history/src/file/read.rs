//! Reads a file of rows: its index at once, its columns by row group and page.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{DataType, Int32Type, Int64Type};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use whittle_disk::File;

use super::disk::Stretches;
use super::hybrid;
use super::index::{Index, Section, decode_templates};
use super::schema::Column;
use super::write::{INDEX_KEY, TEMPLATES_KEY, Written};

/// An open file of rows.
pub(crate) struct RowFile {
    pub(crate) path: PathBuf,
    pub(crate) index: Index,
    stretches: Stretches,
    footer: Arc<ParquetMetaData>,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl RowFile {
    /// Opens a file and reads its index.
    pub(crate) fn open(file: Arc<dyn File>, path: &Path) -> io::Result<RowFile> {
        let stretches = Stretches::new(file.clone(), file.len()?);
        let footer = ParquetMetaDataReader::new()
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&stretches)?;
        let templates = section(&footer, &stretches, TEMPLATES_KEY)?;
        let forms = decode_templates(&templates).ok_or_else(|| damaged(TEMPLATES_KEY))?;
        let index = section(&footer, &stretches, INDEX_KEY)?;
        let index = Index::decode(&index, forms).ok_or_else(|| damaged(INDEX_KEY))?;
        let groups = index.groups.iter().map(|group| i64::from(group.rows));
        let schema = footer.file_metadata().schema_descr();
        let columns = schema.columns().iter().map(|column| column.name());
        if !groups.eq(footer.row_groups().iter().map(|group| group.num_rows()))
            || !columns.eq(Column::ALL.map(Column::name))
        {
            return Err(damaged("its index and its footer do not agree"));
        }
        Ok(RowFile { path: path.to_owned(), index, stretches, footer: Arc::new(footer) })
    }

    /// A file that was written just now.
    pub(crate) fn written(written: Written, path: &Path) -> RowFile {
        let stretches = Stretches::new(written.file, written.bytes);
        RowFile { path: path.to_owned(), index: written.index, stretches, footer: Arc::new(written.footer) }
    }

    fn pages(&self, group: usize, column: Column) -> io::Result<SerializedPageReader<Stretches>> {
        let rows = self.footer.row_group(group);
        let chunk = rows.column(column as usize);
        let reader = Arc::new(self.stretches.clone());
        Ok(SerializedPageReader::new(reader, chunk, self.rows(group), None)?)
    }

    fn rows(&self, group: usize) -> usize {
        self.index.groups[group].rows as usize
    }

    /// A column of whole numbers.
    pub(crate) fn longs(&self, group: usize, column: Column) -> io::Result<Vec<i64>> {
        self.numbers::<Int64Type>(group, column)
    }

    /// The partitions of a row group.
    pub(crate) fn partitions(&self, group: usize) -> io::Result<Vec<u32>> {
        let numbers = self.numbers::<Int32Type>(group, Column::Partition)?;
        Ok(numbers.into_iter().map(|partition| partition as u32).collect())
    }

    fn numbers<T: DataType>(&self, group: usize, column: Column) -> io::Result<Vec<T::T>> {
        let chunk = self.footer.row_group(group).column(column as usize);
        let pages = Box::new(self.pages(group, column)?);
        let reader = parquet::column::reader::get_column_reader(chunk.column_descr_ptr(), pages);
        let mut reader: ColumnReaderImpl<T> = get_typed_column_reader(reader);
        let (rows, mut values) = (self.rows(group), Vec::new());
        while values.len() < rows {
            let (read, ..) = reader.read_records(rows - values.len(), None, None, &mut values)?;
            if read == 0 {
                return Err(damaged(column.name()));
            }
        }
        Ok(values)
    }

    /// A column of names: the names, and for each row the index of its own.
    pub(crate) fn codes(&self, group: usize, column: Column) -> io::Result<(Vec<Bytes>, Vec<u32>)> {
        let fixed = if column == Column::Form { Some(8) } else { None };
        let (mut names, mut codes) = (Vec::new(), Vec::with_capacity(self.rows(group)));
        for page in self.pages(group, column)? {
            let page = page?;
            let (values, count) = (page.buffer(), page.num_values() as usize);
            if page.is_data_page() && codes.len() + count > self.rows(group) {
                return Err(damaged(column.name()));
            }
            match (&page, page.encoding()) {
                (Page::DictionaryPage { .. }, _) => names = split(values, count, fixed, column)?,
                (_, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) => {
                    hybrid::decode(values, count, &mut codes).ok_or_else(|| damaged(column.name()))?;
                }
                // The dictionary grew too large: from here on each row has its own.
                (_, Encoding::PLAIN) => {
                    codes.extend((names.len()..names.len() + count).map(|code| code as u32));
                    names.extend(split(values, count, fixed, column)?);
                }
                _ => return Err(damaged(column.name())),
            }
        }
        if codes.len() != self.rows(group) || codes.iter().any(|&code| code as usize >= names.len()) {
            return Err(damaged(column.name()));
        }
        Ok((names, codes))
    }

    /// A column of texts.
    pub(crate) fn texts(&self, group: usize, column: Column) -> io::Result<Vec<Bytes>> {
        let mut texts = Vec::with_capacity(self.rows(group));
        for page in self.pages(group, column)? {
            let page = page?;
            if page.encoding() != Encoding::PLAIN || !page.is_data_page() {
                return Err(damaged(column.name()));
            }
            texts.extend(split(page.buffer(), page.num_values() as usize, None, column)?);
        }
        if texts.len() == self.rows(group) { Ok(texts) } else { Err(damaged(column.name())) }
    }
}

/// The plain values of a page: of a fixed length, or each behind its length.
fn split(page: &Bytes, count: usize, fixed: Option<usize>, column: Column) -> io::Result<Vec<Bytes>> {
    let (mut at, mut values) = (0usize, Vec::with_capacity(count.min(page.len() + 1)));
    for _ in 0..count {
        let len = match fixed {
            Some(len) => len,
            None => {
                let len = page.get(at..).and_then(|rest| rest.first_chunk());
                at += 4;
                u32::from_le_bytes(*len.ok_or_else(|| damaged(column.name()))?) as usize
            }
        };
        if at + len > page.len() {
            return Err(damaged(column.name()));
        }
        values.push(page.slice(at..at + len));
        at += len;
    }
    Ok(values)
}

fn section(footer: &ParquetMetaData, stretches: &Stretches, key: &str) -> io::Result<Vec<u8>> {
    let pairs = footer.file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let place = pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref());
    let section = place.and_then(Section::from_text).ok_or_else(|| damaged(key))?;
    let packed = stretches.bytes(section.start, section.len)?;
    section.unpack(&packed).ok_or_else(|| damaged(key))
}

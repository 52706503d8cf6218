//! Columns of names: each row holds a code, and the row group's dictionary says what the codes mean in this file.

use std::io;
use std::ops::Range;

use parquet::basic::Encoding;
use parquet::column::page::Page;
use whittle_domain::Level;
use whittle_patterns::FormId;

use super::hybrid;
use super::read::{RowFile, damaged};
use super::schema::Column;

/// The names of one column of one row group, as indexes into the file's dictionary (levels and partitions: as numbers).
/// Making it costs a look-up a name; it is kept for all pages that are read.
pub(crate) struct Codes<'f> {
    file: &'f RowFile,
    group: usize,
    column: Column,
    meaning: Meaning,
}

enum Meaning {
    /// All rows have this one.
    Only(u32),
    /// By code.
    Each(Vec<u32>),
}

impl RowFile {
    /// The names of forms, sources, levels or partitions of a row group.
    pub(crate) fn codes(&self, group: usize, column: Column) -> io::Result<Codes<'_>> {
        if let (Column::Partition, [only]) = (column, &*self.group(group).offsets) {
            return Ok(Codes { file: self, group, column, meaning: Meaning::Only(only.partition) });
        }
        let meaning = match self.dictionary_page(group, column)? {
            Some(page) => {
                let known = Names::of(&page, column).map(|name| self.index_of(column, name)).collect::<Option<_>>();
                known.ok_or_else(|| damaged(column.name()))?
            }
            None => Vec::new(),
        };
        Ok(Codes { file: self, group, column, meaning: Meaning::Each(meaning) })
    }

    /// What a name of a column is in this file.
    fn index_of(&self, column: Column, name: &[u8]) -> Option<u32> {
        match column {
            Column::Form => self.form_index(FormId(u64::from_le_bytes(*name.first_chunk()?))),
            Column::Source => self.source_index(name),
            Column::Level => Level::from_payload(std::str::from_utf8(name).ok()?).map(|level| level as u32),
            _ => Some(u32::from_le_bytes(*name.first_chunk()?)),
        }
    }
}

impl Codes<'_> {
    /// What each row of some pages has.
    pub(crate) fn rows(&self, pages: Range<usize>) -> io::Result<Vec<u32>> {
        let rows = self.file.chunk(self.group, self.column).rows_of(pages.clone());
        let meaning = match &self.meaning {
            Meaning::Only(only) => return Ok(vec![*only; rows]),
            Meaning::Each(meaning) => meaning,
        };
        let mut codes = Vec::with_capacity(rows);
        for page in self.file.read(self.group, self.column, pages)? {
            self.take_page(&page, meaning, &mut codes).ok_or_else(|| damaged(self.column.name()))?;
        }
        Ok(codes)
    }

    fn take_page(&self, page: &Page, meaning: &[u32], codes: &mut Vec<u32>) -> Option<()> {
        let first = codes.len();
        match page.encoding() {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                hybrid::decode(page.buffer(), page.num_values() as usize, codes)?;
                for code in &mut codes[first..] {
                    *code = *meaning.get(*code as usize)?;
                }
            }
            // The dictionary grew too large: from here on each row has its own.
            Encoding::PLAIN => {
                for name in Names::of(page, self.column) {
                    codes.push(self.file.index_of(self.column, name)?);
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// The plain names of a page, one after another. Of a damaged page fewer come than it says.
struct Names<'p> {
    bytes: &'p [u8],
    fixed: Option<usize>,
    left: usize,
}

impl<'p> Names<'p> {
    fn of(page: &'p Page, column: Column) -> Self {
        let fixed = match column {
            Column::Form => Some(8),
            Column::Partition => Some(4),
            _ => None,
        };
        Names { bytes: page.buffer(), fixed, left: page.num_values() as usize }
    }
}

impl<'p> Iterator for Names<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        self.left = self.left.checked_sub(1)?;
        let len = match self.fixed {
            Some(len) => len,
            None => {
                let (len, rest) = self.bytes.split_first_chunk()?;
                self.bytes = rest;
                u32::from_le_bytes(*len) as usize
            }
        };
        let (name, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(name)
    }
}

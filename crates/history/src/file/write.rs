//! Writes a file of rows: row groups with their filters, then templates, index and cells, then the footer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::writer::SerializedFileWriter;
use whittle_disk::{Disk, File};
use whittle_domain::Level;

use super::columns::{Columns, Texts};
use super::dictionary::Dictionary;
use super::disk::{Sink, Stretches};
use super::filter::Filter;
use super::index::{Group, Index, Section, SeriesRows, encode_templates};
use super::rollup::{Cells, Counter, Minute};
use super::schema::{SCHEMA, properties};

/// Name of the footer's pair that says where the templates stand.
pub(crate) const TEMPLATES_KEY: &str = "whittle.templates";
/// Name of the footer's pair that says where the index stands.
pub(crate) const INDEX_KEY: &str = "whittle.index";
/// Name of the footer's pair that says where the cells stand.
pub(crate) const CELLS_KEY: &str = "whittle.cells";

/// What is counted over all rows of a file.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) series: Vec<SeriesRows>,
    pub(crate) minutes: Vec<Minute>,
    pub(crate) cells: Cells,
    /// First and last receipt.
    pub(crate) received: (i64, i64),
}

/// Counts the rows of new row groups.
#[derive(Debug)]
pub(crate) struct Counting {
    series: Vec<SeriesRows>,
    counter: Counter,
    received: (i64, i64),
    rows: usize,
}

impl Counting {
    pub(crate) fn of(dictionary: &Dictionary) -> Self {
        let series = vec![SeriesRows::NONE; dictionary.series.len()];
        Counting { series, counter: Counter::default(), received: (i64::MAX, i64::MIN), rows: 0 }
    }

    pub(crate) fn add(&mut self, columns: &Columns, dictionary: &Dictionary) {
        // Of no rows there are no bounds: a file that seems to begin in 1970 spans too long to be merged.
        if columns.len() == 0 {
            return;
        }
        for (&series, &timestamp) in columns.series.iter().zip(&columns.timestamp) {
            self.series[series as usize].add(timestamp);
            self.counter.add(timestamp, series, dictionary.series[series as usize].level as u8);
        }
        let (first, last) = super::columns::range(&columns.received);
        self.received = (self.received.0.min(first), self.received.1.max(last));
        self.rows += columns.len();
    }

    pub(crate) fn finish(self) -> Totals {
        let (cells, minutes) = self.counter.finish();
        let cells = Cells::of_minutes(cells, self.rows);
        Totals { series: self.series, minutes, cells, received: self.received }
    }
}

/// A file that was written and synced.
pub(crate) struct Written {
    pub(crate) file: Arc<dyn File>,
    pub(crate) bytes: u64,
    pub(crate) index: Index,
    pub(crate) footer: ParquetMetaData,
    pub(crate) cells: Section,
    /// First and last receipt.
    pub(crate) received: (i64, i64),
}

/// Writes row groups one after another.
pub(crate) struct FileWriter {
    parquet: SerializedFileWriter<Sink>,
    factory: ArrowRowGroupWriterFactory,
    groups: Vec<Group>,
}

impl FileWriter {
    /// Starts a new file.
    pub(crate) fn create(disk: &dyn Disk, path: &Path, zstd: i32) -> io::Result<Self> {
        let sink = Sink::new(disk.create_new(path)?);
        let schema = ArrowSchemaConverter::new().convert(&SCHEMA).map_err(io::Error::other)?;
        let parquet = SerializedFileWriter::new(sink, schema.root_schema_ptr(), properties(zstd))?;
        let factory = ArrowRowGroupWriterFactory::new(&parquet, SCHEMA.clone());
        Ok(FileWriter { parquet, factory, groups: Vec::new() })
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.parquet.bytes_written() as u64
    }

    /// Writes one row group, its rows by source; its series are those of `dictionary`.
    pub(crate) fn write(&mut self, mut columns: Columns, dictionary: &Dictionary) -> io::Result<()> {
        if columns.len() == 0 {
            return Ok(());
        }
        let (bounds, filter) = (columns.bounds(), columns.words.finish());
        let columns = columns.by_source(dictionary);
        let writers = self.factory.create_column_writers(self.groups.len())?;
        let mut group = self.parquet.next_row_group()?;
        for ((mut writer, field), array) in writers.into_iter().zip(SCHEMA.fields()).zip(arrays(columns, dictionary)?) {
            for leaf in compute_leaves(field, &array)? {
                writer.write(&leaf)?;
            }
            writer.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.end_group(bounds, &filter)
    }

    /// Writes a row group of another file as it stands there.
    pub(crate) fn copy(&mut self, from: &Source, at: usize, group: &Group) -> io::Result<()> {
        let filter = from.filter(group)?;
        let (meta, pages) = (from.footer.row_group(at), from.footer.page_index_for_row_group(at));
        let mut out = self.parquet.next_row_group()?;
        for (column, chunk) in meta.columns().iter().enumerate() {
            let closed = ColumnCloseResult {
                bytes_written: chunk.compressed_size() as u64,
                rows_written: meta.num_rows() as u64,
                metadata: chunk.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: pages.offset_index(column).cloned(),
            };
            out.append_column(&from.stretches, closed)?;
        }
        out.close()?;
        self.end_group(group.clone(), &filter)
    }

    fn end_group(&mut self, mut group: Group, filter: &[u8]) -> io::Result<()> {
        group.filter = Filter::at(self.bytes(), filter);
        self.parquet.write_all(filter)?;
        self.groups.push(group);
        Ok(())
    }

    /// Writes what is known of all rows, and the footer, and makes the file durable.
    pub(crate) fn finish(mut self, dictionary: Arc<Dictionary>, totals: Totals) -> io::Result<Written> {
        let Totals { series, minutes, cells, received } = totals;
        let index = Index { dictionary, series, groups: std::mem::take(&mut self.groups), minutes, grain: cells.grain };
        self.section(TEMPLATES_KEY, &encode_templates(&index.dictionary.forms))?;
        self.section(INDEX_KEY, &index.encode())?;
        let cells = self.section(CELLS_KEY, &cells.encode())?;
        let footer = self.parquet.finish()?;
        self.parquet.flush()?;
        let (file, bytes) = self.parquet.inner_mut().finish()?;
        Ok(Written { file, bytes, index, footer, cells, received })
    }

    fn section(&mut self, key: &str, content: &[u8]) -> io::Result<Section> {
        let (section, packed) = Section::pack(content, self.bytes())?;
        self.parquet.write_all(&packed)?;
        self.parquet.append_key_value_metadata(KeyValue::new(key.to_owned(), section.to_text()));
        Ok(section)
    }
}

/// A file whose row groups are copied: its footer in full.
pub(crate) struct Source {
    stretches: Stretches,
    footer: ParquetMetaData,
}

impl Source {
    pub(crate) fn open(stretches: Stretches) -> io::Result<Self> {
        let footer = footer(&stretches)?;
        Ok(Source { stretches, footer })
    }

    fn filter(&self, group: &Group) -> io::Result<Vec<u8>> {
        let Filter { len: 0, .. } = group.filter else {
            let (start, len) = group.filter.stretch();
            return Ok(self.stretches.bytes(start, len)?.to_vec());
        };
        Ok(Vec::new())
    }
}

/// The footer of a file with the places of its pages.
pub(crate) fn footer(stretches: &Stretches) -> io::Result<ParquetMetaData> {
    let reader =
        ParquetMetaDataReader::new().with_offset_index_policy(parquet::file::metadata::PageIndexPolicy::Required);
    Ok(reader.parse_and_finish(stretches)?)
}

/// The columns in the order of the schema.
fn arrays(columns: Columns, dictionary: &Dictionary) -> io::Result<[ArrayRef; 10]> {
    let time = |times: Vec<i64>| TimestampMicrosecondArray::from(times).with_timezone("UTC");
    let series = |of: &dyn Fn(u32) -> i32| Int32Array::from_iter_values(columns.series.iter().map(|&s| of(s)));
    let levels = series(&|s| dictionary.series[s as usize].level as i32);
    let levels = names(levels, Level::ALL.map(Level::as_str).to_vec())?;
    let sources = dictionary.sources.iter().map(|source| &**source).collect();
    let sources = names(series(&|s| dictionary.series[s as usize].source as i32), sources)?;
    let forms = UInt64Array::from_iter_values(columns.series.iter().map(|&s| dictionary.form(s).id.0));
    let (ends, variables) = buffers(columns.variables);
    Ok([
        Arc::new(Int32Array::from_iter_values(columns.partition.iter().map(|&p| p as i32))),
        Arc::new(Int64Array::from_iter_values(columns.offset.iter().map(|&o| o as i64))),
        Arc::new(time(columns.timestamp)),
        Arc::new(time(columns.received)),
        levels,
        strings(columns.level_text)?,
        sources,
        Arc::new(forms),
        Arc::new(BinaryArray::try_new(ends, variables, None).map_err(io::Error::other)?),
        strings(columns.context)?,
    ])
}

fn names(keys: Int32Array, values: Vec<&str>) -> io::Result<ArrayRef> {
    let values = Arc::new(StringArray::from(values));
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).map_err(io::Error::other)?))
}

fn strings(texts: Texts) -> io::Result<ArrayRef> {
    let (ends, bytes) = buffers(texts);
    Ok(Arc::new(StringArray::try_new(ends, bytes, None).map_err(io::Error::other)?))
}

fn buffers(texts: Texts) -> (OffsetBuffer<i32>, Buffer) {
    (OffsetBuffer::new(texts.ends.into()), texts.bytes.into())
}

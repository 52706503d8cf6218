//! Writes a file of rows: row groups, then templates and index, then the footer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    UInt64Array, types::Int32Type,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::writer::SerializedFileWriter;
use whittle_disk::{Disk, File};
use whittle_domain::Level;

use super::columns::{Columns, Texts};
use super::dictionary::Dictionary;
use super::disk::Sink;
use super::index::{Index, Section, SeriesRows, encode_templates};
use super::schema::{SCHEMA, properties};

/// Name of the footer's pair that says where the templates stand.
pub(crate) const TEMPLATES_KEY: &str = "whittle.templates";
/// Name of the footer's pair that says where the index stands.
pub(crate) const INDEX_KEY: &str = "whittle.index";

/// A file that was written, synced, and is not named yet.
pub(crate) struct Written {
    pub(crate) file: Arc<dyn File>,
    pub(crate) bytes: u64,
    pub(crate) index: Index,
    pub(crate) footer: ParquetMetaData,
    /// First and last receipt.
    pub(crate) received: (i64, i64),
}

/// Writes row groups one after another.
pub(crate) struct FileWriter {
    parquet: SerializedFileWriter<Sink>,
    factory: ArrowRowGroupWriterFactory,
    index: Index,
    received: (i64, i64),
}

impl FileWriter {
    /// Starts a new file.
    pub(crate) fn create(disk: &dyn Disk, path: &Path, zstd: i32) -> io::Result<Self> {
        let sink = Sink::new(disk.create_new(path)?);
        let schema = ArrowSchemaConverter::new().convert(&SCHEMA).map_err(io::Error::other)?;
        let parquet = SerializedFileWriter::new(sink, schema.root_schema_ptr(), properties(zstd))?;
        let factory = ArrowRowGroupWriterFactory::new(&parquet, SCHEMA.clone());
        Ok(FileWriter { parquet, factory, index: Index::default(), received: (i64::MAX, i64::MIN) })
    }

    /// Writes one row group; its series are those of `dictionary`.
    pub(crate) fn write(&mut self, columns: Columns, dictionary: &Dictionary) -> io::Result<()> {
        if columns.len() == 0 {
            return Ok(());
        }
        self.count(&columns, dictionary);
        let writers = self.factory.create_column_writers(self.index.groups.len() - 1)?;
        let mut group = self.parquet.next_row_group()?;
        for ((mut writer, field), array) in writers.into_iter().zip(SCHEMA.fields()).zip(arrays(columns, dictionary)?) {
            for leaf in compute_leaves(field, &array)? {
                writer.write(&leaf)?;
            }
            writer.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    fn count(&mut self, columns: &Columns, dictionary: &Dictionary) {
        self.index.groups.push(columns.bounds());
        let none = SeriesRows { rows: 0, seen: (0, 0) };
        self.index.series.resize(dictionary.series.len().max(self.index.series.len()), none);
        for (&series, &timestamp) in columns.series.iter().zip(&columns.timestamp) {
            self.index.series[series as usize].add(timestamp);
        }
        let (first, last) = super::columns::range(&columns.received);
        self.received = (self.received.0.min(first), self.received.1.max(last));
    }

    /// Writes templates, index and footer, and makes the file durable.
    pub(crate) fn finish(mut self, dictionary: Arc<Dictionary>) -> io::Result<Written> {
        self.index.dictionary = dictionary;
        self.section(TEMPLATES_KEY, &encode_templates(&self.index.dictionary.forms))?;
        self.section(INDEX_KEY, &self.index.encode())?;
        let footer = self.parquet.finish()?;
        self.parquet.flush()?;
        let (file, bytes) = self.parquet.inner_mut().finish()?;
        Ok(Written { file, bytes, index: self.index, footer, received: self.received })
    }

    fn section(&mut self, key: &str, content: &[u8]) -> io::Result<()> {
        let (section, packed) = Section::pack(content, self.parquet.bytes_written() as u64)?;
        self.parquet.write_all(&packed)?;
        self.parquet.append_key_value_metadata(KeyValue::new(key.to_owned(), section.to_text()));
        Ok(())
    }
}

/// The columns in the order of the schema.
fn arrays(columns: Columns, dictionary: &Dictionary) -> io::Result<[ArrayRef; 10]> {
    let time = |times: Vec<i64>| TimestampMicrosecondArray::from(times).with_timezone("UTC");
    let series = |of: &dyn Fn(u32) -> i32| Int32Array::from_iter_values(columns.series.iter().map(|&s| of(s)));
    let levels = names(series(&|s| dictionary.level(s) as i32), Level::ALL.map(Level::as_str).to_vec())?;
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

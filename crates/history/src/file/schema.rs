//! The columns of a file, as any engine sees them, and how each is encoded.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::schema::types::ColumnPath;

/// A column, by its place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub(crate) enum Column {
    /// Partition of `logs.raw`.
    Partition,
    /// Offset there.
    Offset,
    /// The client's time, microseconds in UTC.
    Timestamp,
    /// The clock of ingestion, likewise.
    Received,
    /// `debug`, `info`, `warn` or `error`.
    Level,
    /// The level as sent where it says more, or empty.
    LevelText,
    /// Who sent it.
    Source,
    /// The form of the message; its literal text stands in the templates.
    Form,
    /// The variables of the message (see `values`).
    Variables,
    /// JSON object, or empty.
    Context,
}

impl Column {
    pub(crate) const ALL: [Column; 10] = [
        Column::Partition,
        Column::Offset,
        Column::Timestamp,
        Column::Received,
        Column::Level,
        Column::LevelText,
        Column::Source,
        Column::Form,
        Column::Variables,
        Column::Context,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Column::Partition => "partition",
            Column::Offset => "offset",
            Column::Timestamp => "timestamp",
            Column::Received => "received_at",
            Column::Level => "level",
            Column::LevelText => "level_text",
            Column::Source => "source",
            Column::Form => "form",
            Column::Variables => "variables",
            Column::Context => "context",
        }
    }

    fn data_type(self) -> DataType {
        let names = || DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        match self {
            Column::Partition => DataType::Int32,
            Column::Offset => DataType::Int64,
            Column::Timestamp | Column::Received => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Column::Level | Column::Source => names(),
            Column::LevelText | Column::Context => DataType::Utf8,
            Column::Form => DataType::UInt64,
            Column::Variables => DataType::Binary,
        }
    }

    fn path(self) -> ColumnPath {
        ColumnPath::from(self.name())
    }
}

/// The schema of every file.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = Column::ALL.map(|column| Field::new(column.name(), column.data_type(), false));
    Arc::new(Schema::new(fields.to_vec()))
});

/// Rows of a page: what is unpacked to show one row.
pub(crate) const PAGE_ROWS: usize = 16_384;

/// Bytes of a page before it is compressed, about.
const PAGE_BYTES: usize = 1 << 20;

/// Dictionaries larger than this are given up in the middle of a column.
const DICTIONARY_BYTES: usize = 8 << 20;

/// How files are written, at a level of zstd.
///
/// A dictionary for text that hardly repeats costs time and gives nothing; bounds are wanted of times and offsets alone.
pub(crate) fn properties(zstd: i32) -> WriterPropertiesPtr {
    let mut builder = WriterProperties::builder()
        .set_created_by("whittle".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd).unwrap_or_default()))
        .set_max_row_group_row_count(None)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::None);
    for column in [Column::Offset, Column::Timestamp, Column::Received] {
        builder = builder
            .set_column_dictionary_enabled(column.path(), false)
            .set_column_encoding(column.path(), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(column.path(), EnabledStatistics::Chunk);
    }
    for column in [Column::Variables, Column::Context] {
        builder = builder.set_column_dictionary_enabled(column.path(), false);
    }
    Arc::new(builder.build())
}

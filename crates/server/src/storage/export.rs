//! `GET /export`: every row of a filter as a stream, newest first, in CSV or NDJSON.
//!
//! Page by page with the anchor of the first, each page beginning where the last one ended, so that memory stays flat and
//! what arrives meanwhile changes nothing.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use whittle_domain::timestamp;
use whittle_history::{Filter, StoredRow, Total};

use super::params::Params;
use super::recent::ignored_header;
use super::{Storage, render};
use crate::http::Refusal;

/// Rows of one page.
const PAGE: usize = 1000;
/// First line of the CSV.
const HEAD: &[u8] = b"timestamp,receivedAt,level,source,message,patternId,seq,context\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

/// Where the export stands.
struct Cursor {
    storage: Arc<Storage>,
    filter: Filter,
    format: Format,
    /// Rows of the last timestamp that were given already.
    given: u64,
    first: bool,
    ended: bool,
}

pub(super) async fn export(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let format = params.one_of("format", &[("ndjson", Format::Ndjson), ("csv", Format::Csv)], Format::Ndjson)?;
    let mut filter = params.filter((storage.clock)())?;
    filter.until.get_or_insert_with(|| storage.reader.head());
    let mut cursor = Cursor { storage, filter, format, given: 0, first: true, ended: false };
    // The first page is asked for before the answer begins, so that an error still has its status.
    let first = cursor.page().await?;
    let rest = stream::unfold(cursor, |mut cursor| async move {
        if cursor.ended {
            return None;
        }
        match cursor.page().await {
            Ok(page) => Some((Ok(page), cursor)),
            Err(refusal) => {
                cursor.ended = true;
                // Breaks the stream off: a whole file must not be taken for one that was cut.
                Some((Err(std::io::Error::other(refusal.message)), cursor))
            }
        }
    });
    let chunks = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"whittle-export.csv\""),
        Format::Ndjson => ("application/x-ndjson", "attachment; filename=\"whittle-export.ndjson\""),
    };
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (CONTENT_DISPOSITION, HeaderValue::from_static(name))];
    let mut response = (headers, Body::from_stream(chunks)).into_response();
    ignored_header(response.headers_mut(), params);
    Ok(response)
}

impl Cursor {
    async fn page(&mut self) -> Result<Vec<u8>, Refusal> {
        let filter = self.filter.clone();
        let skip = self.given;
        let found = self.storage.ask(move |reader, budget| reader.recent(&filter, PAGE, skip, budget)).await?;
        if let Total::AtLeast(_, reason) = &found.total
            && found.rows.len() < PAGE
        {
            return Err(Refusal::history_unavailable(format!("the export was cut: {reason}")));
        }
        self.ended = found.rows.len() < PAGE;
        let mut out = Vec::with_capacity(found.rows.len() * 400);
        if std::mem::take(&mut self.first) && self.format == Format::Csv {
            out.extend_from_slice(HEAD);
        }
        for row in &found.rows {
            self.push(&mut out, row);
        }
        Ok(out)
    }

    fn push(&mut self, out: &mut Vec<u8>, row: &StoredRow) {
        // The next page begins at this row's time; rows of the same time that are out already are skipped there.
        let to = row.timestamp.saturating_add(1);
        if self.filter.to != Some(to) {
            self.filter.to = Some(to);
            self.given = 0;
        }
        self.given += 1;
        match self.format {
            Format::Ndjson => {
                render::push_row(out, row, &self.storage.insights);
                out.push(b'\n');
            }
            Format::Csv => push_csv(out, row),
        }
    }
}

fn push_csv(out: &mut Vec<u8>, row: &StoredRow) {
    let time = |micros| timestamp::to_string(micros);
    let (pattern, seq) = (row.pattern.to_string(), format!("{}-{}", row.partition, row.offset));
    let cells: [&str; 8] = [
        &time(row.timestamp),
        &time(row.received_at),
        row.level.as_str(),
        &row.source,
        &row.message,
        &pattern,
        &seq,
        &row.context,
    ];
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_cell(out, cell);
    }
    out.extend_from_slice(b"\r\n");
}

/// One cell, by RFC 4180. What a spreadsheet would take for a formula gets a quote in front.
fn push_cell(out: &mut Vec<u8>, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || cell.contains(['"', ',', '\n', '\r']);
    if !quoted {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=cmd()", "\"'=cmd()\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            let mut out = Vec::new();
            push_cell(&mut out, cell);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}

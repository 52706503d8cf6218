//! `GET /export`: every row of a filter as a stream, newest first, in CSV or NDJSON.
//!
//! Page by page as of its start, so that memory stays flat and what arrives meanwhile changes nothing. A page comes with a
//! count of all that match, so each is asked for within a stretch of time of a few pages: however much the whole filter
//! matches, a page costs no more than its stretch, and a stretch that is beyond the budget of a question is cut until it is
//! not. A file is whole or visibly broken off; where retention took rows away before their turn came, its last line says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use whittle_domain::timestamp;
use whittle_history::{Filter, Recent, StoredRow, Total};

use super::losses::{Losses, Start};
use super::params::Params;
use super::recent::ignored_header;
use super::{Storage, render};
use crate::http::Refusal;
use crate::insights::Insights;

/// Rows of one page.
const PAGE: usize = 1000;
/// Rows of a stretch at most, about.
const STRETCH: u64 = 8 * PAGE as u64;
/// Microseconds of the first stretch: an hour.
const FIRST_STRETCH: i64 = 3_600_000_000;
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
    /// No row is older.
    from: i64,
    /// What is left is older than this.
    to: i64,
    /// Microseconds of a stretch.
    width: i64,
    /// Rows of the last microsecond before `to` that were given already.
    given: u64,
    first: bool,
    /// Rows in the file so far.
    rows: u64,
    /// Until the last line is written.
    losses: Option<Losses>,
}

pub(super) async fn export(
    State(storage): State<Arc<Storage>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut params = Params::parse(query.as_deref());
    let format = params.one_of("format", &[("ndjson", Format::Ndjson), ("csv", Format::Csv)], Format::Ndjson)?;
    let mut filter = params.filter((storage.clock)())?;
    let Start { head, range, losses } = Losses::watch(&storage, &filter).await?;
    filter.until.get_or_insert(head);
    let mut cursor = Cursor { losses: Some(losses), ..Cursor::new(storage, filter, format, range) };
    // The first page is asked for before the answer begins, so that an error still has its status.
    let first = cursor.page().await?;
    let rest = stream::unfold(cursor, |mut cursor| async move {
        let next = match cursor.is_at_end() {
            true => cursor.last_line().await.transpose()?,
            false => cursor.page().await,
        };
        match next {
            Ok(page) => Some((Ok(page), cursor)),
            Err(refusal) => {
                (cursor.to, cursor.losses) = (cursor.from, None);
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
    /// A cursor before the first row, over what is stored from first to last timestamp.
    fn new(storage: Arc<Storage>, filter: Filter, format: Format, range: Option<(i64, i64)>) -> Self {
        let (oldest, newest) = range.unwrap_or((0, -1));
        let from = filter.from.map_or(oldest, |from| from.max(oldest));
        let end = newest.saturating_add(1);
        let to = filter.to.map_or(end, |to| to.min(end));
        Cursor { storage, filter, format, from, to, width: FIRST_STRETCH, given: 0, first: true, rows: 0, losses: None }
    }

    fn is_at_end(&self) -> bool {
        self.to <= self.from
    }

    /// The next rows in the form of the file; nothing only at the end.
    async fn page(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::with_capacity(PAGE * 400);
        if std::mem::take(&mut self.first) && self.format == Format::Csv {
            out.extend_from_slice(HEAD);
        }
        let mut rows = 0;
        while rows == 0 && !self.is_at_end() {
            let found = self.ask().await?;
            rows = found.rows.len();
            self.rows += rows as u64;
            found.rows.iter().for_each(|row| self.push(&mut out, row));
        }
        Ok(out)
    }

    /// The last line of a file that lacks rows; nothing for one that is whole.
    async fn last_line(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(losses) = self.losses.take() else { return Ok(None) };
        let Some(missing) = losses.missing(&self.storage, self.rows).await? else { return Ok(None) };
        let mut out = Vec::new();
        match self.format {
            Format::Ndjson => {
                out.extend_from_slice(b"{\"incomplete\":");
                render::push_string(&mut out, &missing);
                out.extend_from_slice(b"}\n");
            }
            Format::Csv => {
                push_cell(&mut out, &format!("incomplete: {missing}"));
                out.extend_from_slice(b"\r\n");
            }
        }
        Ok(Some(out))
    }

    /// Asks for the next page. An answer that is not whole says nothing about which rows it lacks, so it is thrown away and
    /// less is asked for.
    async fn ask(&mut self) -> Result<Recent, Refusal> {
        loop {
            let from = self.to.saturating_sub(self.width).max(self.from);
            let filter = Filter { from: Some(from), to: Some(self.to), ..self.filter.clone() };
            let skip = self.given;
            let found = self.storage.ask(move |reader, budget| reader.recent(&filter, PAGE, skip, budget)).await?;
            let width = self.to.saturating_sub(from);
            match &found.total {
                Total::Exact(count) => {
                    self.go_on(from, *count, &found.rows);
                    return Ok(found);
                }
                Total::AtLeast(..) if width > 1 => self.width = (width / 8).max(1),
                Total::AtLeast(_, reason) => {
                    return Err(Refusal::history_unavailable(format!("the export was cut: {reason}")));
                }
            }
        }
    }

    /// Moves on behind a page of the stretch that begins at `from` and holds `count` rows.
    fn go_on(&mut self, from: i64, count: u64, rows: &[StoredRow]) {
        let width = self.to.saturating_sub(from);
        match rows.last() {
            Some(last) if rows.len() == PAGE => {
                // The next page begins at this row's time; rows of the same time that are out already are skipped there.
                let same = rows.iter().rev().take_while(|row| row.timestamp == last.timestamp).count() as u64;
                let to = last.timestamp.saturating_add(1);
                self.given = same + if to == self.to { self.given } else { 0 };
                self.to = to;
            }
            _ => (self.to, self.given) = (from, 0),
        }
        if count > STRETCH {
            self.width = ((width as f64 * STRETCH as f64 / count as f64) as i64).max(1);
        } else if count < STRETCH / 4 {
            self.width = self.width.saturating_mul(4);
        }
    }

    fn push(&self, out: &mut Vec<u8>, row: &StoredRow) {
        match self.format {
            Format::Ndjson => push_line(out, self.storage.reader.id(row), row, &self.storage.insights),
            Format::Csv => push_csv(out, row),
        }
    }
}

/// One line of NDJSON. A context is kept as it was sent, which may be over several lines; since JSON has no raw line breaks
/// inside strings, they can only be space between its parts.
fn push_line(out: &mut Vec<u8>, id: u64, row: &StoredRow, insights: &Insights) {
    let start = out.len();
    render::push_row(out, id, row, insights);
    out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    out.push(b'\n');
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
    use super::super::testing::{NOW, Rows, row, storage_over};
    use super::*;

    const DAY: i64 = 86_400_000_000;

    /// Offsets of the exported rows in the order of the file, and why it was broken off.
    async fn exported(reader: &Arc<Rows>, filter: Filter) -> (Vec<u64>, Option<Refusal>) {
        let range = whittle_history::Reader::stats(&**reader).range;
        let mut cursor = Cursor::new(storage_over(reader.clone()), filter, Format::Ndjson, range);
        let mut offsets = Vec::new();
        while !cursor.is_at_end() {
            let page = match cursor.page().await {
                Ok(page) => String::from_utf8(page).expect("text"),
                Err(refusal) => return (offsets, Some(refusal)),
            };
            let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("a line")["id"].as_u64();
            offsets.extend(page.lines().map(|line| id(line).expect("a number")));
        }
        (offsets, None)
    }

    /// Rows that come in bursts, with thousands at one time, years of nothing, and a clock that is far ahead.
    fn uneven() -> Vec<i64> {
        let burst = (0..6_000).map(|i| NOW - i / 3);
        let at_once = (0..3_500).map(|_| NOW - DAY);
        let sparse = (0..2_000).map(|i| NOW - 2 * DAY - i * 7_000_000);
        let times = [250_000_000_000_000_000].into_iter().chain(burst).chain(at_once).chain(sparse);
        times.chain([NOW - 4_000 * DAY, 0]).collect()
    }

    #[tokio::test]
    async fn every_row_comes_once_however_little_a_question_may_read() {
        for most in [usize::MAX, 4_000] {
            let reader = Arc::new(Rows { most, ..Rows::at(uneven()) });
            let expected: Vec<u64> = reader.rows.iter().map(|row| row.offset).collect();
            let (offsets, broken) = exported(&reader, Filter::default()).await;
            assert_eq!(broken, None, "{most}");
            assert!(offsets == expected, "{most}: {} of {} rows", offsets.len(), expected.len());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_breaks_the_file_off() {
        let reader = Arc::new(Rows { most: 3_000, ..Rows::at(uneven()) });
        let (offsets, broken) = exported(&reader, Filter::default()).await;
        let broken = broken.expect("3,500 rows at one time are more than may be read");
        assert_eq!(
            (broken.word, broken.message.as_str()),
            ("history_unavailable", "the export was cut: more than it may read")
        );
        let given: Vec<u64> = reader.rows.iter().map(|row| row.offset).take(offsets.len()).collect();
        assert!(offsets == given && offsets.len() == 6_001, "what was given before is whole: {}", offsets.len());
    }

    #[tokio::test]
    async fn a_page_costs_its_stretch_and_not_the_whole() {
        let rows = 40_000;
        let reader = Arc::new(Rows::at((0..rows).map(|i| NOW - i * 1_000)));
        let (offsets, _) = exported(&reader, Filter::default()).await;
        assert_eq!(offsets.len(), rows as usize);
        let looked: usize = reader.looked.lock().expect("no panic").iter().sum();
        assert!(looked < 12 * rows as usize, "{looked} rows were counted to give {rows}");
    }

    #[tokio::test]
    async fn bounds_hold_and_nothing_is_an_empty_file() {
        let reader = Arc::new(Rows::at((0..5_000).map(|i| NOW - i)));
        let some = Filter { from: Some(NOW - 4_000), to: Some(NOW - 100), ..Filter::default() };
        assert_eq!(exported(&reader, some).await.0.len(), 3_900);
        for (from, to) in [(Some(NOW + 1), None), (None, Some(NOW - DAY)), (Some(NOW), Some(NOW - 5))] {
            assert_eq!(exported(&reader, Filter { from, to, ..Filter::default() }).await, (vec![], None));
        }
        assert_eq!(exported(&Arc::new(Rows::default()), Filter::default()).await, (vec![], None));
    }

    /// A file of which the first page is read, then the oldest rows are dropped, then the rest is read.
    async fn with_losses(query: &str, format: Format, dropped: usize) -> String {
        let reader = Arc::new(Rows::at((0..5_000).map(|i| NOW - i)));
        let storage = storage_over(reader.clone());
        let filter = Params::parse(Some(query)).filter(NOW).expect("a filter");
        let start = Losses::watch(&storage, &filter).await.expect("an answer");
        let mut cursor = Cursor { losses: Some(start.losses), ..Cursor::new(storage, filter, format, start.range) };
        let mut file = cursor.page().await.expect("a page");
        reader.dropped.store(dropped, std::sync::atomic::Ordering::Relaxed);
        while !cursor.is_at_end() {
            file.extend(cursor.page().await.expect("a page"));
        }
        file.extend(cursor.last_line().await.expect("an answer").unwrap_or_default());
        assert!(cursor.last_line().await.expect("an answer").is_none(), "it is said once");
        String::from_utf8(file).expect("text")
    }

    #[tokio::test]
    async fn a_file_says_what_retention_took_from_it() {
        let said = "retention dropped 1200 of these records while this file was written";
        let file = with_losses("", Format::Ndjson, 1_200).await;
        assert_eq!(file.lines().count(), 3_801);
        assert_eq!(file.lines().last(), Some(&*format!(r#"{{"incomplete":"{said}"}}"#)));
        let file = with_losses("", Format::Csv, 1_200).await;
        assert_eq!(file.lines().last(), Some(&*format!("incomplete: {said}")));
        let file = with_losses("q=row", Format::Ndjson, 7).await;
        let said = r#"{"incomplete":"retention dropped 7 records while this file was written; those of them that match are missing"}"#;
        assert_eq!(file.lines().last(), Some(said));
    }

    #[tokio::test]
    async fn a_file_of_which_nothing_was_taken_says_nothing() {
        let since = timestamp::to_string(NOW - 2_000);
        for (query, dropped) in [("", 0), (&*format!("from={since}"), 1_200), (&*format!("q=row&from={since}"), 1_200)]
        {
            let file = with_losses(query, Format::Ndjson, dropped).await;
            assert!(!file.contains("incomplete"), "{query}: {:?}", file.lines().last());
        }
    }

    #[test]
    fn a_context_over_several_lines_stays_on_one() {
        let storage = storage_over(Arc::new(Rows::default()));
        let context = "{\r\n  \"a\": [1,\n 2],\n\t\"b\": \"x\\ny\"\n}";
        let (mut out, row) = (b"before\n".to_vec(), StoredRow { context: context.to_owned(), ..row(1, NOW) });
        push_line(&mut out, row.offset, &row, &storage.insights);
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let line: serde_json::Value = serde_json::from_str(lines[1]).expect("a record");
        assert_eq!(line["context"], serde_json::json!({ "a": [1, 2], "b": "x\ny" }));
    }

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

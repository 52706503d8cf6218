//! Which rows of a row group match a text: only what may match is put together and looked at.

use std::io;

use memchr::{memchr_iter, memchr2, memchr2_iter};
use whittle_domain::Level;
use whittle_domain::query::RowView;

use super::columns::{GroupColumns, TextColumn, TextPage};
use super::judge::Judge;
use super::meter::{Meter, Stop};
use crate::file::read::damaged;
use crate::file::schema::Column;
use crate::file::values::put_message;

/// Of the given rows (rising) those that match the judge's query.
pub(crate) fn matching(
    judge: &Judge<'_>,
    columns: &GroupColumns<'_>,
    rows: &[u32],
    meter: &Meter<'_>,
) -> Result<Vec<u32>, SearchError> {
    let mut search = Search {
        judge,
        columns,
        contexts: TextColumn::new(columns.file, columns.group, Column::Context),
        message: Vec::new(),
    };
    let mut found = Vec::new();
    let mut rest = rows;
    while let Some(&row) = rest.first() {
        meter.look()?;
        let page = TextPage::holding(columns.file, columns.group, Column::Variables, row)?;
        let here = rest.partition_point(|&row| row < page.end());
        search.page(&page, &rest[..here], &mut found)?;
        rest = &rest[here..];
    }
    Ok(found)
}

/// Why a search ends early.
pub(crate) enum SearchError {
    Stop(Stop),
    Io(io::Error),
}

impl From<Stop> for SearchError {
    fn from(stop: Stop) -> Self {
        SearchError::Stop(stop)
    }
}

impl From<io::Error> for SearchError {
    fn from(error: io::Error) -> Self {
        SearchError::Io(error)
    }
}

struct Search<'s, 'f> {
    judge: &'s Judge<'s>,
    columns: &'s GroupColumns<'f>,
    contexts: TextColumn<'f>,
    message: Vec<u8>,
}

impl Search<'_, '_> {
    fn page(&mut self, page: &TextPage, rows: &[u32], found: &mut Vec<u32>) -> io::Result<()> {
        let forms = self.columns.forms()?;
        let dictionary = &self.columns.file.index.dictionary;
        let mut hits: Vec<Option<Hits>> = self.judge.conditions.words.iter().map(|_| None).collect();
        for &row in rows {
            let of_form = self.judge.of_form(&dictionary.forms[forms[row as usize] as usize]);
            if let Some(word) = of_form.inside {
                let word = usize::from(word);
                let text = &self.judge.conditions.words[word].text;
                if !hits[word].get_or_insert_with(|| Hits::of(text, page)).may_hold(row) {
                    continue;
                }
            }
            if self.matches(page, row)? {
                found.push(row);
            }
        }
        Ok(())
    }

    fn matches(&mut self, page: &TextPage, row: u32) -> io::Result<bool> {
        let (columns, at) = (self.columns, row as usize);
        let dictionary = &columns.file.index.dictionary;
        let form = &dictionary.forms[columns.forms()?[at] as usize];
        self.message.clear();
        if !put_message(form.skeleton.as_ref(), page.text(row), &mut self.message) {
            return Err(damaged("variables"));
        }
        let message = std::str::from_utf8(&self.message).map_err(|_| damaged("variables"))?;
        // What the query does not ask for is not read.
        let context = if self.judge.reads_context() { self.contexts.text(row)? } else { "" };
        let (source, level) = match self.judge.is_mixed() {
            true => (&*dictionary.sources[columns.sources()?[at] as usize], columns.levels()?[at]),
            false => ("", 0),
        };
        let level = Level::ALL[level as usize & 3];
        let pattern = self.judge.of_form(form).pattern;
        Ok(self.judge.matches(&RowView { source, level, message, context, pattern }))
    }
}

/// The rows of a page whose variables hold a word, as letters in any case.
enum Hits {
    /// Each row may: the page is not searched.
    All,
    /// These, rising.
    Rows(Vec<u32>),
}

impl Hits {
    fn of(word: &str, page: &TextPage) -> Hits {
        // The Kelvin sign and the dotted capital I are the two characters outside ASCII that equal one in it.
        let folds = word.bytes().any(|byte| matches!(byte, b'k' | b'i'));
        if !word.is_ascii() || folds && memchr2(0xe2, 0xc4, &page.bytes).is_some() {
            return Hits::All;
        }
        let word = word.as_bytes();
        let rare = rarest(word);
        let mut rows: Vec<u32> = Vec::new();
        let mut here = |at: usize| {
            let Some(start) = at.checked_sub(rare) else { return };
            if page.bytes.get(start..start + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word)) {
                let row = page.row_at(start);
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
            }
        };
        let byte = word[rare];
        if byte.is_ascii_lowercase() {
            memchr2_iter(byte, byte.to_ascii_uppercase(), &page.bytes).for_each(&mut here);
        } else {
            memchr_iter(byte, &page.bytes).for_each(&mut here);
        }
        Hits::Rows(rows)
    }

    fn may_hold(&self, row: u32) -> bool {
        match self {
            Hits::All => true,
            Hits::Rows(rows) => rows.binary_search(&row).is_ok(),
        }
    }
}

/// Bytes of variables, the most frequent first: digits, the letters of hex, then the rest.
const FREQUENT: &[u8] = b"0123456789abcdefetaoinsrlhdcumpgywfvbkjxqz_";

/// The place of the word's rarest byte.
fn rarest(word: &[u8]) -> usize {
    let rank = |byte: u8| FREQUENT.iter().position(|&other| other == byte).unwrap_or(FREQUENT.len());
    (0..word.len()).max_by_key(|&at| rank(word[at])).unwrap_or(0)
}

//! Cells that are one value together: a number with its unit, a list, a date, a quoted text, a value that is not there.

use super::look::{is_value, mark_at, tight};
use super::{Cell, Cells, Class, Word, words};
use crate::Rules;
use crate::skeleton::HOLE;

/// `Sun Jul 10`, `10 July`: names of days and months beside a number are part of a date.
pub(super) fn open_dates(text: &[u8], cells: &mut [Cell]) {
    for at in (0..cells.len()).rev() {
        let word = &text[cells[at].range.clone()];
        let open = |at: Option<usize>| at.and_then(|at| cells.get(at)).is_some_and(|cell| cell.class == Class::Open);
        let comma = usize::from(mark_at(text, cells, at + 1, b','));
        let month = words::is_month(word) && (open(Some(at + 1)) || open(at.checked_sub(1)));
        if cells[at].class == Class::Word && (month || words::is_day(word) && open(Some(at + 1 + comma))) {
            cells[at].class = Class::Open;
        }
    }
}

/// A number with its unit is one cell, `<` before it included; so is the same again in brackets.
pub(super) fn quantities(text: &[u8], cells: Vec<Cell>, rules: &Rules) -> Vec<Cell> {
    let number =
        |at: usize| cells.get(at).is_some_and(|cell| cell.class == Class::Open && text[cell.range.clone()] == [HOLE]);
    let unit = |at: usize| {
        cells.get(at).is_some_and(|cell| cell.class == Class::Word && words::is_unit(&text[cell.range.clone()], rules))
    };
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut at = 0;
    while at < cells.len() {
        let less = mark_at(text, &cells, at, b'<') && number(at + 1) && !mark_at(text, &cells, at + 2, b'>');
        let from = at + usize::from(less && cells[at].range.end == cells[at + 1].range.start);
        if !number(from) {
            out.push(cells[at].clone());
            at += 1;
            continue;
        }
        let mut last = from + usize::from(unit(from + 1));
        let again = mark_at(text, &cells, last + 1, b'(')
            && number(last + 2)
            && unit(last + 3)
            && mark_at(text, &cells, last + 4, b')');
        if last > from && again {
            last += 4;
        }
        out.push(Cell { range: cells[at].range.start..cells[last].range.end, class: Class::Open, word: Word::None });
        at = last + 1;
    }
    out
}

/// A run of variables with blanks or commas between is one cell.
pub(super) fn lists(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
    let value = |cell: &Cell| {
        let bytes = &text[cell.range.clone()];
        cell.class == Class::Open && (bytes.contains(&HOLE) || is_value(bytes))
    };
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut at = 0;
    while at < cells.len() {
        let mut last = at;
        while value(&cells[last]) {
            let comma = usize::from(mark_at(text, &cells, last + 1, b','));
            if !cells.get(last + 1 + comma).is_some_and(value) {
                break;
            }
            last += 1 + comma;
        }
        out.push(Cell { range: cells[at].range.start..cells[last].range.end, ..cells[at].clone() });
        at = last + 1;
    }
    out
}

/// `key=` followed by another key, a closing mark or the end has an empty value.
pub(super) fn empty_values(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    for at in 0..cells.len() {
        out.push(cells[at].clone());
        let key = at >= 1 && mark_at(text, &cells, at, b'=') && cells[at - 1].class != Class::Mark;
        let next_is_key =
            cells.get(at + 1).is_some_and(|cell| cell.class == Class::Word) && mark_at(text, &cells, at + 2, b'=');
        let closed = at + 1 == cells.len() || b",;)]}".iter().any(|&byte| mark_at(text, &cells, at + 1, byte));
        if key && (closed || next_is_key) {
            let end = cells[at].range.end;
            out.push(Cell { range: end..end, class: Class::Open, word: Word::None });
        }
    }
    out
}

/// `key=Name{7}` is one value, as `key=null` is.
pub(super) fn wrapped(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
    let value = |at: usize| {
        let key = at >= 2 && mark_at(text, &cells, at - 1, b'=') && cells[at - 2].class != Class::Mark;
        let pair = |open: u8, close: u8| mark_at(text, &cells, at + 1, open) && mark_at(text, &cells, at + 3, close);
        key && cells[at].class != Class::Mark
            && (pair(b'{', b'}') || pair(b'(', b')') || pair(b'[', b']'))
            && cells[at + 2].class == Class::Open
            && (at + 1..at + 4).all(|i| tight(&cells, i))
    };
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut at = 0;
    while at < cells.len() {
        let last = if value(at) { at + 3 } else { at };
        let range = cells[at].range.start..cells[last].range.end;
        out.push(if last > at { Cell { range, class: Class::Open, word: Word::None } } else { cells[at].clone() });
        at = last + 1;
    }
    out
}

/// Most cells of a quoted text.
const MAX_QUOTED: usize = 60;

/// A text of several words in quotes is one value, but for what tells the event: at the head of the line, after a key
/// such as `msg`, and where it begins as a sentence does.
pub(super) fn phrases(text: &[u8], cells: Vec<Cell>, rules: &Rules) -> Vec<Cell> {
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut at = 0;
    while at < cells.len() {
        out.push(cells[at].clone());
        if let Some(end) = phrase(text, &cells, at, rules) {
            let range = cells[at + 1].range.start..cells[end - 1].range.end;
            out.push(Cell { range, class: Class::Open, word: Word::None });
            at = end;
        } else {
            at += 1;
        }
    }
    out
}

/// The closing quote of the value that opens at `at`.
fn phrase(text: &[u8], cells: &[Cell], at: usize, rules: &Rules) -> Option<usize> {
    let quote = |at: usize| mark_at(text, cells, at, b'"') && text[..cells[at].range.start].last() != Some(&b'\\');
    let before = text[..cells[at].range.start].last()?;
    let opens = matches!(before, b' ' | b'=' | b':' | b'(' | b'[' | b',') && quote(at);
    let key = at.checked_sub(2).filter(|_| mark_at(text, cells, at - 1, b'=') || mark_at(text, cells, at - 1, b':'));
    let told = key.is_some_and(|key| words::is_told(&text[cells[key].range.clone()]));
    if !opens || told || at + 1 >= cells.len() || !tight(cells, at + 1) {
        return None;
    }
    let end = (at + 1..cells.len().min(at + MAX_QUOTED)).find(|&end| quote(end))?;
    let after = text.get(cells[end].range.end).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != HOLE);
    let first = &text[cells[at + 1].range.clone()];
    let sentence = words::is_state(first, rules) || words::is_glue(first, rules);
    let several = cells[at + 1..end].iter().filter(|cell| cell.class != Class::Mark).count() > 1;
    (after && several && !sentence).then_some(end)
}

/// Words with commas and no blanks between are one value: `wheel,staff`.
pub(super) fn word_lists(text: &[u8], cells: Vec<Cell>, rules: &Rules) -> Vec<Cell> {
    let element = |at: usize| {
        let Some(cell) = cells.get(at) else { return false };
        let word = &text[cell.range.clone()];
        let named = b"=:(".iter().any(|&byte| mark_at(text, &cells, at + 1, byte));
        let prose = words::is_state(word, rules) || words::is_glue(word, rules);
        cell.class != Class::Mark
            && !named
            && !prose
            && !word.contains(&HOLE)
            && word.iter().any(u8::is_ascii_alphabetic)
    };
    let mut out: Vec<Cell> = Vec::with_capacity(cells.len());
    let mut at = 0;
    while at < cells.len() {
        let mut last = at;
        while element(last)
            && mark_at(text, &cells, last + 1, b',')
            && element(last + 2)
            && tight(&cells, last + 1)
            && tight(&cells, last + 2)
        {
            last += 2;
        }
        if last > at {
            let range = cells[at].range.start..cells[last].range.end;
            out.push(Cell { range, class: Class::Open, word: Word::None });
        } else {
            out.push(cells[at].clone());
        }
        at = last + 1;
    }
    out
}

impl Cells {
    /// Whether the cell is a list of words.
    pub(super) fn is_word_list(&self, at: usize) -> bool {
        let text = self.bytes(at);
        self.cells[at].class == Class::Open
            && text.contains(&b',')
            && !text.iter().any(|byte| matches!(*byte, HOLE | b' '))
    }
}

//! A new form, cut into the cells that forms are compared by.
//!
//! Made once for each new form, so that clarity comes before speed here.

mod join;
mod look;
mod show;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

use join::{empty_values, lists, open_dates, phrases, quantities, word_lists, wrapped};
use look::{is_constant, is_field, is_identifier, open_by_look};

use crate::Rules;
use crate::scan::is_separator;
use crate::skeleton::{HOLE, Skeleton, hash_parts};

/// Most cells of a form. The last one takes the rest.
pub(crate) const MAX_CELLS: usize = 128;

/// What a cell is to the grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A variable; its text counts for the template only.
    Open,
    /// A plain word.
    Word,
    /// One separator, or dots.
    Mark,
}

/// One position of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Where it stands in the rendered skeleton. Empty for a value that is not there.
    pub range: Range<usize>,
    pub class: Class,
    pub word: Word,
}

/// What a plain word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Not a word, or none with a letter in it.
    None,
    /// One of state, or one that only holds the sentence together: never a value.
    Fixed,
    /// In upper case: mostly names a state, but for a place where names stand.
    Constant,
    /// May be one of many values.
    Free,
    /// The same, even at the end of a line.
    Name,
    /// The same, and the next word names one of many.
    Slot,
    /// The next word names one of many, and this one is never a value.
    FixedSlot,
}

/// A form as cells.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    /// The rendered skeleton.
    pub text: Vec<u8>,
    pub cells: Vec<Cell>,
    /// Cells after a word that names one of many, and cells after such a key and its mark.
    after_slot: u128,
    after_field: u128,
    rules: Rules,
}

impl Cells {
    pub(crate) fn of(skeleton: &Skeleton, rules: &Rules) -> Self {
        let (text, _) = skeleton.rendered();
        let mut cells = tokens(&text);
        open_by_look(&text, &mut cells, rules);
        if rules.assigned {
            cells = wrapped(&text, cells);
        }
        if rules.phrases {
            cells = phrases(&text, cells, rules);
        }
        if rules.word_lists {
            cells = word_lists(&text, cells, rules);
        }
        if rules.dates {
            open_dates(&text, &mut cells);
        }
        if rules.units {
            cells = quantities(&text, cells, rules);
        }
        if rules.lists {
            cells = lists(&text, cells);
        }
        if rules.empty_values {
            cells = empty_values(&text, cells);
        }
        if cells.len() > MAX_CELLS {
            let rest = cells[MAX_CELLS - 1].range.start..text.len();
            cells.truncate(MAX_CELLS - 1);
            cells.push(Cell { range: rest, class: Class::Open, word: Word::None });
        }
        sort_words(&text, &mut cells, rules);
        let mut cells = Cells { text, cells, after_slot: 0, after_field: 0, rules: *rules };
        cells.find_slots();
        cells
    }

    /// Notes where names of one of many stand: after `user`, after `eventType:`.
    fn find_slots(&mut self) {
        let key = |at: usize| {
            let marked = self.cells[at + 1].class == Class::Mark && matches!(self.bytes(at + 1), b":" | b"=");
            marked && self.cells[at].class == Class::Word && is_field(self.bytes(at), &self.rules)
        };
        let slot = |at: &usize| matches!(self.cells[*at].word, Word::Slot | Word::FixedSlot);
        let after_slot = (0..self.len().saturating_sub(1)).filter(slot).fold(0, |mask, at| mask | 1 << (at + 1));
        let fields = 0..if self.rules.fields { self.len().saturating_sub(2) } else { 0 };
        let after_field = fields.filter(|&at| key(at)).fold(0, |mask, at| mask | 1 << (at + 2));
        (self.after_slot, self.after_field) = (after_slot, after_field);
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// How many different words open each cell when those of `mask` are open already; zero: none do. The only word
    /// that is left never opens.
    ///
    /// Follows from what the key of `mask` shows alone, so that all forms with that key agree.
    pub(crate) fn thresholds(&self, mask: u128, rules: &Rules) -> Vec<u8> {
        let closed = |at: usize| self.cells[at].class == Class::Word && mask >> at & 1 == 0;
        let real = |at: &usize| closed(*at) && self.cells[*at].word != Word::None;
        let (first, last) = ((0..self.len()).find(real), (0..self.len()).rev().find(real));
        if first == last {
            return vec![0; self.len()];
        }
        let threshold = |at: usize| {
            let (slot, last) = (self.in_slot(at, mask), last == Some(at) && !self.ends_in_a_name(at, mask));
            match self.cells[at].word {
                _ if !closed(at) => 0,
                Word::None | Word::Fixed | Word::FixedSlot => 0,
                Word::Constant if last && self.after_slot >> at & 1 == 0 => 0,
                _ if slot => rules.slot_words,
                Word::Constant => rules.constant_words,
                _ if at == 0 => rules.head_words,
                Word::Name => rules.words,
                _ if last => 0,
                _ => rules.words,
            }
        };
        (0..self.len()).map(threshold).collect()
    }

    /// Whether the last word is one that something happened to or by: after `from` and its like, or alone in brackets.
    fn ends_in_a_name(&self, at: usize, mask: u128) -> bool {
        let Some(before) = at.checked_sub(1).filter(|_| self.rules.endings) else { return false };
        let is = |at: usize, mark: &[u8]| at < self.len() && self.bytes(at) == mark;
        let named = mask >> before & 1 == 0 && self.cells[before].class == Class::Word;
        named && words::is_before_name(self.bytes(before)) || is(before, b"(") && is(at + 1, b")")
    }

    /// Whether a name of one of many stands at `at`, as in `user <*>`, when the cells of `mask` are open.
    pub(crate) fn in_slot(&self, at: usize, mask: u128) -> bool {
        let shown = |back: usize| at >= back && mask >> (at - back) & 1 == 0;
        self.after_slot >> at & 1 == 1 && shown(1) || self.after_field >> at & 1 == 1 && shown(2)
    }

    /// The open cells that stand where a name of one of many does.
    pub(crate) fn slots(&self, mask: u128) -> impl Iterator<Item = usize> + '_ {
        let open = move |at: usize| self.cells[at].class == Class::Open || mask >> at & 1 == 1;
        (1..self.len()).filter(move |&at| open(at) && self.in_slot(at, mask))
    }

    /// The text of a cell.
    pub(crate) fn bytes(&self, at: usize) -> &[u8] {
        &self.text[self.cells[at].range.clone()]
    }

    /// Hash of the cells, those of `mask` open too.
    pub(crate) fn key(&self, mask: u128) -> u64 {
        hash_parts(self.cells.iter().enumerate().map(|(at, cell)| {
            if cell.class == Class::Open || mask >> at & 1 == 1 { &[HOLE][..] } else { &self.text[cell.range.clone()] }
        }))
    }

    /// Hash of the cells as another reader would take them: `name:80` and `NAME(0)` as one value.
    pub(crate) fn other_reading(&self) -> Option<u64> {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(self.len());
        let (mut at, mut found, mut word) = (0, false, false);
        while at < self.len() {
            if let Some(len) = self.value_of_many(at) {
                parts.push(&[HOLE]);
                at += len;
                found = true;
            } else {
                word |= self.cells[at].class == Class::Word;
                parts.push(if self.cells[at].class == Class::Open { &[HOLE] } else { self.bytes(at) });
                at += 1;
            }
        }
        // With no word left it would be anything at all.
        (found && word).then(|| hash_parts(parts.into_iter()))
    }

    /// How many cells from `at` on could be one value: `name:80` or `NAME(0)` standing alone.
    fn value_of_many(&self, at: usize) -> Option<usize> {
        let is = |at: usize, class: Class| self.cells.get(at).is_some_and(|cell| cell.class == class);
        let mark = |at: usize, byte: u8| is(at, Class::Mark) && self.bytes(at) == [byte];
        let len = if is(at, Class::Word) && mark(at + 1, b':') && is(at + 2, Class::Open) {
            3
        } else if is(at, Class::Word) && mark(at + 1, b'(') && is(at + 2, Class::Open) && mark(at + 3, b')') {
            4
        } else {
            return None;
        };
        let tight = (at + 1..at + len).all(|i| self.cells[i].range.start == self.cells[i - 1].range.end);
        let before = self.cells[at].range.start.checked_sub(1).map_or(b' ', |i| self.text[i]);
        let after = self.text.get(self.cells[at + len - 1].range.end).copied().unwrap_or(b' ');
        (tight && before == b' ' && (after == b' ' || after == b',')).then_some(len)
    }
}

/// Words and marks, blanks dropped. Dots at the end of a word, and three or more within it, are a mark of their own.
fn tokens(text: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut push = |range: Range<usize>, class| cells.push(Cell { range, class, word: Word::None });
    let ends = |byte: u8| byte != HOLE && is_separator(byte);
    let mut at = 0;
    while at < text.len() {
        if is_any_address(text, at) {
            push(at..at + 2, Class::Open);
            at += 2;
            continue;
        }
        if ends(text[at]) {
            if text[at] > b' ' {
                push(at..at + 1, Class::Mark);
            }
            at += 1;
            continue;
        }
        let mut end = at;
        while end < text.len() && !ends(text[end]) && !text[end..].starts_with(b"...") {
            end += 1;
        }
        let mut word = end;
        while word > at && text[word - 1] == b'.' {
            word -= 1;
        }
        while text.get(end) == Some(&b'.') {
            end += 1;
        }
        if word > at {
            push(at..word, if text[at..word] == [HOLE] { Class::Open } else { Class::Word });
        }
        if word < end {
            push(word..end, Class::Mark);
        }
        at = end;
    }
    cells
}

/// `::` by itself: all addresses of IPv6, as `0.0.0.0` is of IPv4.
fn is_any_address(text: &[u8], at: usize) -> bool {
    let alone = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'[' | b']' | b','));
    text[at..].starts_with(b"::") && alone(text[..at].last()) && alone(text.get(at + 2))
}

/// What each plain word may be.
fn sort_words(text: &[u8], cells: &mut [Cell], rules: &Rules) {
    for cell in cells.iter_mut().filter(|cell| cell.class == Class::Word) {
        let word = &text[cell.range.clone()];
        let fixed = rules.states && words::is_state(word, rules) || words::is_glue(word, rules);
        cell.word = match (fixed, words::is_slot(word, rules)) {
            _ if !word.iter().any(u8::is_ascii_alphabetic) => Word::None,
            (true, true) => Word::FixedSlot,
            (true, false) => Word::Fixed,
            (false, true) => Word::Slot,
            (false, false) if is_constant(word) => Word::Constant,
            (false, false) if rules.endings && is_identifier(word) => Word::Name,
            (false, false) => Word::Free,
        };
    }
}

impl Cells {
    /// The cells in which two forms of the same length differ.
    pub(crate) fn differences(&self, other: &Cells) -> u128 {
        (0..self.len().min(other.len()))
            .filter(|&at| self.bytes(at) != other.bytes(at))
            .fold(0, |mask, at| mask | 1 << at)
    }
}

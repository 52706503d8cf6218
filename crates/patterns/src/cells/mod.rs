//! A new form, cut into the cells that forms are compared by.
//!
//! Made once for each new form, so that clarity comes before speed here.

pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

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
    /// In upper case: names a state, but for a place where names stand.
    Constant,
    /// May be one of many values.
    Free,
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
}

impl Cells {
    pub(crate) fn of(skeleton: &Skeleton, rules: &Rules) -> Self {
        let (text, _) = skeleton.rendered();
        let mut cells = tokens(&text);
        open_by_look(&text, &mut cells, rules);
        if rules.dates {
            open_dates(&text, &mut cells);
        }
        if rules.units {
            cells = quantities(&text, cells);
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
        Cells { text, cells }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// How many different words open each cell when those of `mask` are open already; zero: none do.
    ///
    /// Follows from what the key of `mask` shows alone, so that all forms with that key agree.
    pub(crate) fn thresholds(&self, mask: u128, rules: &Rules) -> Vec<u8> {
        let closed = |at: usize| self.cells[at].class == Class::Word && mask >> at & 1 == 0;
        let last = (0..self.len()).rev().find(|&at| closed(at) && self.cells[at].word != Word::None);
        let threshold = |at: usize| {
            let slot = self.in_slot(at, mask);
            match self.cells[at].word {
                _ if !closed(at) => 0,
                Word::None | Word::Fixed | Word::FixedSlot => 0,
                Word::Constant if !slot => 0,
                _ if slot => rules.slot_words,
                _ if last == Some(at) => 0,
                _ if at == 0 => rules.head_words,
                _ => rules.words,
            }
        };
        (0..self.len()).map(threshold).collect()
    }

    /// Whether a name of one of many stands at `at`, as in `user <*>`.
    pub(crate) fn in_slot(&self, at: usize, mask: u128) -> bool {
        let before = at.checked_sub(1).filter(|&before| mask >> before & 1 == 0);
        before.is_some_and(|before| matches!(self.cells[before].word, Word::Slot | Word::FixedSlot))
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

/// Words and marks, blanks dropped. Dots at the end of a word are a mark of their own.
fn tokens(text: &[u8]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut push = |range: Range<usize>, class| cells.push(Cell { range, class, word: Word::None });
    let ends = |byte: u8| byte != HOLE && is_separator(byte);
    let mut at = 0;
    while at < text.len() {
        if ends(text[at]) {
            if text[at] > b' ' {
                push(at..at + 1, Class::Mark);
            }
            at += 1;
            continue;
        }
        let mut end = at;
        while end < text.len() && !ends(text[end]) {
            end += 1;
        }
        let mut word = end;
        while word > at && text[word - 1] == b'.' {
            word -= 1;
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

/// Opens the words that look like identifiers: the weak key.
fn open_by_look(text: &[u8], cells: &mut [Cell], rules: &Rules) {
    let pairs = (2..cells.len()).filter(|&at| is_pair_value(text, cells, at)).count();
    for at in 0..cells.len() {
        if cells[at].class != Class::Word {
            continue;
        }
        let word = &text[cells[at].range.clone()];
        // A dotted name at the head is what the line is about, and counts as a word.
        let subject = at == 0 && is_dotted(word) && !word.contains(&HOLE);
        let assigned = follows_equals(text, cells, at) || (pairs >= 2 && is_pair_value(text, cells, at));
        let open = words::is_value(word)
            || word.contains(&HOLE) && !(rules.numbered_words && is_numbered_word(word))
            || rules.identifiers && !subject && (looks_like_a_name(word) || is_quoted(text, cells, at))
            || rules.assigned && assigned;
        if open {
            cells[at].class = Class::Open;
        }
    }
}

/// `Sun Jul 10`, `10 July`: names of days and months beside a number are part of a date.
fn open_dates(text: &[u8], cells: &mut [Cell]) {
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

/// Whether a word is a variable wherever it stands open.
fn is_value(word: &[u8]) -> bool {
    words::is_value(word) || words::is_month(word) || words::is_day(word)
}

/// `word-<n>`: the word says what is numbered.
fn is_numbered_word(word: &[u8]) -> bool {
    let hole = word.iter().position(|&byte| byte == HOLE).unwrap_or(0);
    hole > 1 && word[hole - 1] == b'-' && word[..hole - 1].iter().all(u8::is_ascii_alphabetic)
}

/// By the word alone: a number glued on, one of `/ \ @ ~ $ %`, a dotted name.
fn looks_like_a_name(word: &[u8]) -> bool {
    let letters = word.iter().any(u8::is_ascii_alphanumeric);
    if !letters || word.contains(&HOLE) {
        return false;
    }
    let marked = word.len() > 1 && word.iter().any(|byte| b"/\\@~$%".contains(byte));
    let numbered = word.last().is_some_and(u8::is_ascii_digit);
    marked || numbered || is_dotted(word)
}

/// `a.b.c`, but for those that end in a constant (`a.b.SOME_EVENT`), which name what happened.
fn is_dotted(word: &[u8]) -> bool {
    let Some(dot) = word.iter().rposition(|&byte| byte == b'.') else { return false };
    let last = &word[dot + 1..];
    dot > 0 && !last.is_empty() && !is_constant(last)
}

/// Upper case, digits and `_`, two letters or more.
fn is_constant(word: &[u8]) -> bool {
    word.len() > 1 && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

fn mark_at(text: &[u8], cells: &[Cell], at: usize, byte: u8) -> bool {
    cells.get(at).is_some_and(|cell| cell.class == Class::Mark && text[cell.range.clone()] == [byte])
}

fn tight(cells: &[Cell], at: usize) -> bool {
    cells[at].range.start == cells[at - 1].range.end
}

/// `key=word`, unless the word is a key or a name of what follows in brackets.
fn follows_equals(text: &[u8], cells: &[Cell], at: usize) -> bool {
    at >= 2
        && mark_at(text, cells, at - 1, b'=')
        && cells[at - 2].class != Class::Mark
        && !(at + 1 < cells.len() && b"={([".iter().any(|&byte| mark_at(text, cells, at + 1, byte)))
}

/// The value of `key:value` with no blank between.
fn is_pair_value(text: &[u8], cells: &[Cell], at: usize) -> bool {
    at >= 2
        && cells[at].class == Class::Word
        && cells[at - 2].class == Class::Word
        && mark_at(text, cells, at - 1, b':')
        && tight(cells, at)
        && tight(cells, at - 1)
        && !mark_at(text, cells, at + 1, b':')
}

/// One word between quotes of one kind.
fn is_quoted(text: &[u8], cells: &[Cell], at: usize) -> bool {
    at >= 1
        && at + 1 < cells.len()
        && [b'"', b'\'', b'`'].iter().any(|&q| mark_at(text, cells, at - 1, q) && mark_at(text, cells, at + 1, q))
        && tight(cells, at)
        && tight(cells, at + 1)
}

/// A number with its unit is one cell, `<` before it included; so is the same again in brackets.
fn quantities(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
    let number =
        |at: usize| cells.get(at).is_some_and(|cell| cell.class == Class::Open && text[cell.range.clone()] == [HOLE]);
    let unit = |at: usize| {
        cells.get(at).is_some_and(|cell| cell.class == Class::Word && words::is_unit(&text[cell.range.clone()]))
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
fn lists(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
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
fn empty_values(text: &[u8], cells: Vec<Cell>) -> Vec<Cell> {
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

/// What each plain word may be.
fn sort_words(text: &[u8], cells: &mut [Cell], rules: &Rules) {
    for cell in cells.iter_mut().filter(|cell| cell.class == Class::Word) {
        let word = &text[cell.range.clone()];
        let fixed = rules.states && words::is_state(word) || words::is_glue(word);
        cell.word = match (fixed, words::is_slot(word)) {
            _ if !word.iter().any(u8::is_ascii_alphabetic) => Word::None,
            (true, true) => Word::FixedSlot,
            (true, false) => Word::Fixed,
            (false, true) => Word::Slot,
            (false, false) if rules.constants && is_constant(word) => Word::Constant,
            (false, false) => Word::Free,
        };
    }
}

impl Cells {
    /// The text with the cells of `open`, all variables and values replaced by what `hole` writes
    /// (given the number of the variable, or `None` for a word that is open here).
    pub(crate) fn template(&self, open: u128, mut hole: impl FnMut(Option<usize>, &mut String)) -> String {
        let open = self.shown_open(open);
        let mut out = String::with_capacity(self.text.len() + 16);
        let (mut done, mut variable) = (0, 0);
        for (at, cell) in self.cells.iter().enumerate() {
            self.copy(done..cell.range.start, &mut out);
            let holes = self.bytes(at).iter().filter(|&&byte| byte == HOLE).count();
            if open >> at & 1 == 1 {
                hole((holes == 1).then_some(variable), &mut out);
                variable += holes;
            } else if holes == 0 {
                self.copy(cell.range.clone(), &mut out);
            } else {
                self.values(cell.range.clone(), &mut variable, &mut out, &mut hole);
            }
            done = cell.range.end;
        }
        self.copy(done..self.text.len(), &mut out);
        out
    }

    /// A cell with variables: each of them, and each word that is a value, is a hole.
    fn values(
        &self,
        range: Range<usize>,
        variable: &mut usize,
        out: &mut String,
        hole: &mut impl FnMut(Option<usize>, &mut String),
    ) {
        for word in self.text[range].split_inclusive(|&byte| matches!(byte, HOLE | b' ' | b',')) {
            let literal = word.strip_suffix(&[HOLE]).unwrap_or(word);
            let value = literal.trim_ascii_end().strip_suffix(b",").unwrap_or(literal.trim_ascii_end());
            if is_value(value) {
                hole(None, out);
                out.push_str(&String::from_utf8_lossy(&literal[value.len()..]));
            } else {
                out.push_str(&String::from_utf8_lossy(literal));
            }
            if literal.len() < word.len() {
                hole(Some(*variable), out);
                *variable += 1;
            }
        }
    }

    /// The cells of a template that are shown open: those in which members differ; values; what is assigned to a name
    /// of one of many; and all quantities where one changes its unit, since it is scaled for the reader.
    fn shown_open(&self, open: u128) -> u128 {
        let quantity =
            |at: usize| self.bytes(at).contains(&HOLE) && self.bytes(at).last().is_some_and(u8::is_ascii_alphabetic);
        let scaled = (0..self.len()).any(|at| open >> at & 1 == 1 && quantity(at) && self.bytes(at).contains(&b' '));
        let shown = |at: usize| {
            let assigned = at >= 2 && self.bytes(at - 1) == b"=" && self.cells[at].class == Class::Open;
            let holes = self.bytes(at).contains(&HOLE);
            words::is_value(self.bytes(at))
                || (assigned
                    && !self.bytes(at).is_empty()
                    && (words::is_slot(self.bytes(at - 2)) || holes && !self.bytes(at).contains(&b' ')))
                || (scaled && quantity(at))
        };
        (0..self.len()).filter(|&at| shown(at)).fold(open, |mask, at| mask | 1 << at)
    }

    fn copy(&self, range: Range<usize>, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(&self.text[range]));
    }

    /// The cells in which two forms of the same length differ.
    pub(crate) fn differences(&self, other: &Cells) -> u128 {
        (0..self.len().min(other.len()))
            .filter(|&at| self.bytes(at) != other.bytes(at))
            .fold(0, |mask, at| mask | 1 << at)
    }
}

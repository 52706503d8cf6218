//! A template's text: the members of a pattern position by position, with holes where they differ.

use std::ops::Range;

use super::look::is_value;
use super::{Cells, Class, words};
use crate::skeleton::HOLE;

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
                || self.is_word_list(at)
                || (assigned
                    && !self.bytes(at).is_empty()
                    && (words::is_slot(self.bytes(at - 2), &self.rules) || holes && !self.bytes(at).contains(&b' ')))
                || (scaled && quantity(at))
        };
        (0..self.len()).filter(|&at| shown(at)).fold(open, |mask, at| mask | 1 << at)
    }

    fn copy(&self, range: Range<usize>, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(&self.text[range]));
    }
}

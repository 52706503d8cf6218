//! What a word is by its look alone: identifiers, values of keys, quoted words. They are open in the weak key.

use super::{Cell, Class, words};
use crate::Rules;
use crate::skeleton::HOLE;

/// Opens the words that look like identifiers: the weak key.
pub(super) fn open_by_look(text: &[u8], cells: &mut [Cell], rules: &Rules) {
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

/// Whether a word is a variable wherever it stands open.
pub(super) fn is_value(word: &[u8]) -> bool {
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
    marked || numbered || is_mixed(word) || is_dotted(word)
}

/// Letters and digits in turn, as in what was made at random: `vethd90c7cd`.
fn is_mixed(word: &[u8]) -> bool {
    let runs = word.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    word.len() >= 8
        && word.iter().all(u8::is_ascii_alphanumeric)
        && runs.filter(|run| run[0].is_ascii_digit()).count() > 1
}

/// `a.b.c`, but for those that end in a constant (`a.b.SOME_EVENT`), which name what happened.
fn is_dotted(word: &[u8]) -> bool {
    let Some(dot) = word.iter().rposition(|&byte| byte == b'.') else { return false };
    let last = &word[dot + 1..];
    dot > 0 && !last.is_empty() && !is_constant(last)
}

/// Upper case, digits and `_`, two letters or more.
pub(super) fn is_constant(word: &[u8]) -> bool {
    word.len() > 1 && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

pub(super) fn mark_at(text: &[u8], cells: &[Cell], at: usize, byte: u8) -> bool {
    cells.get(at).is_some_and(|cell| cell.class == Class::Mark && text[cell.range.clone()] == [byte])
}

pub(super) fn tight(cells: &[Cell], at: usize) -> bool {
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

/// One word between quotes of one kind, or `key=<word>`.
fn is_quoted(text: &[u8], cells: &[Cell], at: usize) -> bool {
    let between = |open: u8, close: u8| mark_at(text, cells, at - 1, open) && mark_at(text, cells, at + 1, close);
    at >= 1
        && at + 1 < cells.len()
        && (b"\"'`".iter().any(|&quote| between(quote, quote))
            || at >= 2 && between(b'<', b'>') && mark_at(text, cells, at - 2, b'='))
        && tight(cells, at)
        && tight(cells, at + 1)
}

/// A name rather than a word of prose: with `_`, with an upper letter after a lower one, or numbered.
pub(super) fn is_identifier(word: &[u8]) -> bool {
    word.iter().any(|byte| matches!(*byte, b'_' | HOLE)) || word.windows(2).any(is_hump)
}

fn is_hump(pair: &[u8]) -> bool {
    pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()
}

/// A key of several words whose last names one of many: `eventType`, `user_name`.
pub(super) fn is_field(word: &[u8], rules: &Rules) -> bool {
    let hump = word.windows(2).rposition(is_hump).map(|at| at + 1);
    let line = word.iter().rposition(|&byte| byte == b'_').map(|at| at + 1);
    hump.max(line).is_some_and(|at| {
        let last = &word[at..];
        words::is_slot(last, rules) || last.eq_ignore_ascii_case(b"type") || last.eq_ignore_ascii_case(b"kind")
    })
}

//! Wide forms: where one layout has hundreds of forms, the position with most different words is a variable.
//!
//! Without this a stranger's random words (or a column of a million names) would make a form each. A *layout* is
//! the exact text of a form with every word left out. What is open in a layout is tried before a form is called new.

use hashbrown::HashSet;

use crate::keys::ByHash;
use crate::scan::{Var, is_separator};
use crate::sets::NONE;
use crate::skeleton::hash_parts;

/// Words of a layout that can be open.
const MAX_WORDS: usize = 64;

/// Forms of one set in one layout after which a position opens.
pub(crate) const OPEN_IN_SET: usize = 128;
/// Forms of any sets in one layout after which a position opens.
pub(crate) const OPEN_IN_LAYOUT: usize = 2048;
/// Different words that a position must have to be open, and forms that a wide form must stand for.
pub(crate) const LEAST_WORDS: usize = 32;

/// The words of a line: stretches without separators, the variables in them included.
pub(crate) fn words(line: &[u8], vars: &[Var]) -> Vec<Var> {
    let mut words = Vec::new();
    let (mut at, mut next, mut start) = (0, 0, None);
    while at < line.len() {
        if vars.get(next).is_some_and(|var| var.start as usize == at) {
            start.get_or_insert(at);
            at = vars[next].end();
            next += 1;
        } else if is_separator(line[at]) {
            close(&mut words, &mut start, at);
            at += 1;
        } else {
            start.get_or_insert(at);
            at += 1;
        }
    }
    close(&mut words, &mut start, line.len());
    words
}

fn close(words: &mut Vec<Var>, start: &mut Option<usize>, end: usize) {
    if let Some(from) = start.take() {
        words.push(Var { start: from as u32, len: (end - from) as u32 });
    }
}

/// The layout of a line: its separators, exactly.
pub(crate) fn layout(line: &[u8], words: &[Var]) -> u64 {
    let mut done = 0;
    hash_parts(words.iter().map(|word| (word.start as usize, word.end())).chain([(line.len(), line.len())]).map(
        |(start, end)| {
            let gap = &line[done..start];
            done = end;
            gap
        },
    ))
}

/// The variables of a line when the words of `mask` are open too.
pub(crate) fn widen(vars: &[Var], words: &[Var], mask: u64) -> Vec<Var> {
    let open = |word: &&Var| {
        words[..MAX_WORDS.min(words.len())].iter().enumerate().any(|(at, w)| w == *word && mask >> at & 1 == 1)
    };
    let mut wide: Vec<Var> = words.iter().filter(open).copied().collect();
    let free: Vec<Var> =
        vars.iter().filter(|var| !wide.iter().any(|w| w.start <= var.start && var.end() <= w.end())).copied().collect();
    wide.extend(free);
    wide.sort_unstable_by_key(|var| var.start);
    wide
}

/// Words of a layout that are variables, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opening {
    pub mask: u64,
    /// The forms had nothing in common but their layout.
    pub loose: bool,
}

/// A layout with its forms and what is open in it.
#[derive(Debug)]
pub(crate) struct Layout {
    pub count: u32,
    /// The form that came last; the others follow by [`Layouts::before`].
    pub last: u32,
}

/// All layouts.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    known: ByHash<Layout>,
    /// For each form the one of the same layout that came before it.
    before: Vec<u32>,
    /// Open positions by layout, narrowest first.
    masks: ByHash<Vec<Opening>>,
}

impl Layouts {
    /// Notes a form (they come in order) and says how many its layout has now.
    pub(crate) fn push(&mut self, layout: u64, form: u32) -> usize {
        let known = self.known.entry(layout).or_insert(Layout { count: 0, last: NONE });
        self.before.push(known.last);
        known.count += 1;
        known.last = form;
        known.count as usize
    }

    /// The forms of a layout, newest first.
    pub(crate) fn forms(&self, layout: u64) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.known.get(&layout).map_or(NONE, |known| known.last);
        std::iter::from_fn(move || {
            let form = (at != NONE).then_some(at)?;
            at = self.before[form as usize];
            Some(form)
        })
    }

    /// What is open in a layout.
    pub(crate) fn masks(&self, layout: u64) -> &[Opening] {
        self.masks.get(&layout).map_or(&[], Vec::as_slice)
    }

    /// Opens positions of a layout. Says whether that is new.
    pub(crate) fn open(&mut self, layout: u64, open: Opening) -> bool {
        let masks = self.masks.entry(layout).or_default();
        let new = !masks.contains(&open);
        if new {
            masks.push(open);
            masks.sort_unstable_by_key(|open| (open.loose, open.mask.count_ones(), open.mask));
        }
        new
    }
}

/// How many different texts each position has among the rows.
fn different(rows: &[Vec<Vec<u8>>]) -> impl Iterator<Item = (usize, usize)> {
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0).min(MAX_WORDS);
    (0..columns).map(|at| (at, rows.iter().map(|row| row[at].as_slice()).collect::<HashSet<&[u8]>>().len()))
}

/// The position with most different texts among the rows, if it has enough; the lowest of several.
pub(crate) fn widest(rows: &[Vec<Vec<u8>>]) -> Option<usize> {
    let best = different(rows).max_by_key(|&(at, n)| (n, std::cmp::Reverse(at)))?;
    (best.1 >= LEAST_WORDS).then_some(best.0)
}

/// The positions in which an eighth of the rows differ.
pub(crate) fn wide(rows: &[Vec<Vec<u8>>]) -> u64 {
    different(rows)
        .filter(|&(_, n)| n >= rows.len().div_ceil(8).max(LEAST_WORDS))
        .fold(0, |mask, (at, _)| mask | 1 << at)
}

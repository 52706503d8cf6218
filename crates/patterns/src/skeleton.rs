//! The literal text of a form with its holes, and its hash: the form's id.

use std::sync::Arc;

use crate::scan::Var;
use crate::{FormId, Kind};

/// A variable in a rendered skeleton; control characters of the line itself become blanks there.
pub(crate) const HOLE: u8 = 1;

/// The exact literal text of a form and where its holes are, in one shared allocation.
///
/// Layout: number of holes (`u16`), for each the length of the literal text before it (`u16`), for each the kind
/// of its first value (`u8`, for display only), the text.
#[derive(Clone)]
pub struct Skeleton(Arc<[u8]>);

impl Skeleton {
    /// The skeleton of a line with its variables (in order, apart, as a scan gives them).
    pub fn of(line: &[u8], vars: &[Var]) -> Self {
        let mut packed = Vec::with_capacity(2 + vars.len() * 3 + line.len().min(256));
        packed.extend((vars.len() as u16).to_le_bytes());
        let (mut done, mut literal) = (0, 0usize);
        for var in vars {
            literal += var.start as usize - done;
            packed.extend((literal as u16).to_le_bytes());
            done = var.end();
        }
        packed.extend(vars.iter().map(|var| Kind::of(&line[var.range()]) as u8));
        done = 0;
        for var in vars {
            packed.extend_from_slice(&line[done..var.start as usize]);
            done = var.end();
        }
        packed.extend_from_slice(&line[done..]);
        Skeleton(packed.into())
    }

    /// Reads what [`Skeleton::as_bytes`] gave; `None` when it is not a skeleton.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let holes = usize::from(u16::from_le_bytes(*bytes.first_chunk()?));
        let literal = bytes.len().checked_sub(2 + holes * 3)?;
        let skeleton = Skeleton(bytes.into());
        let mut last = 0;
        for hole in skeleton.holes() {
            if hole < last || hole > literal {
                return None;
            }
            last = hole;
        }
        Some(skeleton)
    }

    /// The packed form, for the journal.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many variables.
    pub fn hole_count(&self) -> usize {
        usize::from(u16::from_le_bytes([self.0[0], self.0[1]]))
    }

    /// For each variable the length of the literal text before it.
    pub fn holes(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        let count = self.hole_count();
        self.0[2..2 + count * 2].chunks_exact(2).map(|pair| usize::from(u16::from_le_bytes([pair[0], pair[1]])))
    }

    /// All literal text, without the variables.
    pub fn literal(&self) -> &[u8] {
        &self.0[2 + self.hole_count() * 3..]
    }

    /// The kind of each variable's first value.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = Kind> + '_ {
        let count = self.hole_count();
        self.0[2 + count * 2..2 + count * 3].iter().map(|&code| Kind::from_code(code))
    }

    /// The skeleton as a line of its own, each variable one byte that stands in no word, and where those are.
    pub(crate) fn rendered(&self) -> (Vec<u8>, Vec<Var>) {
        let (mut line, mut vars) = (Vec::new(), Vec::new());
        for (i, stretch) in self.stretches().enumerate() {
            if i > 0 {
                vars.push(Var { start: line.len() as u32, len: 1 });
                line.push(HOLE);
            }
            line.extend(stretch.iter().map(|&byte| if byte < b' ' { b' ' } else { byte }));
        }
        (line, vars)
    }

    /// The stretches of literal text around the variables: one more than there are variables.
    fn stretches(&self) -> impl Iterator<Item = &[u8]> {
        let literal = self.literal();
        let mut done = 0;
        self.holes().chain([literal.len()]).map(move |end| {
            let stretch = &literal[done..end];
            done = end;
            stretch
        })
    }

    /// The form's id: the hash of this.
    pub fn id(&self) -> FormId {
        let mut hash = Hasher::new();
        for stretch in self.stretches() {
            hash.stretch(stretch);
        }
        hash.finish()
    }

    /// Whether a line with these variables has exactly this skeleton.
    #[inline]
    pub fn matches(&self, line: &[u8], vars: &[Var]) -> bool {
        if self.hole_count() != vars.len() {
            return false;
        }
        let literal = self.literal();
        let (mut done, mut from) = (0, 0);
        for (hole, var) in self.holes().zip(vars) {
            if literal[from..hole] != line[done..var.start as usize] {
                return false;
            }
            (from, done) = (hole, var.end());
        }
        literal[from..] == line[done..]
    }

    /// The text with `hole` for each variable.
    pub fn text(&self, hole: &str) -> String {
        let mut text = Vec::with_capacity(self.literal().len() + self.hole_count() * hole.len());
        for (i, stretch) in self.stretches().enumerate() {
            if i > 0 {
                text.extend_from_slice(hole.as_bytes());
            }
            text.extend_from_slice(stretch);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The line again: the text with the variables' values in its holes; `None` when the count is wrong.
    pub fn fill<'a>(&self, values: impl ExactSizeIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        if values.len() != self.hole_count() {
            return None;
        }
        let mut line = Vec::new();
        let mut stretches = self.stretches();
        line.extend_from_slice(stretches.next()?);
        for (value, stretch) in values.zip(stretches) {
            line.extend_from_slice(value);
            line.extend_from_slice(stretch);
        }
        Some(line)
    }
}

impl std::fmt::Debug for Skeleton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Skeleton({:?})", self.text("<*>"))
    }
}

/// The form of a line: the hash of its literal text, each variable one symbol.
#[inline]
pub fn form_of(line: &[u8], vars: &[Var]) -> FormId {
    let mut hash = Hasher::new();
    let mut done = 0;
    for var in vars {
        hash.stretch(&line[done..var.start as usize]);
        done = var.end();
    }
    hash.stretch(&line[done..]);
    hash.finish()
}

/// Multiply and fold, eight bytes at a time. Ids live for ever: this never changes, on any machine.
/// It is not keyed, so a stranger could make two texts meet; whoever looks a form up compares the text.
struct Hasher(u64);

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;
const K2: u64 = 0xa076_1d64_78bd_642f;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[inline(always)]
fn four(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from(u32::from_le_bytes(*chunk)))
}

impl Hasher {
    #[inline(always)]
    fn new() -> Self {
        Hasher(K0)
    }

    #[inline(always)]
    fn stretch(&mut self, bytes: &[u8]) {
        let len = bytes.len();
        let mut at = 0;
        while len - at > 16 {
            self.0 = fold(eight(bytes, at) ^ K1, eight(bytes, at + 8) ^ self.0);
            at += 16;
        }
        let rest = len - at;
        let (a, b) = if rest >= 8 {
            (eight(bytes, at), eight(bytes, len - 8))
        } else if rest >= 4 {
            (four(bytes, at), four(bytes, len - 4))
        } else if rest > 0 {
            (u64::from(bytes[at]) << 8 | u64::from(bytes[at + rest / 2]), u64::from(bytes[len - 1]))
        } else {
            (0, 0)
        };
        self.0 = fold(a ^ K2, b ^ self.0 ^ (len as u64).wrapping_mul(K1));
    }

    #[inline(always)]
    fn finish(self) -> FormId {
        // Zero means "not analysed" in a row.
        FormId(fold(self.0 ^ K0, K1).max(1))
    }
}

/// The same hash over any sequence of texts, for the keys of grouping.
pub(crate) fn hash_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hash = Hasher::new();
    for part in parts {
        hash.stretch(part);
    }
    hash.finish().0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Scanner;

    proptest! {
        #[test]
        fn skeleton_and_variables_are_the_line(line in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            r"([a-z]{1,5}|[0-9]{1,4}|[ :=/.,\n]|é|\x01|\PC){0,60}".prop_map(String::into_bytes),
        ]) {
            let mut vars = Vec::new();
            Scanner::new().scan_bytes(&line, &mut vars);
            let skeleton = Skeleton::of(&line, &vars);
            prop_assert!(skeleton.matches(&line, &vars));
            prop_assert_eq!(skeleton.id(), form_of(&line, &vars));
            let again = Skeleton::from_bytes(skeleton.as_bytes()).expect("what was packed unpacks");
            prop_assert_eq!(again.fill(vars.iter().map(|var| &line[var.range()])), Some(line.clone()));
        }

        #[test]
        fn any_bytes_are_a_skeleton_or_none(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(skeleton) = Skeleton::from_bytes(&bytes) {
                prop_assert_eq!(skeleton.text("").is_empty(), skeleton.literal().is_empty());
                skeleton.rendered();
            }
        }
    }

    #[test]
    fn a_form_is_its_literal_text_alone() {
        let form = |line: &str| {
            let mut vars = Vec::new();
            Scanner::new().scan(line, &mut vars);
            form_of(line.as_bytes(), &vars)
        };
        assert_eq!(form("took 1 ms"), form("took 99999 ms"));
        assert_ne!(form("took 1 ms"), form("took 1  ms"), "blanks are literal");
        assert_ne!(form("a 1"), form("1 a"));
        assert_ne!(form("ab 1 c"), form("a 1 bc"));
    }

    /// Ids are stored for ever: this value may never change.
    #[test]
    fn ids_stay_what_they_are() {
        let line = b"took 17 ms for the whole request of a client";
        assert_eq!(form_of(line, &[Var { start: 5, len: 2 }]).to_string(), "34130d48269300d7");
    }
}

//! Words and texts as a query sees them: what a word is, what equal means, and how a text is found in a message.
//!
//! A word is the longest run of Unicode letters, digits and `_`. Letters are equal when their simple lower-case letters
//! are: one character for one character, whatever stands beside it, so that an index and a scan cannot disagree.
//! ASCII text is searched as it stands, without a copy.

use std::borrow::Cow;
use std::cell::OnceCell;

use memchr::{memchr_iter, memchr2_iter, memmem};

/// The two characters outside ASCII whose lower-case letter is in it: the Kelvin sign and the dotted capital I.
const KELVIN: &str = "\u{212a}";
const DOTTED_I: &str = "\u{130}";

/// Whether a character is part of words.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The simple lower-case letter: always one character.
pub fn lower_char(c: char) -> char {
    // Only U+0130 has two, and the first of them is its simple lower-case letter.
    c.to_lowercase().next().unwrap_or(c)
}

/// The text in simple lower case; borrowed where it is so already.
pub fn lower(text: &str) -> Cow<'_, str> {
    match text.char_indices().find(|&(_, c)| lower_char(c) != c) {
        None => Cow::Borrowed(text),
        Some((at, _)) => {
            let mut out = String::with_capacity(text.len() + 4);
            out.push_str(&text[..at]);
            out.extend(text[at..].chars().map(lower_char));
            Cow::Owned(out)
        }
    }
}

/// Whether two texts are equal in any case; the second is lower-cased.
pub fn equals(text: &str, lowered: &str) -> bool {
    match after_prefix(text, lowered) {
        Some(rest) => rest.is_empty(),
        None => false,
    }
}

/// Whether a text starts, in any case, with a lower-cased one.
pub fn starts_with(text: &str, lowered: &str) -> bool {
    after_prefix(text, lowered).is_some()
}

fn after_prefix<'t>(text: &'t str, lowered: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in lowered.chars() {
        if lower_char(rest.next()?) != wanted {
            return None;
        }
    }
    Some(rest.as_str())
}

/// The words of a text, as they stand, in order.
pub fn raw_words(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(text, at, false);
        at = skip(text, start, true);
        (start < at).then(|| &text[start..at])
    })
}

/// The words of a text in lower case, in order, each as often as it stands there. What an index of words holds.
pub fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    raw_words(text).map(lower)
}

/// The first byte from `at` on where the run of characters in words (or outside of them) ends.
fn skip(text: &str, mut at: usize, in_words: bool) -> usize {
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x80 {
            if is_word_byte(byte) != in_words {
                return at;
            }
            at += 1;
        } else {
            match text[at..].chars().next() {
                Some(c) if is_word(c) == in_words => at += c.len_utf8(),
                _ => return at,
            }
        }
    }
    at
}

/// Whether a lower-cased text stands in another with no word character beside its first and last word character.
pub fn contains_phrase(haystack: &str, lowered: &str) -> bool {
    Haystack::new(haystack).phrase(lowered)
}

/// The same where the last word may go on.
pub fn contains_prefix(haystack: &str, lowered: &str) -> bool {
    Haystack::new(haystack).prefix(lowered)
}

/// Whether a lower-cased text stands in another, anywhere.
pub fn contains_text(haystack: &str, lowered: &str) -> bool {
    Haystack::new(haystack).substring(lowered)
}

/// A text in which several others are looked for. It is lower-cased once, and only where that is needed.
#[derive(Debug)]
pub struct Haystack<'t> {
    text: &'t str,
    lowered: OnceCell<Cow<'t, str>>,
}

/// Which ends must be ends of words, where the characters there are word characters.
#[derive(Debug, Clone, Copy)]
struct Edges {
    left: bool,
    right: bool,
}

impl<'t> Haystack<'t> {
    /// Wraps a text.
    pub fn new(text: &'t str) -> Self {
        Haystack { text, lowered: OnceCell::new() }
    }

    /// See [`contains_phrase`].
    pub fn phrase(&self, lowered: &str) -> bool {
        let (left, right) = word_ends(lowered);
        self.search(lowered, Edges { left, right })
    }

    /// See [`contains_prefix`].
    pub fn prefix(&self, lowered: &str) -> bool {
        let (left, _) = word_ends(lowered);
        self.search(lowered, Edges { left, right: false })
    }

    /// See [`contains_text`].
    pub fn substring(&self, lowered: &str) -> bool {
        self.search(lowered, Edges { left: false, right: false })
    }

    fn search(&self, needle: &str, edges: Edges) -> bool {
        if needle.is_empty() {
            return true;
        }
        if needle.len() > 2 * self.text.len() {
            return false;
        }
        let ascii = needle.is_ascii();
        if ascii && !may_fold_to(self.text, needle) {
            return search_ascii(self.text, needle.as_bytes(), edges);
        }
        if !ascii && self.text.is_ascii() {
            return false;
        }
        let text = self.lowered.get_or_init(|| lower(self.text));
        let found = |at: usize| edges_hold(text, at, at + needle.len(), edges);
        // Overlapping places count too, so the search goes on one character behind each.
        let finder = memmem::Finder::new(needle);
        let mut from = 0;
        while let Some(at) = finder.find(&text.as_bytes()[from..]).map(|at| at + from) {
            if found(at) {
                return true;
            }
            from = at + needle.chars().next().map_or(1, char::len_utf8);
        }
        false
    }
}

/// Whether the first and the last character of a text are word characters.
fn word_ends(text: &str) -> (bool, bool) {
    (text.chars().next().is_some_and(is_word), text.chars().next_back().is_some_and(is_word))
}

/// Whether a text holds a character outside ASCII that could be equal to one of an ASCII needle.
fn may_fold_to(text: &str, needle: &str) -> bool {
    needle.bytes().any(|b| matches!(b, b'k' | b'i'))
        && memchr::memchr2(KELVIN.as_bytes()[0], DOTTED_I.as_bytes()[0], text.as_bytes()).is_some()
        && (text.contains(KELVIN) || text.contains(DOTTED_I))
}

/// Looks for the needle's rarest byte in both cases, then at what stands around it.
fn search_ascii(text: &str, needle: &[u8], edges: Edges) -> bool {
    let rare = rarest(needle);
    let byte = needle[rare];
    let here = |at: usize| {
        let Some(start) = at.checked_sub(rare) else { return false };
        let end = start + needle.len();
        end <= text.len()
            && edges_hold(text, start, end, edges)
            && text.as_bytes()[start..end].eq_ignore_ascii_case(needle)
    };
    if byte.is_ascii_lowercase() {
        memchr2_iter(byte, byte.to_ascii_uppercase(), text.as_bytes()).any(here)
    } else {
        memchr_iter(byte, text.as_bytes()).any(here)
    }
}

fn edges_hold(text: &str, start: usize, end: usize, edges: Edges) -> bool {
    (!edges.left || !word_before(text, start)) && (!edges.right || !word_after(text, end))
}

fn word_before(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => false,
        Some(&byte) if byte < 0x80 => is_word_byte(byte),
        // A place inside a character is no place of the needle; the bytes are compared after this.
        Some(_) => text.get(..at).and_then(|t| t.chars().next_back()).is_some_and(is_word),
    }
}

fn word_after(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(&byte) if byte < 0x80 => is_word_byte(byte),
        Some(_) => text.get(at..).and_then(|t| t.chars().next()).is_some_and(is_word),
    }
}

/// Bytes of log lines, the most frequent first.
const FREQUENT: &[u8] = b" etaoinsrcdl01um2p-.:h3/f45g6_978=wybvk,x[]()\"jqz";

/// For each byte its place in [`FREQUENT`]; the others are rarer.
const RANK: [u8; 256] = {
    let mut rank = [u8::MAX; 256];
    let mut at = 0;
    while at < FREQUENT.len() {
        rank[FREQUENT[at] as usize] = at as u8;
        at += 1;
    }
    rank
};

fn rarest(needle: &[u8]) -> usize {
    (0..needle.len()).max_by_key(|&at| RANK[needle[at] as usize]).unwrap_or(0)
}

//! Which words of a message stand (or may stand) in its variables, and their hashes: what the filter of a row group holds.
//!
//! A word of a message is either certain from the form's literal text, or it touches a variable. Only the latter are
//! hashed. Both sides cut at the same places: a run of word bytes (ASCII letters, digits, `_`, and every byte outside
//! ASCII) belongs to the variable that it touches.

use whittle_domain::query::words;
use whittle_patterns::Var;

/// What a byte is: 0 between words, 1 outside ASCII, otherwise itself in lower case.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        class[byte] = if b >= 0x80 {
            1
        } else if b.is_ascii_alphanumeric() || b == b'_' {
            b.to_ascii_lowercase()
        } else {
            0
        };
        byte += 1;
    }
    class
};

/// Whether a byte may be part of a word.
#[inline]
pub(crate) fn is_wordish(byte: u8) -> bool {
    CLASS[byte as usize] != 0
}

const K: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a word in lower case. Stored in filters: it never changes.
pub(crate) fn hash(word: &str) -> u64 {
    finish(word.bytes().fold(START, step))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

#[inline(always)]
fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(K).rotate_left(23)
}

#[inline(always)]
fn finish(hash: u64) -> u64 {
    let product = u128::from(hash ^ K) * u128::from(K);
    (product as u64) ^ (product >> 64) as u64
}

/// Gives the hash of each word that touches one of the variables (in order and apart). The message is valid UTF-8.
#[inline]
pub(crate) fn of_variables(message: &str, vars: &[Var], mut give: impl FnMut(u64)) {
    let bytes = message.as_bytes();
    let mut done = 0;
    for var in vars {
        let (start, end) = (var.start as usize, var.end());
        if end < done {
            continue;
        }
        let start =
            start - bytes[done..start.max(done)].iter().rev().take_while(|&&b| is_wordish(b)).count().min(start);
        let start = start.max(done);
        let end = end + bytes[end..].iter().take_while(|&&b| is_wordish(b)).count();
        region(message, start, end, &mut give);
        done = end;
    }
}

/// Gives the hashes of all words of a stretch that is cut between words.
#[inline]
pub(crate) fn region(message: &str, start: usize, end: usize, give: &mut impl FnMut(u64)) {
    let bytes = &message.as_bytes()[start..end];
    let mut at = 0;
    while at < bytes.len() {
        let mut class = CLASS[bytes[at] as usize];
        if class == 0 {
            at += 1;
            continue;
        }
        let first = at;
        let mut hash = START;
        while class > 1 {
            hash = step(hash, class);
            at += 1;
            class = bytes.get(at).map_or(0, |&byte| CLASS[byte as usize]);
        }
        if class == 0 {
            give(finish(hash));
            continue;
        }
        // A character outside ASCII: the run is read as text.
        at += bytes[at..].iter().take_while(|&&byte| is_wordish(byte)).count();
        if let Some(run) = message.get(start + first..start + at) {
            words(run).for_each(|word| give(self::hash(&word)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use whittle_patterns::Scanner;

    use super::*;

    proptest! {
        #[test]
        fn all_words_of_a_message_are_certain_or_hashed(message in r"([a-zA-Z]{1,5}|[0-9]{1,4}|[ :=/._-]|é|ß|K|İ|日|\x01){0,40}") {
            let mut vars = Vec::new();
            Scanner::new().scan(&message, &mut vars);
            let mut hashed = BTreeSet::new();
            of_variables(&message, &vars, |word| { hashed.insert(word); });
            // What is left when every variable, and every run of word bytes that touches one, is taken out.
            let mut rest = message.clone().into_bytes();
            for var in &vars {
                let start = rest[..var.start as usize].iter().rposition(|&b| !is_wordish(b)).map_or(0, |at| at + 1);
                let end = var.end() + message.as_bytes()[var.end()..].iter().take_while(|&&b| is_wordish(b)).count();
                rest[start..end].fill(b' ');
            }
            let rest = String::from_utf8(rest).expect("cut between characters");
            let certain: BTreeSet<u64> = words(&rest).map(|word| hash(&word)).collect();
            for word in words(&message) {
                prop_assert!(hashed.contains(&hash(&word)) || certain.contains(&hash(&word)), "{word} of {message:?}");
            }
        }
    }
}

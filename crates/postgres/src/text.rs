//! Text as PostgreSQL takes it: it has no U+0000, so that is stored as U+2400, the sign for it.
//!
//! Where that happened the row has its texts once more as bytes, so that they come back byte for byte.

use std::borrow::Cow;

use whittle_domain::RowText;

/// What stands for U+0000.
pub(crate) const NUL_SIGN: char = '\u{2400}';

/// The text without U+0000.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    match memchr::memchr(0, text.as_bytes()) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.replace('\0', NUL_SIGN.encode_utf8(&mut [0; 4]))),
    }
}

/// A source as the table of series has it: different sources stay different.
pub(crate) fn escaped(source: &str) -> Cow<'_, str> {
    match source.contains(['\0', '\u{1}']) {
        false => Cow::Borrowed(source),
        true => Cow::Owned(source.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0")),
    }
}

/// The source that [`escaped`] was given.
pub(crate) fn unescaped(source: &str) -> Cow<'_, str> {
    match source.contains('\u{1}') {
        false => Cow::Borrowed(source),
        true => Cow::Owned(source.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")),
    }
}

/// The texts of a row as bytes, where they cannot be stored as they are: source, message, level text, context, each with
/// its length. `malformed`: the context is no JSON that PostgreSQL takes.
pub(crate) fn exact(text: &RowText<'_>, malformed: bool) -> Option<Vec<u8>> {
    let parts = [text.source, text.message, text.level_text, text.context];
    if !malformed && !parts[..3].iter().any(|part| memchr::memchr(0, part.as_bytes()).is_some()) {
        return None;
    }
    let mut out = Vec::with_capacity(16 + parts.iter().map(|part| part.len()).sum::<usize>());
    for part in parts {
        out.extend((part.len() as u32).to_be_bytes());
        out.extend(part.as_bytes());
    }
    Some(out)
}

/// What [`exact`] gave: source, message, level text, context.
pub(crate) fn from_exact(mut bytes: &[u8]) -> Option<[String; 4]> {
    let mut part = || {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    };
    Some([part()?, part()?, part()?, part()?])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_back(source in "[a\0\u{1}01]{0,6}", message in "[b\0]{0,6}", level_text in "[c\0]{0,3}", malformed: bool) {
            let escaped = escaped(&source);
            prop_assert_eq!(unescaped(&escaped), source.as_str());
            prop_assert!(!escaped.contains('\0') && !storable(&message).contains('\0'));
            let text = RowText { source: &source, message: &message, context: "{\u{1}}", level_text: &level_text };
            match exact(&text, malformed) {
                Some(bytes) => {
                    let parts = [text.source, text.message, text.level_text, text.context].map(str::to_owned);
                    prop_assert_eq!(from_exact(&bytes), Some(parts));
                    prop_assert!(from_exact(&bytes[..bytes.len() - 1]).is_none());
                }
                None => prop_assert!(!malformed && ![text.source, text.message, text.level_text].concat().contains('\0')),
            }
        }
    }
}

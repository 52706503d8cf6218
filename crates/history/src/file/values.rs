//! The variables of a message as one value of a column, and the message again.
//!
//! Values stand one after another with a zero byte between. Inside a value the bytes 0, 1 and 2 are written as 1
//! and the byte + 16. A message that its form's skeleton does not give back stands as a whole behind a byte 2.

use std::ops::Range;

use memchr::memchr3;
use whittle_patterns::Skeleton;

const BETWEEN: u8 = 0;
const ESCAPE: u8 = 1;
const WHOLE: u8 = 2;
const LIFT: u8 = 16;

/// Appends variables in the form of the column.
pub(crate) fn put_values<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            out.push(BETWEEN);
        }
        put_escaped(value, out);
    }
}

fn put_escaped(mut value: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr3(BETWEEN, ESCAPE, WHOLE, value) {
        out.extend_from_slice(&value[..at]);
        out.extend([ESCAPE, value[at] + LIFT]);
        value = &value[at + 1..];
    }
    out.extend_from_slice(value);
}

/// Appends a message as a whole.
pub(crate) fn put_whole(message: &[u8], out: &mut Vec<u8>) {
    out.push(WHOLE);
    out.extend_from_slice(message);
}

/// The message that stands as a whole in a value of the column, if it does.
pub(crate) fn as_whole(values: &[u8]) -> Option<&[u8]> {
    values.strip_prefix(&[WHOLE])
}

/// Appends the message of a row: skeleton and variables put together. False when they do not fit: damage.
pub(crate) fn put_message(skeleton: Option<&Skeleton>, values: &[u8], out: &mut Vec<u8>) -> bool {
    put_with_places(skeleton, values, out, |_| {})
}

/// The same; gives the place of each variable in `out`.
pub(crate) fn put_with_places(
    skeleton: Option<&Skeleton>,
    values: &[u8],
    out: &mut Vec<u8>,
    mut place: impl FnMut(Range<usize>),
) -> bool {
    if let Some(message) = as_whole(values) {
        place(out.len()..out.len() + message.len());
        out.extend_from_slice(message);
        return true;
    }
    let Some(skeleton) = skeleton else { return false };
    let literal = skeleton.literal();
    let (mut done, mut rest) = (0, Some(values));
    for hole in skeleton.holes() {
        let Some(left) = rest else { return false };
        out.extend_from_slice(&literal[done..hole]);
        let start = out.len();
        rest = put_value(left, out);
        place(start..out.len());
        done = hole;
    }
    out.extend_from_slice(&literal[done..]);
    if skeleton.hole_count() == 0 { values.is_empty() } else { rest.is_none() }
}

/// Appends the first value; what follows its end, if anything does.
fn put_value<'a>(mut values: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let Some(at) = memchr3(BETWEEN, ESCAPE, WHOLE, values) else {
            out.extend_from_slice(values);
            return None;
        };
        out.extend_from_slice(&values[..at]);
        if values[at] == BETWEEN {
            return Some(&values[at + 1..]);
        }
        let lifted = values.get(at + 1).copied().unwrap_or(LIFT);
        out.push(lifted.wrapping_sub(LIFT));
        values = values.get(at + 2..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whittle_patterns::Var;

    use super::*;

    fn message_with_vars() -> impl Strategy<Value = (Vec<u8>, Vec<Var>)> {
        let piece = prop::collection::vec(prop_oneof![0u8..4, 14u8..20, any::<u8>()], 0..6);
        (prop::collection::vec((piece.clone(), piece.clone()), 0..5), piece).prop_map(|(pairs, end)| {
            let (mut message, mut vars) = (Vec::new(), Vec::new());
            for (literal, value) in pairs {
                message.extend(literal);
                vars.push(Var { start: message.len() as u32, len: value.len() as u32 });
                message.extend(value);
            }
            message.extend(end);
            (message, vars)
        })
    }

    proptest! {
        #[test]
        fn the_message_comes_back((message, vars) in message_with_vars()) {
            let skeleton = Skeleton::of(&message, &vars);
            let (mut column, mut again) = (Vec::new(), Vec::new());
            put_values(vars.iter().map(|var| &message[var.range()]), &mut column);
            prop_assert!(put_message(Some(&skeleton), &column, &mut again));
            prop_assert_eq!(&again, &message);
            prop_assert!(as_whole(&column).is_none());
            let (mut column, mut again) = (Vec::new(), Vec::new());
            put_whole(&message, &mut column);
            prop_assert!(put_message(None, &column, &mut again));
            prop_assert_eq!(again, message);
        }

        #[test]
        fn any_bytes_give_a_message_or_none((message, vars) in message_with_vars(), column in prop::collection::vec(0u8..20, 0..20)) {
            put_message(Some(&Skeleton::of(&message, &vars)), &column, &mut Vec::new());
        }
    }
}

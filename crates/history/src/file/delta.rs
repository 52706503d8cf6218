//! Whole numbers as Parquet packs them by difference: `DELTA_BINARY_PACKED` of the specification.
//!
//! Times and offsets are most of what a scan unpacks; reading them here, a block at a time into a plain vector, costs
//! a nanosecond a row and needs no reader object for each column.

use crate::wire::Take;

/// Values of a block, at most, and of its parts: what writers use stays far below.
const MAX_BLOCK: u64 = 1 << 16;

/// Appends the `count` numbers of a page; `None` when the bytes are no such page.
pub(crate) fn decode(page: &[u8], count: usize, out: &mut Vec<i64>) -> Option<()> {
    let mut take = Take(page);
    let (block, parts) = (take.number()?, take.number()?);
    let total = take.number()?;
    let mut value = take.signed()?;
    if total != count as u64 || !(1..=MAX_BLOCK).contains(&block) || parts == 0 || block % parts != 0 {
        return None;
    }
    let part = (block / parts) as usize;
    if count == 0 {
        return Some(());
    }
    // No more is reserved than the bytes can hold: a part of width zero costs one byte.
    out.reserve(count.min(page.len().saturating_mul(part.max(64))));
    out.push(value);
    let mut left = count - 1;
    while left > 0 {
        let least = take.signed()?;
        let widths = take.exact(parts as usize)?;
        for &width in widths {
            if left == 0 {
                break;
            }
            let here = part.min(left);
            unpack(&mut take, usize::from(width), part, here, |delta| {
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                out.push(value);
            })?;
            left -= here;
        }
    }
    Some(())
}

/// Gives the first `here` of `part` packed numbers and takes the bytes of all; the last part may be cut short.
#[inline]
fn unpack(take: &mut Take<'_>, width: usize, part: usize, here: usize, mut give: impl FnMut(u64)) -> Option<()> {
    match width {
        0 => (0..here).for_each(|_| give(0)),
        1..=56 => {
            let bytes = take.0;
            let mask = (1u64 << width) - 1;
            if (here * width).div_ceil(8) > bytes.len() {
                return None;
            }
            for i in 0..here {
                let bit = i * width;
                give(word(bytes, bit / 8) >> (bit % 8) & mask);
            }
        }
        57..=64 => {
            let bytes = take.0;
            let mask = u64::MAX >> (64 - width);
            if (here * width).div_ceil(8) > bytes.len() {
                return None;
            }
            for i in 0..here {
                let bit = i * width;
                let low = u128::from(word(bytes, bit / 8));
                let high = u128::from(bytes.get(bit / 8 + 8).copied().unwrap_or(0));
                give(((low | high << 64) >> (bit % 8)) as u64 & mask);
            }
        }
        _ => return None,
    }
    take.0 = &take.0[(part * width).div_ceil(8).min(take.0.len())..];
    Some(())
}

/// Eight bytes from `at`, or what is left of them.
#[inline]
pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8).and_then(|bytes| bytes.first_chunk()) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.get(at..).unwrap_or_default().iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_specification_are_read() {
        let mut out = Vec::new();
        // 1 to 5 in a block of 128, four parts: the least difference is 1, all widths are 0.
        assert_eq!(decode(&[128, 1, 4, 5, 2, 2, 0, 0, 0, 0], 5, &mut out), Some(()));
        assert_eq!(out, [1, 2, 3, 4, 5]);
        out.clear();
        // 7, 5, 3, 1, 2, 3, 4, 5: the least difference is -2, packed in 2 bits.
        let page = [128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0];
        assert_eq!(decode(&page, 8, &mut out), Some(()));
        assert_eq!(out, [7, 5, 3, 1, 2, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_page_or_none(page in prop::collection::vec(any::<u8>(), 0..80), count in 0usize..400) {
            let mut out = Vec::new();
            if decode(&page, count, &mut out).is_some() {
                prop_assert_eq!(out.len(), count);
            }
            let mut framed = vec![128, 1, 4];
            crate::wire::Put::put_number(&mut framed, count as u64);
            framed.extend(&page);
            out.clear();
            decode(&framed, count, &mut out);
            prop_assert!(out.capacity() <= 2048);
        }
    }
}

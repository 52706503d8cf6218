//! Indexes into a dictionary as Parquet packs them: runs of one value, and stretches of packed bits.
//!
//! The format is "RLE/bit-packing hybrid" of the Parquet specification; reading it here gives indexes where the
//! library gives values only.

/// Appends the `count` indexes of a dictionary-encoded page; `None` when the bytes are no such page.
pub(crate) fn decode(page: &[u8], count: usize, out: &mut Vec<u32>) -> Option<()> {
    let (&width, mut rest) = page.split_first()?;
    if width > 32 {
        return None;
    }
    let width = usize::from(width);
    let mut left = count;
    while left > 0 {
        let header = take_header(&mut rest)?;
        if header & 1 == 1 {
            left -= unpack(&mut rest, width, usize::try_from(header >> 1).ok()?, left, out)?;
        } else {
            let run = usize::try_from(header >> 1).ok()?.min(left);
            let value = take_value(&mut rest, width.div_ceil(8))?;
            if run == 0 {
                return None;
            }
            out.resize(out.len() + run, value);
            left -= run;
        }
    }
    Some(())
}

fn take_header(rest: &mut &[u8]) -> Option<u64> {
    let mut take = crate::wire::Take(rest);
    let header = take.number()?;
    *rest = take.0;
    Some(header)
}

fn take_value(rest: &mut &[u8], bytes: usize) -> Option<u32> {
    let (value, after) = rest.split_at_checked(bytes)?;
    *rest = after;
    Some(value.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)))
}

/// Unpacks `groups` of eight values, at most `left` of them; how many. The last group may be cut short by the page's end.
fn unpack(rest: &mut &[u8], width: usize, groups: usize, left: usize, out: &mut Vec<u32>) -> Option<usize> {
    let count = groups.checked_mul(8)?.min(left);
    if count == 0 || width == 0 {
        out.resize(out.len() + count, 0);
        return (count > 0).then_some(count);
    }
    let needed = (count * width).div_ceil(8);
    if needed > rest.len() {
        return None;
    }
    let mask = (1u64 << width) - 1;
    out.reserve(count);
    for i in 0..count {
        let bit = i * width;
        let word = match rest.get(bit / 8..bit / 8 + 8).and_then(|bytes| bytes.first_chunk()) {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => rest[bit / 8..].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        out.push((word >> (bit % 8) & mask) as u32);
    }
    *rest = &rest[groups.checked_mul(width)?.min(rest.len())..];
    Some(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_and_packed_stretches_are_read() {
        let mut out = Vec::new();
        // Width 3: five times 6, then 0 to 7 packed (the example of the specification).
        assert_eq!(decode(&[3, 10, 6, 3, 0x88, 0xc6, 0xfa], 13, &mut out), Some(()));
        assert_eq!(out, [6, 6, 6, 6, 6, 0, 1, 2, 3, 4, 5, 6, 7]);
        out.clear();
        assert_eq!(decode(&[0, 3], 5, &mut out), Some(()), "width 0 needs no bytes");
        assert_eq!(out, [0; 5]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_page_or_none(page in prop::collection::vec(any::<u8>(), 0..60), count in 0usize..300) {
            let mut out = Vec::new();
            if decode(&page, count, &mut out).is_some() {
                prop_assert_eq!(out.len(), count);
            }
            prop_assert!(out.capacity() <= 1024);
        }
    }
}

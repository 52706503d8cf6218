//! Bytes of our own formats: the pieces that the manifest and the index of a file are made of.
//!
//! Writing cannot fail. Reading takes bytes of any kind: it gives `None` where they end or make no sense, and
//! reserves no more memory than the bytes that are there can fill.

/// Appends pieces to a buffer.
pub(crate) trait Put {
    /// A number in as few bytes as it needs (LEB128).
    fn put_number(&mut self, value: u64);
    /// A signed number, small ones of either sign in few bytes (zigzag).
    fn put_signed(&mut self, value: i64);
    /// Length and bytes.
    fn put_bytes(&mut self, bytes: &[u8]);
}

impl Put for Vec<u8> {
    fn put_number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_signed(&mut self, value: i64) {
        self.put_number((value << 1 ^ value >> 63) as u64);
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_number(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }
}

/// Takes pieces off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Take<'a>(pub(crate) &'a [u8]);

impl<'a> Take<'a> {
    /// See [`Put::put_number`].
    #[inline]
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            if shift == 63 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A number that fits 32 bits.
    pub(crate) fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// See [`Put::put_signed`].
    #[inline]
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// See [`Put::put_bytes`].
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.exact(len)
    }

    /// As [`Take::bytes`], as text.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// So many bytes as they are.
    pub(crate) fn exact(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A count of items of at least `least` bytes each: no more than can still stand there.
    pub(crate) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len() / least.max(1)).then_some(count)
    }

    /// Whether all has been taken.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Length (`u32`), CRC-32C of the content (`u32`), content: how a record that can be torn is framed.
pub(crate) fn frame(content: &[u8], out: &mut Vec<u8>) {
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(crc32c::crc32c(content).to_le_bytes());
    out.extend_from_slice(content);
}

/// The content of the frame that starts here; `None` when it is torn, damaged or longer than `most`.
pub(crate) fn unframe(bytes: &[u8], most: usize) -> Option<&[u8]> {
    let mut take = Take(bytes);
    let len = u32::from_le_bytes(*take.exact(4)?.first_chunk()?) as usize;
    let crc = u32::from_le_bytes(*take.exact(4)?.first_chunk()?);
    let content = take.exact(len).filter(|_| len <= most)?;
    (crc32c::crc32c(content) == crc).then_some(content)
}

/// Bytes that a frame adds to its content.
pub(crate) const FRAME: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_taken(n in any::<u64>(), s in any::<i64>(), b in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            out.put_number(n);
            out.put_signed(s);
            out.put_bytes(&b);
            let mut take = Take(&out);
            prop_assert_eq!((take.number(), take.signed(), take.bytes()), (Some(n), Some(s), Some(&b[..])));
            prop_assert!(take.is_done());
        }

        #[test]
        fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut take = Take(&bytes);
            while take.number().is_some() {}
            let mut take = Take(&bytes);
            while take.bytes().is_some_and(|b| !b.is_empty()) {}
            prop_assert!(Take(&bytes).count(1).is_none_or(|count| count < bytes.len()));
            unframe(&bytes, 100);
        }

        #[test]
        fn a_frame_with_any_bit_flipped_is_none(b in prop::collection::vec(any::<u8>(), 1..40), bit in any::<prop::sample::Index>()) {
            let mut out = Vec::new();
            frame(&b, &mut out);
            prop_assert_eq!(unframe(&out, 100), Some(&b[..]));
            let bit = bit.index(out.len() * 8);
            out[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(unframe(&out, 100).is_none());
        }
    }
}

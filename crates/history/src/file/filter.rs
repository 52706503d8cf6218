//! Whether a word may stand in the variables of a row group: a fuse filter of 8 bits a word over their hashes.
//!
//! False positives: 0.4 %. A filter is asked in place: three single bytes of the file are read, so that the filters of
//! any number of row groups cost no memory. Construction: xor filters, Graf and Lemire, "Binary Fuse Filters" (2022).

use std::io;

use hashbrown::HashTable;
use xorf::{BinaryFuse8, DmaSerializable};

use super::disk::Stretches;

/// Bytes that stand before the fingerprints.
const DESCRIPTOR: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// Gathers the distinct hashes of a row group.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    seen: HashTable<u64>,
}

impl Gathered {
    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        self.seen.entry(hash, |&other| other == hash, |&other| other).or_insert(hash);
    }

    /// The filter, as it stands in the file; empty when there is none, and everything may be there.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        // Their order in the table follows from the rows alone, so that equal rows give equal files.
        let hashes: Vec<u64> = self.seen.drain().collect();
        let Ok(filter) = BinaryFuse8::try_from(&hashes) else { return Vec::new() };
        let mut bytes = vec![0; DESCRIPTOR];
        filter.dma_copy_descriptor_to(&mut bytes);
        bytes.extend_from_slice(filter.dma_fingerprints());
        bytes
    }
}

/// Where the filter of a row group stands in its file, and how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) start: u64,
    /// Fingerprints; zero when there is no filter.
    pub(crate) len: u32,
    pub(crate) seed: u64,
    pub(crate) segment: u32,
    /// All segments but the last two.
    pub(crate) span: u32,
}

impl Filter {
    /// No filter: everything may be there.
    pub(crate) const NONE: Filter = Filter { start: 0, len: 0, seed: 0, segment: 0, span: 0 };

    /// The filter that `bytes` (of [`Gathered::finish`]) are when they are written at `start`.
    pub(crate) fn at(start: u64, bytes: &[u8]) -> Filter {
        let four =
            |at: usize| bytes.get(at..at + 4).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b));
        let seed = u64::from(four(0)) | u64::from(four(4)) << 32;
        let len = bytes.len().saturating_sub(DESCRIPTOR) as u32;
        Filter { start: start + DESCRIPTOR as u64, len, seed, segment: four(8), span: four(16) }
    }

    /// First byte and length of all that [`Gathered::finish`] gave.
    pub(crate) fn stretch(&self) -> (u64, usize) {
        (self.start.saturating_sub(DESCRIPTOR as u64), DESCRIPTOR + self.len as usize)
    }

    /// Whether a word with this hash may be there.
    pub(crate) fn may_hold(&self, hash: u64, file: &Stretches) -> io::Result<bool> {
        if self.len == 0 || self.segment == 0 {
            return Ok(true);
        }
        let mixed = mix(hash.wrapping_add(self.seed));
        let mut print = (mixed ^ (mixed >> 32)) as u8;
        let first = ((u128::from(mixed) * u128::from(self.span)) >> 64) as u32;
        let mask = self.segment - 1;
        let second = first.wrapping_add(self.segment) ^ ((mixed >> 18) as u32 & mask);
        let third = first.wrapping_add(self.segment.wrapping_mul(2)) ^ (mixed as u32 & mask);
        for at in [first, second, third] {
            let mut byte = [0];
            if at >= self.len {
                return Ok(true);
            }
            file.fill(&mut byte, self.start + u64::from(at))?;
            print ^= byte[0];
        }
        Ok(print == 0)
    }
}

/// The finalizer of MurmurHash3, as the filter's construction uses it.
fn mix(mut key: u64) -> u64 {
    key ^= key >> 33;
    key = key.wrapping_mul(0xff51_afd7_ed55_8ccd);
    key ^= key >> 33;
    key = key.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ key >> 33
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use whittle_disk::{Disk, OsDisk};

    use super::*;

    #[test]
    fn what_was_gathered_is_there_and_little_else() {
        let folder = tempfile::tempdir().unwrap();
        let path: &Path = &folder.path().join("filter");
        let file = OsDisk.create_new(path).unwrap();
        for count in [0u64, 1, 2, 3, 1000, 40_000] {
            let mut gathered = Gathered::default();
            let hash = |n: u64| crate::file::words::hash(&n.to_string());
            (0..count).chain(0..count / 2).for_each(|n| gathered.add(hash(n)));
            let bytes = gathered.finish();
            file.write_all_at(&bytes, 7).unwrap();
            let stretches = Stretches::new(file.clone(), file.len().unwrap());
            let filter = Filter::at(7, &bytes);
            assert!((0..count).all(|n| filter.may_hold(hash(n), &stretches).unwrap()), "{count}");
            let wrong = (count..count + 10_000).filter(|&n| filter.may_hold(hash(n), &stretches).unwrap()).count();
            assert!(count < 3 || wrong < 100, "{wrong} of 10,000 are wrong at {count}");
        }
    }
}

//! One bit for each byte of a line: where words end, and which bytes deserve a look.
//!
//! Most words of a line hold no digit, slash or inner dot, and no variable can
//! stand in them. Two bitmaps let the scanner jump over them without reading
//! them. AVX2 builds 64 bits with a dozen instructions; a table does the same
//! where the processor has none.

/// Bytes of a region that are scanned. What follows is one variable.
pub const MAX_SCAN: usize = 2048;
const BLOCKS: usize = MAX_SCAN / 64 + 1;

const SEPARATOR: u8 = 1;
const DIGIT: u8 = 2;
const INNER: u8 = 4;
const BACKSLASH: u8 = 8;

/// The classes of a byte, as the table path reads them.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let class = match byte as u8 {
            0..=b' ' => SEPARATOR,
            b',' | b';' | b':' | b'=' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' => SEPARATOR,
            b'"' | b'\'' | b'|' | b'!' | b'?' | b'#' | b'&' | b'`' => SEPARATOR,
            b'0'..=b'9' => DIGIT,
            b'.' | b'/' => INNER,
            b'\\' => BACKSLASH,
            _ => 0,
        };
        table[byte] = class;
        byte += 1;
    }
    table
}

/// Whether a word ends at this byte.
#[inline]
pub fn is_separator(byte: u8) -> bool {
    CLASS[byte as usize] & SEPARATOR != 0
}

/// The bitmaps of one region of at most [`MAX_SCAN`] bytes.
#[derive(Clone)]
pub struct Bitmaps {
    len: usize,
    breaks: bool,
    separators: [u64; BLOCKS],
    hot: [u64; BLOCKS],
}

impl Default for Bitmaps {
    fn default() -> Self {
        Bitmaps { len: 0, breaks: false, separators: [0; BLOCKS], hot: [0; BLOCKS] }
    }
}

/// How the bitmaps are built on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A table, byte by byte.
    Table,
    /// AVX2, 32 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Engine {
    /// The fastest that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Engine::Avx2;
        }
        Engine::Table
    }
}

impl Bitmaps {
    /// Reads a region. `text` has at most [`MAX_SCAN`] bytes.
    #[inline]
    pub fn build(&mut self, engine: Engine, text: &[u8]) {
        debug_assert!(text.len() <= MAX_SCAN);
        self.len = text.len();
        self.breaks = false;
        match engine {
            Engine::Table => self.build_table(text),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this engine is chosen only where the processor has AVX2.
            Engine::Avx2 => unsafe { self.build_avx2(text) },
        }
    }

    fn build_table(&mut self, text: &[u8]) {
        for (block, chunk) in text.chunks(64).enumerate() {
            let (mut separators, mut hot, mut inner) = (0u64, 0u64, 0u64);
            self.breaks |= chunk.contains(&b'\n');
            for (bit, &byte) in chunk.iter().enumerate() {
                let class = u64::from(CLASS[byte as usize]);
                separators |= (class & 1) << bit;
                hot |= ((class >> 1 | class >> 3) & 1) << bit;
                inner |= (class >> 2 & 1) << bit;
            }
            self.set(block, chunk.len(), separators, hot, inner);
        }
    }

    #[inline(always)]
    fn set(&mut self, block: usize, len: usize, separators: u64, hot: u64, inner: u64) {
        let past = if len >= 64 { 0 } else { u64::MAX << len };
        let separators = separators | past;
        self.separators[block] = separators;
        // A dot or slash before a separator ends a sentence or a word: nothing to see in it.
        self.hot[block] = (hot | (inner & !(separators >> 1))) & !past;
    }

    /// Whether the region has more than one line.
    #[inline(always)]
    pub fn breaks(&self) -> bool {
        self.breaks
    }

    /// The first byte at or after `from` that deserves a look.
    #[inline(always)]
    pub fn next_hot(&self, from: usize) -> Option<usize> {
        next_bit(&self.hot, from, self.len)
    }

    /// The end of the word that `at` stands in.
    #[inline(always)]
    pub fn word_end(&self, at: usize) -> usize {
        next_bit(&self.separators, at, self.len).unwrap_or(self.len)
    }

    /// The first byte of the word that `at` stands in.
    #[inline(always)]
    pub fn word_start(&self, at: usize) -> usize {
        let (mut block, bit) = (at / 64, at % 64);
        let mut bits = self.separators[block] & ((1u64 << bit) - 1);
        while bits == 0 {
            if block == 0 {
                return 0;
            }
            block -= 1;
            bits = self.separators[block];
        }
        block * 64 + 64 - bits.leading_zeros() as usize
    }
}

#[inline(always)]
fn next_bit(map: &[u64; BLOCKS], from: usize, len: usize) -> Option<usize> {
    if from >= len {
        return None;
    }
    let mut block = from / 64;
    let mut bits = map[block] & (u64::MAX << (from % 64));
    while bits == 0 {
        block += 1;
        if block * 64 >= len {
            return None;
        }
        bits = map[block];
    }
    let at = block * 64 + bits.trailing_zeros() as usize;
    (at < len).then_some(at)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Bitmaps;

    /// Classes by low and high half of the byte, whose bits meet only for members of the class.
    /// Bits: 0 control, 1 separators 0x2_, 2 separators 0x3_, 3 brackets, 4 bar, 5 backtick, 6 digit, 7 dot and slash.
    const LOW: [u8; 16] = low();
    const HIGH: [u8; 16] = [1, 1, 2 | 128, 4 | 64, 0, 8, 32, 8 | 16, 0, 0, 0, 0, 0, 0, 0, 0];

    const fn low() -> [u8; 16] {
        let mut table = [1u8; 16];
        let mut low = 0u8;
        while low < 16 {
            if matches!(low, 0 | 1 | 2 | 3 | 6 | 7 | 8 | 9 | 12) {
                table[low as usize] |= 2;
            }
            table[low as usize] |= if low >= 10 { 4 } else { 64 };
            if matches!(low, 11 | 13) {
                table[low as usize] |= 8;
            }
            if low == 12 {
                table[low as usize] |= 16;
            }
            if low == 0 {
                table[low as usize] |= 32;
            }
            if low >= 14 {
                table[low as usize] |= 128;
            }
            low += 1;
        }
        table
    }

    impl Bitmaps {
        #[target_feature(enable = "avx2")]
        pub(super) fn build_avx2(&mut self, text: &[u8]) {
            let mut blocks = text.chunks_exact(64);
            let mut block = 0;
            for chunk in &mut blocks {
                let found = pair(chunk.first_chunk().unwrap_or(&[0; 64]));
                self.set(block, 64, found.separators, found.hot, found.inner);
                self.breaks |= found.breaks;
                block += 1;
            }
            let rest = blocks.remainder();
            if !rest.is_empty() {
                let mut padded = [0u8; 64];
                padded[..rest.len()].copy_from_slice(rest);
                let found = pair(&padded);
                self.set(block, rest.len(), found.separators, found.hot, found.inner);
                self.breaks |= found.breaks;
            }
        }
    }

    /// What stands in 64 or 32 bytes, one bit for each.
    struct Found<T> {
        separators: T,
        hot: T,
        inner: T,
        breaks: bool,
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn pair(block: &[u8; 64]) -> Found<u64> {
        let (low, high) = (half(block, 0), half(block, 32));
        let join = |a: u32, b: u32| u64::from(a) | u64::from(b) << 32;
        Found {
            separators: join(low.separators, high.separators),
            hot: join(low.hot, high.hot),
            inner: join(low.inner, high.inner),
            breaks: low.breaks | high.breaks,
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn half(block: &[u8; 64], at: usize) -> Found<u32> {
        let table = |t: &[u8; 16]| {
            // SAFETY: 16 bytes are read from an array of 16.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(t.as_ptr().cast()) })
        };
        debug_assert!(at + 32 <= block.len());
        // SAFETY: `at` is 0 or 32, and 32 bytes are read from an array of 64.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(at).cast()) };
        let nibble = _mm256_set1_epi8(0x0f);
        let low = _mm256_shuffle_epi8(table(&LOW), _mm256_and_si256(bytes, nibble));
        let high_index = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
        let high = _mm256_shuffle_epi8(table(&HIGH), high_index);
        let class = _mm256_and_si256(low, high);
        let separator = _mm256_and_si256(class, _mm256_set1_epi8(0x3f));
        let separators = !(_mm256_movemask_epi8(_mm256_cmpeq_epi8(separator, _mm256_setzero_si256())) as u32);
        let digits = _mm256_movemask_epi8(_mm256_slli_epi16::<1>(class)) as u32;
        let inner = _mm256_movemask_epi8(class) as u32;
        let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
        let breaks = _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\n' as i8))) != 0;
        Found { separators, hot: digits | _mm256_movemask_epi8(backslash) as u32, inner, breaks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_agree_on_every_byte_and_length() {
        let text: Vec<u8> = (0..MAX_SCAN).map(|i| (i * 7 + i / 256) as u8).collect();
        for len in (0..300).chain([MAX_SCAN - 1, MAX_SCAN]) {
            let (mut a, mut b) = (Bitmaps::default(), Bitmaps::default());
            a.build(Engine::Table, &text[..len]);
            b.build(Engine::detect(), &text[..len]);
            assert_eq!(a.breaks(), b.breaks(), "breaks of {len}");
            assert_eq!(a.breaks(), text[..len].contains(&b'\n'));
            for at in 0..len {
                assert_eq!(a.next_hot(at), b.next_hot(at), "hot at {at} of {len}");
                assert_eq!(a.word_end(at), b.word_end(at), "end at {at} of {len}");
                assert_eq!(a.word_start(at), b.word_start(at), "start at {at} of {len}");
            }
        }
    }

    #[test]
    fn words_end_at_separators_and_not_at_inner_dots() {
        let mut maps = Bitmaps::default();
        let line = b"the end. of a.b=/x (7)";
        maps.build(Engine::detect(), line);
        assert_eq!(maps.next_hot(0), Some(13), "the dot of a sentence is nothing, that of a name is");
        assert_eq!((maps.word_start(13), maps.word_end(13)), (12, 15));
        assert_eq!(maps.next_hot(15), Some(16));
        assert_eq!(maps.next_hot(18), Some(20));
        assert_eq!(maps.next_hot(21), None);
    }
}

//! A line's variable stretches, in one pass and without regular expressions.
//!
//! What stands between the stretches is literal and exact: skeleton plus
//! variables are the line again, byte for byte. The scan knows words by their
//! look alone; that two forms mean the same is found later, for new forms only.

mod bitmap;
mod record;
mod word;

#[cfg(test)]
mod tests;

use bitmap::Bitmaps;
pub(crate) use bitmap::is_separator;
pub use bitmap::{Engine, MAX_SCAN};
use record::Regions;

/// The version of the scan's rules. Another version finds other forms in the same line.
pub const SCANNER_VERSION: u16 = 2;

/// Most variables of a line. The last one takes the rest.
pub const MAX_VARS: usize = 192;

/// A variable stretch of a line, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Var {
    /// First byte.
    pub start: u32,
    /// Length in bytes; never zero in what a scan returns.
    pub len: u32,
}

impl Var {
    fn new(start: usize, end: usize) -> Self {
        Var { start: start as u32, len: (end - start) as u32 }
    }

    /// One past the last byte.
    pub fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// The stretch as a range of bytes.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end()
    }
}

/// Finds the variables of lines. Holds its scratch space; make one for each thread.
#[derive(Clone)]
pub struct Scanner {
    engine: Engine,
    maps: Bitmaps,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::with_engine(Engine::detect())
    }
}

impl Scanner {
    /// A scanner with the fastest engine of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner with a given engine. All engines find the same.
    pub fn with_engine(engine: Engine) -> Self {
        Scanner { engine, maps: Bitmaps::default() }
    }

    /// Appends the variables of a line to `vars`: in order, not touching each other, at most [`MAX_VARS`].
    ///
    /// Of a record with several lines the first and the innermost cause are read, of a JSON object its
    /// message; of each the first [`MAX_SCAN`] bytes. All else is variable.
    pub fn scan(&mut self, line: &str, vars: &mut Vec<Var>) {
        self.scan_bytes(line.as_bytes(), vars);
    }

    /// The same for bytes of any kind.
    pub fn scan_bytes(&mut self, line: &[u8], vars: &mut Vec<Var>) {
        let first = vars.len();
        // Lines beyond 4 GiB do not fit the spans; nothing in the program lets one through.
        let line = &line[..line.len().min(u32::MAX as usize)];
        if line.len() <= MAX_SCAN && line.first() != Some(&b'{') {
            // Nearly every record: one line, read as a whole.
            self.maps.build(self.engine, line);
            if !self.maps.breaks() {
                self.find(line, 0, vars, first);
                return cap(line, vars, first);
            }
        }
        let regions = Regions::of(line);
        let mut done = 0;
        for region in regions.iter() {
            if region.start > done {
                push(line, vars, first, done, region.start);
            }
            self.maps.build(self.engine, &line[region.start..region.end]);
            self.find(&line[..region.end], region.start, vars, first);
            done = region.end;
        }
        if done < line.len() {
            push(line, vars, first, done, line.len());
        }
        cap(line, vars, first);
    }

    /// Finds the variables of the region from `offset` to the end, which the bitmaps show.
    #[inline]
    fn find(&self, line: &[u8], offset: usize, vars: &mut Vec<Var>, first: usize) {
        let text = &line[offset..];
        let mut at = 0;
        while let Some(hot) = self.maps.next_hot(at) {
            let end = self.maps.word_end(hot);
            let start = self.maps.word_start(hot);
            let found = word::variable(text, start, end, at);
            at = end;
            if let Some((from, to)) = found {
                push(line, vars, first, offset + from, offset + to);
                at = at.max(to);
            }
        }
    }
}

/// Makes the last variable take the rest where there are too many.
#[inline]
fn cap(line: &[u8], vars: &mut Vec<Var>, first: usize) {
    if vars.len() - first > MAX_VARS {
        let cut = first + MAX_VARS - 1;
        vars[cut] = Var::new(vars[cut].start as usize, line.len());
        vars.truncate(cut + 1);
    }
}

/// Appends a variable, joined to the one before when both touch through one of `: , #` or nothing.
#[inline]
fn push(line: &[u8], vars: &mut Vec<Var>, first: usize, start: usize, end: usize) {
    if let Some(last) = vars[first..].last_mut() {
        let gap = line.get(last.end()..start).unwrap_or_default();
        if start <= last.end() || matches!(gap, [b':' | b',' | b'#'] | [b'#', b'#']) {
            let from = (last.start as usize).min(start);
            *last = Var::new(from, end.max(last.end()));
            return;
        }
    }
    vars.push(Var::new(start, end));
}

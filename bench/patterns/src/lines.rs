//! The lines that are measured: those of files, mixed, or a few kinds of its own; and lines that nothing was seen of.

use std::path::PathBuf;

use anyhow::Context;

/// A deterministic sequence, so that every run sees the same lines.
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }

    /// A word that looks like one.
    pub fn word(&mut self) -> String {
        const PARTS: [&str; 16] =
            ["ka", "lo", "mer", "tin", "sa", "ver", "on", "del", "ri", "pos", "em", "ul", "gra", "fi", "ne", "to"];
        (0..2 + self.next() % 3).map(|_| PARTS[(self.next() % 16) as usize]).collect()
    }

    /// Brings items into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, (self.next() % (at as u64 + 1)) as usize);
        }
    }
}

/// The lines of the files, mixed; lines of its own where there are none.
pub fn read(files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for path in files {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
    }
    if lines.is_empty() {
        lines = own(20_000);
    }
    Numbers::new(1).shuffle(&mut lines);
    Ok(lines)
}

fn own(count: usize) -> Vec<String> {
    let mut n = Numbers::new(42);
    let line = |n: &mut Numbers| match n.next() % 6 {
        0 => format!(
            "Accepted connection from 10.0.{}.{}:{} as session {}",
            n.next() % 256,
            n.next() % 256,
            n.next() % 60000,
            n.next()
        ),
        1 => format!(
            "Request GET /api/orders/{} finished with status {} in {} ms",
            n.next() % 9999,
            200 + n.next() % 300,
            n.next() % 999
        ),
        2 => format!(
            "worker-{} could not lease job {:016x}, will try again in {}s",
            n.next() % 64,
            n.next(),
            n.next() % 60
        ),
        3 => format!(
            "Checkpoint complete: wrote {} buffers, {} segments added, sync={}.{} s",
            n.next() % 9999,
            n.next() % 9,
            n.next() % 9,
            n.next() % 999
        ),
        4 => "Leader election is over, this node follows and is ready for requests of its clients".to_owned(),
        _ => format!(
            "Sent block b_{} of size {} to /10.1.{}.{}:50010",
            n.next(),
            n.next() % 1_000_000,
            n.next() % 256,
            n.next() % 256
        ),
    };
    (0..count).map(|_| line(&mut n)).collect()
}

/// Lines that nothing was seen of before. Their punctuation varies as that of real programs does.
pub fn new(count: usize) -> Vec<String> {
    const GAPS: [&str; 6] = [" ", ": ", ", ", " - ", "=", " ("];
    let mut n = Numbers::new(7);
    let line = |n: &mut Numbers| {
        let mut line = n.word();
        for _ in 0..5 + n.next() % 8 {
            line += GAPS[(n.next() % 6) as usize];
            line += &if n.next().is_multiple_of(5) { n.next().to_string() } else { n.word() };
        }
        line
    };
    (0..count).map(|_| line(&mut n)).collect()
}

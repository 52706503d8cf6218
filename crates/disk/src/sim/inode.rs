//! A file of the simulated disk: what programs see, what is on the platter, and what is between.

use std::io;

use super::rng::Rng;

#[derive(Debug, Default)]
pub(super) struct Inode {
    /// What is read.
    live: Vec<u8>,
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// Changes since the last sync, the oldest first.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, data: Vec<u8> },
    Len(usize),
}

impl Inode {
    pub fn len(&self) -> u64 {
        self.live.len() as u64
    }

    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.live.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    pub fn write(&mut self, data: &[u8], offset: u64) {
        put(&mut self.live, offset as usize, data);
        self.pending.push(Change::Write { at: offset as usize, data: data.to_vec() });
    }

    pub fn set_len(&mut self, len: u64) {
        self.live.resize(len as usize, 0);
        self.pending.push(Change::Len(len as usize));
    }

    pub fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, change);
        }
    }

    /// A sync that failed: some of what was pending reached the disk, and no later sync writes the rest.
    pub fn fail_sync(&mut self, rng: &mut Rng) {
        self.settle(rng);
    }

    /// The power is gone: what is on the platter is what there is.
    pub fn power_cut(&mut self, rng: &mut Rng) {
        self.settle(rng);
        self.live.clone_from(&self.durable);
    }

    pub fn flip(&mut self, bit: u64) -> io::Result<()> {
        let at = (bit / 8) as usize;
        if at >= self.live.len() {
            return Err(io::ErrorKind::NotFound.into());
        }
        for contents in [&mut self.live, &mut self.durable] {
            if let Some(byte) = contents.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }

    /// Decides for each pending change what of it got through. Sometimes all or nothing does, so that both ends are common.
    fn settle(&mut self, rng: &mut Rng) {
        let all = rng.below(4);
        for change in std::mem::take(&mut self.pending) {
            match (all, change) {
                (0, _) => {}
                (1, change) => apply(&mut self.durable, change),
                (_, Change::Write { at, data }) => match rng.below(4) {
                    0 => {}
                    1 => put(&mut self.durable, at, &data),
                    2 => tear(&mut self.durable, at, &data, 512, rng),
                    _ => tear(&mut self.durable, at, &data, 4096, rng),
                },
                (_, change) => {
                    if rng.coin() {
                        apply(&mut self.durable, change);
                    }
                }
            }
        }
    }
}

fn apply(contents: &mut Vec<u8>, change: Change) {
    match change {
        Change::Write { at, data } => put(contents, at, &data),
        Change::Len(len) => contents.resize(len, 0),
    }
}

fn put(contents: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[at..end].copy_from_slice(data);
}

/// Writes some of the sectors.
fn tear(contents: &mut Vec<u8>, at: usize, data: &[u8], sector: usize, rng: &mut Rng) {
    let mut from = 0;
    while from < data.len() {
        let to = data.len().min(from + sector - (at + from) % sector);
        if rng.coin() {
            put(contents, at + from, &data[from..to]);
        }
        from = to;
    }
}

//! What is kept between questions: cells of files, and which rows of a row group matched a text. Files never change,
//! so what was found once stays true; the bound is in bytes, and what was asked for longest ago goes first.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::columns::TextPage;
use crate::file::rollup::Cells;
use crate::file::schema::Column;

/// Values by key, the total of their sizes bounded.
pub(crate) struct Cache<K, V> {
    kept: Mutex<Kept<K, V>>,
    most: usize,
}

struct Kept<K, V> {
    entries: HashMap<K, Entry<V>>,
    bytes: usize,
    /// Counts uses.
    clock: u64,
}

struct Entry<V> {
    value: Arc<V>,
    bytes: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Cache { kept: Mutex::new(Kept { entries: HashMap::new(), bytes: 0, clock: 0 }), most }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let clock = kept.clock;
        let entry = kept.entries.get_mut(key)?;
        entry.used = clock;
        Some(entry.value.clone())
    }

    /// Keeps a value of so many bytes, unless it alone is too large.
    pub(crate) fn put(&self, key: K, value: Arc<V>, bytes: usize) {
        let bytes = bytes + size_of::<K>() + size_of::<Entry<V>>();
        if bytes > self.most / 2 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let used = kept.clock;
        kept.bytes += bytes;
        if let Some(old) = kept.entries.insert(key, Entry { value, bytes, used }) {
            kept.bytes -= old.bytes;
        }
        if kept.bytes > self.most {
            kept.evict(self.most / 4 * 3);
        }
    }
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    /// Drops what was used longest ago until no more than `most` bytes are left.
    fn evict(&mut self, most: usize) {
        let mut oldest: Vec<(u64, K)> = self.entries.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        oldest.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in oldest {
            if self.bytes <= most {
                return;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

/// A row group under a text: file, row group, and the filter's signature.
pub(crate) type MatchKey = (u64, u32, Arc<str>);

/// A page of texts: file, row group, column, and the page's number in it.
pub(crate) type PageKey = (u64, u32, Column, u32);

/// All caches of a history.
pub(crate) struct Caches {
    /// The cells of a file, by its id.
    pub(crate) cells: Cache<u64, Cells>,
    /// Rows of a row group that a text was looked for in, and found.
    pub(crate) matches: Cache<MatchKey, Vec<u32>>,
    /// Pages that rows were shown from, unpacked: the next page of a list most often stands in the same ones.
    pub(crate) pages: Cache<PageKey, TextPage>,
}

impl Caches {
    /// Caches that hold no more than so many bytes together.
    pub(crate) fn new(bytes: usize) -> Self {
        Caches { cells: Cache::new(bytes / 2), matches: Cache::new(bytes / 4), pages: Cache::new(bytes / 4) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_what_is_used_stays() {
        let cache: Cache<u32, u32> = Cache::new(10_000);
        for key in 0..1000 {
            cache.put(key, Arc::new(key), 100);
            assert_eq!(cache.get(&0).as_deref(), Some(&0));
        }
        let kept = cache.kept.lock().unwrap();
        assert!(kept.bytes <= 10_000 && kept.entries.len() > 20, "{} bytes", kept.bytes);
        assert_eq!(kept.bytes, kept.entries.values().map(|entry| entry.bytes).sum::<usize>());
        drop(kept);
        assert_eq!(cache.get(&999).as_deref(), Some(&999));
        assert_eq!(cache.get(&1), None);
        cache.put(5, Arc::new(5), 9000);
        assert_eq!(cache.get(&5), None, "too large to be kept");
    }
}

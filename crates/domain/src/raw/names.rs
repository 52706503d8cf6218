//! The unknown fields that a record has so far, by name: of duplicate keys the last wins.
//!
//! Most records have a handful, which are compared one by one. A record of a megabyte can have a hundred thousand:
//! beyond a few a hash table keeps the work in proportion to their number.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// Fields that are compared one by one.
const FEW: usize = 16;

/// Finds fields by name. Fields go by their index within the record; the caller keeps the names themselves.
#[derive(Default)]
pub(super) struct Names {
    /// Seeded, so that no client can choose names that collide.
    hasher: RandomState,
    /// The fields of the record at hand once it has more than a few, else leftovers of another.
    table: HashTable<u32>,
}

impl Names {
    /// Which of the record's `count` fields has this name.
    pub(super) fn find<'a>(&self, count: usize, name: &str, name_of: impl Fn(usize) -> &'a str) -> Option<usize> {
        if count <= FEW {
            return (0..count).find(|&i| name_of(i) == name);
        }
        let hash = self.hasher.hash_one(name);
        self.table.find(hash, |&i| name_of(i as usize) == name).map(|&i| i as usize)
    }

    /// Notes the name of the next field, which becomes the one with the index `count`. It was not there before.
    pub(super) fn add<'a>(&mut self, count: usize, name: &'a str, name_of: impl Fn(usize) -> &'a str) {
        if count < FEW {
            return;
        }
        if count == FEW {
            self.table.clear();
            (0..FEW).for_each(|i| self.insert(i, name_of(i), &name_of));
        }
        self.insert(count, name, |i| if i == count { name } else { name_of(i) });
    }

    fn insert<'a>(&mut self, index: usize, name: &str, name_of: impl Fn(usize) -> &'a str) {
        let hasher = &self.hasher;
        self.table.insert_unique(hasher.hash_one(name), index as u32, |&i| hasher.hash_one(name_of(i as usize)));
    }
}

//! A topic: its partitions and the groups that read it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use whittle_disk::Disk;

use crate::api::{BusError, Entry};
use crate::files;
use crate::group::Group;
use crate::partition::{Partition, partition_dir};
use crate::signal::Signal;
use crate::stats::Counters;

/// Partitions that a topic may have.
const MAX_PARTITIONS: u32 = 1024;

pub(crate) struct Topic {
    pub name: String,
    pub partitions: Vec<Arc<Partition>>,
    /// Rung when something new can be read, when members come or go, and when the bus closes.
    pub signal: Arc<Signal>,
    pub groups: Mutex<HashMap<String, Arc<Group>>>,
}

impl Topic {
    /// Opens a topic whose folder is there.
    pub fn open(disk: &dyn Disk, dir: &Path, name: &str, counters: &Counters) -> Result<Self, BusError> {
        let numbers = files::list(disk, dir)?;
        files::sync_dir(disk, dir)?;
        let count = (0..).take_while(|n| numbers.contains(&partition_dir(dir, *n))).count() as u32;
        Self::with_partitions(disk, dir, name, count, counters)
    }

    /// Makes the folders of a topic and opens it.
    pub fn create(disk: &dyn Disk, dir: &Path, name: &str, count: u32, counters: &Counters) -> Result<Self, BusError> {
        if count == 0 || count > MAX_PARTITIONS {
            return Err(BusError::Unknown(format!(
                "{name}: a topic has 1 to {MAX_PARTITIONS} partitions, not {count}"
            )));
        }
        // From the first on: where this stops half way, the partitions that are there are numbered without a gap.
        for number in 0..count {
            files::make_dir(disk, &partition_dir(dir, number))?;
        }
        Self::with_partitions(disk, dir, name, count, counters)
    }

    fn with_partitions(
        disk: &dyn Disk,
        dir: &Path,
        name: &str,
        count: u32,
        counters: &Counters,
    ) -> Result<Self, BusError> {
        let signal = Arc::new(Signal::default());
        let open = |n| Partition::open(disk, partition_dir(dir, n), name, n, signal.clone(), counters).map(Arc::new);
        let partitions = (0..count).map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Topic { name: name.to_owned(), partitions, signal, groups: Mutex::default() })
    }

    /// Whether nothing was ever written to it and nobody reads it, so that it may still change its shape.
    pub fn is_unused(&self) -> bool {
        self.partitions.iter().all(|p| p.end() == 0) && self.groups().is_empty()
    }

    /// The groups at this moment.
    pub fn groups(&self) -> Vec<Arc<Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The partition that an entry goes to.
    pub fn partition_for(&self, entry: &Entry) -> Option<&Arc<Partition>> {
        let number = match entry.partition {
            Some(number) => number as usize,
            None => (hash(&entry.key) % (self.partitions.len() as u64).max(1)) as usize,
        };
        self.partitions.get(number)
    }

    /// The first offset that some group may still want, for each partition; `None` where no group reads the topic.
    pub fn floors(&self) -> Vec<Option<u64>> {
        let mut floors = vec![None; self.partitions.len()];
        for group in self.groups() {
            for (floor, held) in floors.iter_mut().zip(group.held()) {
                *floor = Some(floor.map_or(held, |f: u64| f.min(held)));
            }
        }
        floors
    }
}

/// FNV-1a, 64 bits, and then mixed, as its low bits alone spread short keys poorly. Must never change: it decides where the
/// records of a key are.
fn hash(key: &[u8]) -> u64 {
    let fnv = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

//! Retention: which segments go, looked at now and then, apart from the writer.

use std::sync::Arc;

use crate::bus::Shared;
use crate::partition::Partition;
use crate::segment::Segment;

/// The keeper of a bus.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
}

/// The oldest segment of a partition.
struct Candidate {
    partition: Arc<Partition>,
    segment: Arc<Segment>,
    /// When it got its last entry, about: when the next one was made.
    closed: i64,
    /// The first offset that some group wants.
    floor: Option<u64>,
}

impl Candidate {
    /// All groups have done what is in it.
    fn is_done(&self) -> bool {
        self.unread() == 0
    }

    /// Records in it that some group has not committed.
    fn unread(&self) -> u64 {
        self.floor.map_or(0, |floor| self.segment.end().saturating_sub(floor.max(self.segment.base)))
    }
}

impl Keeper {
    pub fn new(shared: Arc<Shared>) -> Self {
        Keeper { shared }
    }

    /// One look: by age, by size, by the hard quota, and by what is free on the disk.
    pub fn pass(&self) {
        self.by_age();
        let retention = self.shared.settings.retention;
        if let Some(bytes) = retention.bytes {
            while self.retained() > bytes && self.drop_oldest(Candidate::is_done, true) {}
        }
        if let Some(quota) = retention.quota {
            self.by_quota(quota);
        }
        while self.shared.check_room(0).is_err() && (self.drop_spare() || self.drop_oldest(Candidate::is_done, false)) {
        }
    }

    fn by_age(&self) {
        let Some(age) = self.shared.settings.retention.age else { return };
        let oldest =
            self.shared.settings.clock.now().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        while self.drop_oldest(|c| c.closed < oldest && c.is_done(), true) {}
        for partition in self.shared.partitions() {
            // The newest segment never goes, so one that is too old must stop being the newest.
            let newest = partition.newest().filter(|s| s.created < oldest && s.end() > s.base);
            if newest.is_some() {
                partition.ask_roll();
                self.shared.ask_roll();
            }
        }
    }

    fn by_quota(&self, quota: u64) {
        let over = || self.retained() + self.spares() > quota;
        while over() && (self.drop_spare() || self.drop_oldest(Candidate::is_done, false)) {}
        while over() && self.drop_oldest(|_| true, false) {}
    }

    fn retained(&self) -> u64 {
        self.shared.partitions().iter().flat_map(|p| p.segments()).map(|s| s.size()).sum()
    }

    fn spares(&self) -> u64 {
        let spares = self.shared.partitions().iter().filter(|p| p.has_spare()).count();
        spares as u64 * self.shared.settings.segment_bytes
    }

    fn drop_spare(&self) -> bool {
        let Some(partition) = self.shared.partitions().into_iter().find(|p| p.has_spare()) else { return false };
        if let Err(error) = partition.drop_spare(&*self.shared.disk) {
            tracing::warn!(partition = %partition.name, %error, "cannot remove a spare file");
        }
        true
    }

    /// Drops the oldest segment that may go; false when none may.
    fn drop_oldest(&self, may_go: impl Fn(&Candidate) -> bool, keep_spare: bool) -> bool {
        let candidates = self.candidates().into_iter().filter(may_go);
        let Some(oldest) = candidates.min_by_key(|c| c.closed) else { return false };
        let Candidate { partition, segment, .. } = &oldest;
        if !partition.pop_oldest(segment) {
            return false;
        }
        if let Err(error) = partition.discard(&*self.shared.disk, segment, keep_spare) {
            tracing::warn!(path = %segment.path.display(), %error, "cannot remove an old segment; it is tried again");
            return false;
        }
        let counters = &self.shared.counters;
        counters.dropped_segments.add(1);
        let unread = oldest.unread();
        if unread > 0 {
            counters.unread_dropped_records.add(unread);
            tracing::error!(
                partition = %partition.name, records = unread, up_to = segment.end(),
                "the quota was hit: records are dropped that a group has not read; raise the quota or see why it is behind"
            );
        }
        true
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for topic in self.shared.topics() {
            for (partition, floor) in topic.partitions.iter().zip(topic.floors()) {
                let oldest = partition.oldest();
                candidates.extend(oldest.map(|(segment, closed)| Candidate {
                    partition: partition.clone(),
                    segment,
                    closed,
                    floor,
                }));
            }
        }
        candidates
    }
}

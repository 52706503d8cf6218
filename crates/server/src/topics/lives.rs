//! `logs.raw` may be deleted and made again; then its offsets begin anew, and what is kept by them downstream would take new records
//! for old ones. So they are counted on: a record's position is its offset and where the life of the topic before it ended.
//!
//! How far is said by the last record that a stage wrote from it. A topic was made again when a partition ends before what was
//! already read of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use whittle_bus::{BusError, Frame};

use super::heads;

/// What is asked of the topics.
pub trait Life: Send + Sync {
    /// The last record that was written from a partition.
    ///
    /// # Errors
    /// Nobody answers now.
    fn last_written(&self, partition: u32) -> Result<Option<Frame>, BusError>;

    /// Where a partition of `logs.raw` ends.
    ///
    /// # Errors
    /// Nobody answers now.
    fn end(&self, partition: u32) -> Result<u64, BusError>;
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// What is added to its offsets.
    base: u64,
    /// The offset behind the last record that was read.
    next: u64,
}

/// How offsets count on, by partition. Clones share it.
#[derive(Clone)]
pub struct Lives {
    topics: Option<Arc<dyn Life>>,
    places: Arc<Mutex<BTreeMap<u32, Place>>>,
}

impl Lives {
    /// Asks these topics.
    pub fn new(topics: Box<dyn Life>) -> Self {
        Lives { topics: Some(topics.into()), places: Arc::default() }
    }

    /// Of a topic that is never made again.
    pub fn first() -> Self {
        Lives { topics: None, places: Arc::default() }
    }

    /// What is added to the offsets of a partition.
    pub fn base(&self, partition: u32) -> u64 {
        self.lock().get(&partition).map_or(0, |place| place.base)
    }

    /// Looks at messages before they are read: whether their topic is the one of before.
    ///
    /// # Errors
    /// Nobody answers now.
    pub fn follow(&self, frames: &[Frame]) -> Result<(), BusError> {
        let Some(topics) = &self.topics else { return Ok(()) };
        let mut first_and_last: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for frame in frames {
            let seen = first_and_last.entry(frame.partition).or_insert((frame.base_offset, 0));
            seen.1 = frame.next_offset();
        }
        for (partition, (first, next)) in first_and_last {
            let known = self.lock().get(&partition).copied();
            let place = match known {
                // On from where it was.
                Some(place) if first >= place.next => place,
                // Back: to what was not committed, or to the beginning of another topic.
                Some(place) => after(place, topics.end(partition)?, partition),
                None => found(&**topics, partition)?,
            };
            self.lock().insert(partition, Place { next, ..place });
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same life, unless the partition ends before what was read of it.
fn after(place: Place, end: u64, partition: u32) -> Place {
    if end >= place.next {
        return place;
    }
    let base = place.base + place.next;
    tracing::error!(partition, base, "logs.raw was made again; positions of its records count on from those before");
    Place { base, next: 0 }
}

/// As the last record says that was written from it, by whichever copy.
fn found(topics: &dyn Life, partition: u32) -> Result<Place, BusError> {
    let Some(last) = topics.last_written(partition)? else { return Ok(Place { base: 0, next: 0 }) };
    let base = heads::raw_base(&last);
    let position = heads::raw_position(&last).filter(|position| position.partition == partition);
    let next = position.map_or(0, |position| (position.offset + 1).saturating_sub(base));
    Ok(after(Place { base, next }, topics.end(partition)?, partition))
}

#[cfg(test)]
mod tests {
    use whittle_bus::Position;

    use super::*;

    struct Told {
        last: Option<(u64, u64)>,
        end: u64,
    }

    impl Life for Told {
        fn last_written(&self, partition: u32) -> Result<Option<Frame>, BusError> {
            Ok(self.last.map(|(offset, base)| {
                let mut headers = heads::of_record(1, Some(Position { partition, offset }), 0, None);
                headers.push((heads::RAW_BASE.to_owned(), base.to_string().into()));
                Frame { headers, ..frame(0) }
            }))
        }

        fn end(&self, _: u32) -> Result<u64, BusError> {
            Ok(self.end)
        }
    }

    fn frame(base_offset: u64) -> Frame {
        let (key, body) = Default::default();
        Frame { partition: 0, base_offset, count: 1, time: 0, key, headers: Vec::new(), body }
    }

    #[test]
    fn positions_rise_over_lives_of_the_topic() {
        for (last, end, first, base) in [
            (None, 10, 0, 0),            // nothing was ever written
            (Some((9, 0)), 20, 10, 0),   // on from there
            (Some((9, 0)), 20, 4, 0),    // what was not committed comes again
            (Some((9, 0)), 5, 0, 10),    // another topic, shorter than what was read
            (Some((14, 10)), 20, 5, 10), // on in the second life
            (Some((14, 10)), 3, 0, 15),  // a third one
        ] {
            let lives = Lives::new(Box::new(Told { last, end }));
            lives.follow(&[frame(first)]).expect("answers");
            assert_eq!(lives.base(0), base, "{last:?} {end} {first}");
        }
        let lives = Lives::new(Box::new(Told { last: None, end: 2 }));
        lives.follow(&[frame(0), frame(7)]).expect("answers");
        assert_eq!(lives.base(0), 0);
        lives.follow(&[frame(1)]).expect("answers");
        assert_eq!(lives.base(0), 8, "it ends before what was read of it");
    }
}

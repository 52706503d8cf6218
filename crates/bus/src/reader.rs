//! Reads the frames of a segment in order, around what is damaged.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use whittle_disk::File;

use crate::api::Frame;
use crate::frame::{self, Head};
use crate::segment::{FIRST, Segment};
use crate::window::{Found, Window};

/// A place in a segment.
pub(crate) struct Reader {
    pub segment: Arc<Segment>,
    partition: u32,
    window: Window,
    pos: u64,
    expected: u64,
}

/// What came next.
#[derive(Debug)]
pub(crate) enum Step {
    Frame(Frame),
    /// These offsets were durable and cannot be read.
    Lost(Range<u64>),
    /// Nothing more that is durable.
    End,
}

impl Reader {
    /// At the start of a segment.
    pub fn new(segment: Arc<Segment>, file: Arc<dyn File>, partition: u32) -> Self {
        let expected = segment.base;
        Reader { segment, partition, window: Window::new(file), pos: FIRST, expected }
    }

    /// Whether from now on what cannot be read counts as damaged.
    pub fn set_patch(&mut self, patch: bool) {
        self.window.set_patch(patch);
    }

    /// The next frame, passing by those that end at or before `wanted`.
    pub fn next(&mut self, wanted: u64) -> io::Result<Step> {
        loop {
            let (end, limit) = self.segment.reach();
            if self.expected >= end {
                return Ok(Step::End);
            }
            if self.pos >= limit {
                return Ok(self.lost_to(end));
            }
            let step = match self.look(limit)? {
                Found::Whole(head) if self.belongs(&head, end) => self.whole(&head),
                Found::BadPayload(head) if self.belongs(&head, end) => {
                    self.pos += head.len() as u64;
                    self.lost_to(head.next_offset())
                }
                _ => self.resync(end, limit)?,
            };
            match step {
                Step::Frame(frame) if frame.next_offset() <= wanted => {}
                Step::Lost(lost) if lost.end <= wanted || lost.is_empty() => {}
                step => return Ok(step),
            }
        }
    }

    fn look(&mut self, limit: u64) -> io::Result<Found> {
        self.window.look(self.pos, limit)
    }

    /// A frame of this segment's life that is not behind where we are.
    fn belongs(&self, head: &Head, end: u64) -> bool {
        head.generation == self.segment.generation && head.base_offset >= self.expected && head.next_offset() <= end
    }

    fn whole(&mut self, head: &Head) -> Step {
        if head.base_offset > self.expected {
            return self.lost_to(head.base_offset); // the frame itself comes next
        }
        let bytes = self.window.share(self.pos);
        self.pos += head.len() as u64;
        if head.count == 0 {
            return Step::Lost(self.expected..self.expected); // a mark: nothing to see, nothing lost
        }
        match frame::open(head, &bytes, self.partition) {
            Some(frame) => {
                self.expected = head.next_offset();
                Step::Frame(frame)
            }
            None => self.lost_to(head.next_offset()),
        }
    }

    /// Goes to the next head that can be read.
    fn resync(&mut self, end: u64, limit: u64) -> io::Result<Step> {
        let (generation, expected) = (self.segment.generation, self.expected);
        let found = self.window.find(self.pos + 1, limit, |pos, head| {
            head.generation == generation
                && head.base_offset >= expected
                && head.next_offset() <= end
                && pos + head.len() as u64 <= limit
        })?;
        Ok(match found {
            Some((pos, head)) => {
                self.pos = pos;
                self.lost_to(head.base_offset)
            }
            None => {
                self.pos = limit;
                self.lost_to(end)
            }
        })
    }

    fn lost_to(&mut self, offset: u64) -> Step {
        let lost = self.expected..offset;
        self.expected = offset;
        Step::Lost(lost)
    }
}

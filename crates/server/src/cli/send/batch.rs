//! Records that are sent at once: NDJSON, and where each record ends.

/// Records of a batch at most.
const MAX_RECORDS: usize = 1_000;
/// Bytes of a batch, unless one record alone is larger.
const MAX_BYTES: usize = 1 << 20;

/// NDJSON of some records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Batch {
    body: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// A batch from its body; blank lines don't count.
    pub(super) fn from_body(body: &[u8]) -> Self {
        let mut batch = Batch::default();
        for record in body.split(|byte| *byte == b'\n').filter(|record| !record.is_empty()) {
            batch.push(record);
        }
        batch
    }

    /// Adds a record, which is one line of JSON.
    pub(super) fn push(&mut self, record: &[u8]) {
        self.body.extend_from_slice(record);
        self.body.push(b'\n');
        self.ends.push(self.body.len());
    }

    /// Whether a record of so many bytes belongs into the next batch.
    pub(super) fn is_full_for(&self, bytes: usize) -> bool {
        self.len() >= MAX_RECORDS || (!self.is_empty() && self.body.len() + bytes >= MAX_BYTES)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The records, each without the end of its line.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.body[start..end - 1])
    }

    /// The first half and the second; the second is empty where there is one record.
    pub(super) fn halves(&self) -> (Batch, Batch) {
        let (mut first, mut second) = (Batch::default(), Batch::default());
        let middle = self.len().div_ceil(2);
        for (i, record) in self.records().enumerate() {
            if i < middle { first.push(record) } else { second.push(record) }
        }
        (first, second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut batch = Batch::default();
        for record in [&b"{1}"[..], b"{22}", b"{}"] {
            batch.push(record);
        }
        assert_eq!(batch.body(), b"{1}\n{22}\n{}\n");
        assert_eq!(batch.records().collect::<Vec<_>>(), [&b"{1}"[..], b"{22}", b"{}"]);
        assert_eq!(Batch::from_body(batch.body()), batch);
        let (first, second) = batch.halves();
        assert_eq!((first.body(), second.body()), (&b"{1}\n{22}\n"[..], &b"{}\n"[..]));
        assert!(second.halves().1.is_empty());
    }

    #[test]
    fn a_batch_has_bounds_but_takes_any_single_record() {
        let mut batch = Batch::default();
        assert!(!batch.is_full_for(10 << 20));
        batch.push(&vec![b'x'; 1 << 19]);
        assert!(!batch.is_full_for(1 << 18));
        assert!(batch.is_full_for(1 << 19));
        let mut batch = Batch::default();
        (0..1_000).for_each(|_| batch.push(b"{}"));
        assert!(batch.is_full_for(2));
    }
}

//! The corpus that tests and benches measure with: many sources, all levels, hundreds of patterns.

use whittle_synth::{Catalog, Generator, Record, Source};

/// Sources of the corpus.
pub const SOURCES: usize = 132;

/// An endless stream of records, the same for a seed.
///
/// Times rise by some 17 ms, so that five million records fill a day, and stand out of order by up to 40 ms, as logs of
/// several machines do.
#[derive(Debug)]
pub struct Corpus {
    generator: Generator,
    start: i64,
    step: i64,
    made: u64,
}

/// Milliseconds by which a record's time may be behind.
const JITTER: i64 = 40;
/// Microseconds between two records: five million fill a day.
const STEP: i64 = 17_280;

impl Corpus {
    /// The corpus from `start` (microseconds since 1970) on.
    pub fn new(seed: u64, start: i64) -> Corpus {
        Corpus::with_step(seed, start, STEP)
    }

    /// The same with other distances between the records, in microseconds.
    pub fn with_step(seed: u64, start: i64, step: i64) -> Corpus {
        let catalog = Catalog::built_in();
        let sources = sources(&catalog);
        Corpus { generator: Generator::new(catalog, sources, seed), start, step, made: 0 }
    }

    /// Names of the sources.
    pub fn source_names(&self) -> impl Iterator<Item = &str> {
        self.generator.sources().iter().map(|source| &*source.name)
    }

    /// The next record.
    pub fn next_record(&mut self) -> Record {
        let millis = (self.start + self.made as i64 * self.step) / 1_000;
        let time = (millis + self.generator.rng().i64(0..JITTER)) * 1_000;
        self.made += 1;
        self.generator.record(time)
    }

    /// Appends `count` records as NDJSON.
    pub fn write_ndjson(&mut self, count: usize, out: &mut Vec<u8>) {
        for _ in 0..count {
            self.next_record().write_json(out);
            out.push(b'\n');
        }
    }
}

/// The services of the catalogue in turn, each in several places.
fn sources(catalog: &Catalog) -> Vec<Source> {
    let services = catalog.services.len();
    let place = |i: usize| {
        let (service, place) = (i % services, i / services);
        let name = format!("{}.{}", catalog.services[service].name, ["eu-1", "eu-2", "us-1", "ap-1"][place % 4]);
        Source::new(&name, service, place, 4)
    };
    (0..SOURCES).map(place).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn it_has_the_shape_that_it_promises() {
        let mut corpus = Corpus::new(1, 1_700_000_000_000_000);
        let (mut bytes, mut message_bytes, mut sources, mut levels) = (0, 0, BTreeSet::new(), BTreeMap::new());
        let mut json = Vec::new();
        const COUNT: usize = 50_000;
        for _ in 0..COUNT {
            let record = corpus.next_record();
            json.clear();
            record.write_json(&mut json);
            bytes += json.len() + 1;
            message_bytes += record.message.len();
            *levels.entry(record.level).or_insert(0_usize) += 1;
            sources.insert(record.source);
        }
        assert_eq!(sources.len(), SOURCES);
        assert!((200..260).contains(&(bytes / COUNT)), "bytes a line: {}", bytes / COUNT);
        assert!((65..100).contains(&(message_bytes / COUNT)), "bytes a message: {}", message_bytes / COUNT);
        for (level, count) in levels {
            assert!(count * 100 / COUNT >= 2, "{level:?}: {count}");
        }
    }

    #[test]
    fn it_is_the_same_for_a_seed() {
        let ndjson = |seed| {
            let mut out = Vec::new();
            Corpus::new(seed, 0).write_ndjson(1_000, &mut out);
            out
        };
        assert_eq!(ndjson(5), ndjson(5));
        assert_ne!(ndjson(5), ndjson(6));
    }
}

//! Records of many sources, picked by how much each logs.

use std::sync::Arc;

use fastrand::Rng;

use crate::catalog::{Catalog, LineTemplate};
use crate::record::Record;
use crate::slot::pod_suffix;
use crate::template::{Origin, Scene};
use crate::words::REGIONS;

/// Someone who logs: a service in a place.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name of the source.
    pub name: Arc<str>,
    /// Which service of the catalogue it runs.
    pub service: usize,
    /// The machines it runs on.
    pub origins: Vec<Origin>,
}

impl Source {
    /// A source of a service on `machines` machines of a region.
    pub fn new(name: &str, service: usize, region: usize, machines: u32) -> Source {
        let region = REGIONS[region % REGIONS.len()];
        let seed = name.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let short = name.split('.').next().unwrap_or(name);
        let origin = |i: u32| Origin {
            host: format!("node-{:02}.{region}.internal", seed.wrapping_add(i * 7) % 48 + 1),
            pod: format!("{short}-{}", pod_suffix(seed.wrapping_add(i) % 10_000)),
            region,
        };
        Source { name: name.into(), service, origins: (0..machines.max(1)).map(origin).collect() }
    }
}

/// Makes records.
#[derive(Debug)]
pub struct Generator {
    catalog: Catalog,
    sources: Vec<Source>,
    /// Sums of the weights of the sources up to each.
    source_weights: Vec<u32>,
    /// The same for the lines of each service.
    line_weights: Vec<Vec<u32>>,
    rng: Rng,
    seq: u64,
}

impl Generator {
    /// A generator over `sources`. A source's weight is its service's, shared by the sources of that service.
    pub fn new(catalog: Catalog, sources: Vec<Source>, seed: u64) -> Generator {
        let weight = |source: &Source| {
            let alike = sources.iter().filter(|s| s.service == source.service).count() as u32;
            // Whole numbers: a dozen sources of one service still get one part each.
            (catalog.services[source.service].weight * 24 / alike.max(1)).max(1)
        };
        let source_weights = sums(sources.iter().map(weight));
        let line_weights = catalog.services.iter().map(|s| sums(s.lines.iter().map(|line| line.weight))).collect();
        Generator { catalog, sources, source_weights, line_weights, rng: Rng::with_seed(seed), seq: 700_000 }
    }

    /// The catalogue.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The sources.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The generator's chance, for those who decide something beside it.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A usual record.
    pub fn record(&mut self, time: i64) -> Record {
        let source = pick(&mut self.rng, &self.source_weights);
        let service = self.sources[source].service;
        let line = pick(&mut self.rng, &self.line_weights[service]);
        let Generator { catalog, sources, rng, seq, .. } = self;
        *seq += rng.u64(1..4);
        let service = &catalog.services[service];
        render(rng, *seq, &sources[source], &service.context, &service.lines[line], time)
    }

    /// A record of a source with a line of the caller's.
    pub fn say(&mut self, source: usize, line: &LineTemplate, time: i64) -> Record {
        let Generator { catalog, sources, rng, seq, .. } = self;
        *seq += 1;
        let source = &sources[source];
        render(rng, *seq, source, &catalog.services[source.service].context, line, time)
    }
}

fn render(
    rng: &mut Rng,
    seq: u64,
    source: &Source,
    context_template: &crate::Template,
    line: &LineTemplate,
    time: i64,
) -> Record {
    let origin = &source.origins[rng.usize(0..source.origins.len())];
    let mut scene = Scene { rng, time, seq, origin };
    let (mut message, mut context) = (String::with_capacity(160), String::with_capacity(96));
    line.message.render(&mut scene, &mut message);
    context_template.render(&mut scene, &mut context);
    Record { time, source: source.name.clone(), level: line.level, sent_level: line.sent, message, context }
}

fn sums(weights: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut sum = 0;
    weights
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect()
}

fn pick(rng: &mut Rng, sums: &[u32]) -> usize {
    let Some(&all) = sums.last().filter(|all| **all > 0) else { return 0 };
    let at = rng.u32(0..all);
    sums.partition_point(|sum| *sum <= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(seed: u64) -> Generator {
        let catalog = Catalog::built_in();
        let sources = (0..catalog.services.len()).map(|i| Source::new(catalog.services[i].name, i, i, 2)).collect();
        Generator::new(catalog, sources, seed)
    }

    #[test]
    fn the_same_seed_gives_the_same_records() {
        let (mut one, mut same, mut other) = (generator(1), generator(1), generator(2));
        let mut differ = 0;
        for time in 0..2_000 {
            let record = one.record(time);
            assert_eq!(record, same.record(time));
            differ += usize::from(record.message != other.record(time).message);
        }
        assert!(differ > 1_900, "another seed gives others: {differ}");
    }

    #[test]
    fn every_record_is_valid_json_with_the_contract_s_fields() {
        let mut generator = generator(3);
        for time in 0..20_000_i64 {
            let record = generator.record(time * 1_000);
            let mut json = Vec::new();
            record.write_json(&mut json);
            let parsed: serde_json::Value = serde_json::from_slice(&json).expect("valid JSON");
            assert_eq!(parsed["message"], record.message.as_str());
            assert_eq!(parsed["source"], &*record.source);
            assert!(parsed["context"].is_object(), "{}", record.context);
            assert!(!json.contains(&b'\n'), "one line");
        }
    }
}

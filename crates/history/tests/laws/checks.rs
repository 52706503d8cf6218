//! A history against the model: every question, compared whole.

use whittle_history::{Budget, FacetField, Filter, Reader, SplitBy, Total};
use whittle_patterns::PatternId;

use crate::model::Model;
use crate::rows::HOUR;

/// All questions under one filter.
pub fn same_answers(reader: &dyn Reader, model: &Model, filter: &Filter) {
    pages(reader, model, filter);
    histograms(reader, model, filter);
    facets(reader, model, filter);
    patterns(reader, model, filter);
    trends(reader, model, filter);
}

pub fn pages(reader: &dyn Reader, model: &Model, filter: &Filter) {
    let budget = Budget::default();
    let expected = model.found(filter);
    let total = Total::Exact(expected.len() as u64);
    for (limit, offset) in [(0, 0), (1, 0), (7, 0), (1000, 0), (3, 5), (5, expected.len() / 2), (5, expected.len())] {
        let recent = reader.recent(filter, limit, offset as u64, &budget).expect("an answer");
        let last = (offset + limit).min(expected.len());
        assert_eq!(recent.rows, expected[offset.min(last)..last], "limit {limit}, offset {offset} of {filter:?}");
        assert_eq!(recent.total, total, "limit {limit}, offset {offset} of {filter:?}");
    }
    let recent = reader.recent(filter, 0, 0, &budget).expect("an answer");
    assert_eq!(recent.until, filter.until.clone().unwrap_or(model.head()));
}

fn histograms(reader: &dyn Reader, model: &Model, filter: &Filter) {
    let found = model.found(filter);
    for (buckets, by) in [(500, SplitBy::Level), (60, SplitBy::Source), (3, SplitBy::Level)] {
        let histogram = reader.histogram(filter, buckets, by, &Budget::default()).expect("an answer");
        assert_eq!(histogram.total, Total::Exact(found.len() as u64), "{filter:?}");
        assert_eq!(histogram.from % histogram.bucket, 0);
        let mut named = 0;
        for (name, counts) in &histogram.series {
            assert!(counts.len() <= buckets, "{} buckets of {buckets}", counts.len());
            for (at, &count) in counts.iter().enumerate() {
                let start = histogram.from + at as i64 * histogram.bucket;
                let here = |row: &&whittle_history::StoredRow| {
                    let is_named = match by {
                        SplitBy::Level => row.level.as_str() == name,
                        SplitBy::Source => row.source == *name,
                    };
                    is_named && row.timestamp >= start && row.timestamp - start < histogram.bucket
                };
                let expected = found.iter().filter(here).count() as u64;
                assert_eq!(count, expected, "{name} from {start}, {} wide: {filter:?}", histogram.bucket);
                named += count;
            }
        }
        assert_eq!(named, found.len() as u64, "{filter:?}");
    }
}

fn facets(reader: &dyn Reader, model: &Model, filter: &Filter) {
    let fields =
        [FacetField::Pattern, FacetField::Source, FacetField::Level, FacetField::Context("k".to_owned())].to_vec();
    for limit in [2, 100] {
        for fields in [&fields[..], &fields[..3]] {
            let facets = reader.facets(filter, fields, limit, &Budget::default()).expect("an answer");
            assert_eq!(facets.total, Total::Exact(model.found(filter).len() as u64));
            for (field, (named, values)) in fields.iter().zip(&facets.fields) {
                assert_eq!(field, named);
                assert_eq!(*values, model.facet(filter, field, limit), "{field:?} of {filter:?}");
            }
        }
    }
}

fn patterns(reader: &dyn Reader, model: &Model, filter: &Filter) {
    let answer = reader.patterns(filter, &Budget::default()).expect("an answer");
    let expected = model.patterns(filter);
    assert_eq!(answer.total, Total::Exact(model.found(filter).len() as u64));
    assert_eq!(answer.oldest, model.rows.iter().map(|row| row.line.timestamp).min());
    assert_eq!(answer.patterns.len(), expected.len(), "{filter:?}");
    for (mut found, mut wanted) in answer.patterns.into_iter().zip(expected) {
        // Bounds of the rollup's stretches, at most an hour wide.
        let (before, after) = (wanted.seen.0 - found.seen.0, found.seen.1 - wanted.seen.1);
        assert!((0..HOUR).contains(&before) && (0..HOUR).contains(&after), "{before} {after} {filter:?}");
        (found.seen, wanted.seen) = ((0, 0), (0, 0));
        assert_eq!(found, wanted, "{filter:?}");
    }
}

fn trends(reader: &dyn Reader, model: &Model, filter: &Filter) {
    let found = model.found(filter);
    let patterns: Vec<PatternId> = model.patterns(filter).iter().map(|counted| counted.pattern).take(5).collect();
    for buckets in [100, 7] {
        let trends = reader.trends(filter, &patterns, buckets, &Budget::default()).expect("an answer");
        assert_eq!(
            (trends.total, trends.counts.len()),
            (Total::Exact(found.len() as u64), patterns.len()),
            "{filter:?}"
        );
        for (pattern, counts) in patterns.iter().zip(&trends.counts) {
            let mut expected = vec![0; counts.len()];
            for row in found.iter().filter(|row| row.pattern == *pattern) {
                expected[((row.timestamp - trends.from) / trends.bucket) as usize] += 1;
            }
            assert!(counts.len() <= buckets && *counts == expected, "{counts:?} for {expected:?} of {filter:?}");
        }
    }
}

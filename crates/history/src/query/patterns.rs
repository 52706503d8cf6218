//! The patterns of what matches.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_patterns::PatternId;

use super::facets::by_count;
use super::judge::Judge;
use super::sink::{Counted, Needs, Row, Sink, Times};
use crate::PatternCount;
use crate::file::dictionary::{Dictionary, Series};
use crate::file::index::SeriesRows;
use crate::store::Snapshot;

/// Counts rows by pattern.
pub(crate) struct PatternCounts<'a> {
    judge: &'a Judge<'a>,
    whole: bool,
    entered: Option<Arc<Dictionary>>,
    /// Of the dictionary that was entered last.
    series: HashMap<Series, SeriesRows>,
    patterns: HashMap<PatternId, OfPattern>,
    total: u64,
}

struct OfPattern {
    levels: [u64; 4],
    sources: HashMap<Arc<str>, u64>,
    seen: (i64, i64),
}

impl<'a> PatternCounts<'a> {
    /// `whole`: all times are asked for, so that files can be counted without them.
    pub(crate) fn new(judge: &'a Judge<'a>, whole: bool) -> Self {
        PatternCounts { judge, whole, entered: None, series: HashMap::new(), patterns: HashMap::new(), total: 0 }
    }

    fn settle(&mut self) {
        let Some(dictionary) = self.entered.take() else { return };
        for (series, rows) in self.series.drain() {
            let pattern = self.judge.pattern_of(&dictionary.forms[series.form as usize]);
            let new = || OfPattern { levels: [0; 4], sources: HashMap::new(), seen: rows.seen };
            let of_pattern = self.patterns.entry(pattern).or_insert_with(new);
            of_pattern.levels[series.level as usize] += rows.rows;
            let source = &dictionary.sources[series.source as usize];
            *of_pattern.sources.entry_ref(source).or_insert(0) += rows.rows;
            of_pattern.seen = (of_pattern.seen.0.min(rows.seen.0), of_pattern.seen.1.max(rows.seen.1));
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The patterns, most frequent first, then by id.
    pub(crate) fn finish(mut self, first_ever: &HashMap<PatternId, i64>) -> Vec<PatternCount> {
        self.settle();
        let counted = |(pattern, of): (PatternId, OfPattern)| PatternCount {
            pattern,
            levels: of.levels,
            sources: by_count(of.sources).into_iter().map(|(source, rows)| (source.to_string(), rows)).collect(),
            seen: of.seen,
            first_ever: first_ever.get(&pattern).copied().unwrap_or(of.seen.0),
        };
        let mut patterns: Vec<PatternCount> = self.patterns.into_iter().map(counted).collect();
        let rows = |pattern: &PatternCount| pattern.levels.iter().sum::<u64>();
        patterns.sort_unstable_by(|a, b| rows(b).cmp(&rows(a)).then(a.pattern.cmp(&b.pattern)));
        patterns
    }
}

impl Sink for PatternCounts<'_> {
    fn needs(&self) -> Needs {
        Needs { form: true, source: true, level: true, time: true, ..Needs::default() }
    }

    fn times(&self) -> Times {
        if self.whole { Times::None } else { Times::Stretches }
    }

    fn enter(&mut self, dictionary: &Arc<Dictionary>) {
        if !self.entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, dictionary)) {
            self.settle();
            self.entered = Some(dictionary.clone());
        }
    }

    fn counted(&mut self, counted: &Counted) {
        let Some(series) = counted.series else { return };
        self.total += counted.rows;
        let rows = SeriesRows { rows: counted.rows, seen: counted.seen };
        self.series.entry(series).or_insert(SeriesRows::NONE).take_in(rows);
    }

    fn row(&mut self, row: &Row<'_>) {
        self.total += 1;
        let series = Series { form: row.form, source: row.source, level: row.level };
        self.series.entry(series).or_insert(SeriesRows::NONE).add(row.timestamp);
    }

    fn memory(&self) -> usize {
        (self.series.len() + self.patterns.len()) * 128
    }
}

/// The first timestamp of each pattern in all that is stored.
pub(crate) fn first_ever(snapshot: &Snapshot, judge: &Judge<'_>) -> HashMap<PatternId, i64> {
    let mut firsts: HashMap<PatternId, i64> = HashMap::new();
    let mut of_forms = |dictionary: &Dictionary, forms: Vec<i64>| {
        for (form, first) in dictionary.forms.iter().zip(forms).filter(|(_, first)| *first < i64::MAX) {
            let known = firsts.entry(judge.pattern_of(form)).or_insert(first);
            *known = (*known).min(first);
        }
    };
    for file in snapshot.files.iter() {
        let index = &file.rows.index;
        let mut forms = vec![i64::MAX; index.dictionary.forms.len()];
        for (series, rows) in index.dictionary.series.iter().zip(&index.series).filter(|(_, rows)| rows.rows > 0) {
            let first = &mut forms[series.form as usize];
            *first = (*first).min(rows.seen.0);
        }
        of_forms(&index.dictionary, forms);
    }
    for tail in &snapshot.tails {
        let mut forms = vec![i64::MAX; tail.dictionary.forms.len()];
        for (row, series) in tail.segments().flat_map(|segment| segment.rows()) {
            let first = &mut forms[tail.dictionary.series[series as usize].form as usize];
            *first = (*first).min(row.timestamp);
        }
        of_forms(&tail.dictionary, forms);
    }
    firsts
}

//! A filter over dictionaries: which series match for certain, which cannot, and for which the rows decide.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_domain::query::{Query, RowView};
use whittle_patterns::{Catalog, PatternId};

use super::text::{Conditions, Fact, Known, Node, level_is, source_is};
use super::verdict::Verdict;
use crate::file::dictionary::{Dictionary, Series};
use crate::file::forms::Form;
use crate::{Filter, LevelSet};

/// All words: what is judged by when no row group is meant.
pub(crate) const ANY_WORDS: u64 = u64::MAX;

/// What a filter asks of everything but time and arrival.
pub(crate) struct Judge<'a> {
    catalog: &'a Catalog,
    levels: LevelSet,
    source: Option<&'a str>,
    /// Further demands on the source.
    sources: Vec<(String, bool)>,
    pattern: Option<PatternId>,
    /// What the form decides, if anything does before the row.
    nodes: Vec<Node>,
    /// What form, source and level decide together.
    mixed: Vec<Node>,
    pub(crate) conditions: Conditions,
    pub(crate) query: Option<Arc<Query>>,
    reads_context: bool,
    asks_level: bool,
    asks_pattern: bool,
    /// Equal for filters that let the same rows through, whatever their times.
    signature: String,
    forms: RefCell<OfForms>,
}

/// What is known of a form under a filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfForm {
    /// Where the filter asks for patterns; else zero.
    pub(crate) pattern: PatternId,
    /// The first of its facts, one a condition.
    facts: usize,
    /// The word that a row of the form must hold inside a variable.
    pub(crate) inside: Option<u8>,
}

/// What is known of forms so far.
#[derive(Debug, Default)]
struct OfForms {
    /// By the serial of the form.
    by_serial: Vec<Option<OfForm>>,
    facts: Vec<Fact>,
}

/// A dictionary under a filter.
pub(crate) struct Judged {
    pub(crate) forms: Vec<Verdict>,
    pub(crate) sources: Vec<bool>,
    pub(crate) levels: LevelSet,
    pub(crate) series: Vec<Verdict>,
    /// Rows must be looked up by form, source and level together.
    pub(crate) mixed: Option<HashMap<Series, Verdict>>,
    /// Every form is [`Verdict::Yes`], every source is let through.
    pub(crate) all_forms: bool,
    pub(crate) all_sources: bool,
}

impl Judged {
    pub(crate) fn has(&self, verdict: Verdict) -> bool {
        self.series.contains(&verdict)
    }

    pub(crate) fn all_levels(&self) -> bool {
        self.levels == LevelSet::ALL
    }

    /// Whether the level alone decides.
    pub(crate) fn by_level_alone(&self) -> bool {
        self.all_forms && self.all_sources && self.mixed.is_none()
    }
}

impl<'a> Judge<'a> {
    pub(crate) fn new(filter: &'a Filter, catalog: &'a Catalog) -> Self {
        let mut judge = Judge {
            catalog,
            levels: filter.levels,
            source: filter.source.as_deref(),
            sources: Vec::new(),
            pattern: filter.pattern.map(|id| catalog.resolve(id).unwrap_or(id)),
            nodes: Vec::new(),
            mixed: Vec::new(),
            conditions: Conditions::default(),
            query: None,
            reads_context: false,
            asks_level: false,
            asks_pattern: filter.pattern.is_some(),
            signature: String::new(),
            forms: RefCell::default(),
        };
        if let Some(query) = &filter.query {
            let node = judge.conditions.compile(&query.expr, catalog);
            judge.reads_context = node.reads_context();
            judge.asks_pattern |= node.asks_pattern();
            judge.split(node);
            judge.query = Some(query.clone());
            judge.signature = format!(
                "{:?} {:?} {:?} {:?} {}",
                query.expr,
                judge.levels,
                judge.source,
                judge.pattern,
                catalog.revision()
            );
        }
        judge
    }

    /// Sorts the parts of a conjunction by what decides them.
    fn split(&mut self, node: Node) {
        match node {
            Node::All(nodes) => nodes.into_iter().for_each(|node| self.split(node)),
            Node::Source { text, prefix } => self.sources.push((text, prefix)),
            Node::Level(op, than) => {
                let keep = |level: &Level| level_is(*level, op, than);
                let bits = Level::ALL.into_iter().filter(keep).fold(0, |bits, level| bits | 1 << level as u8);
                self.levels = LevelSet(self.levels.0 & bits);
                self.asks_level = true;
            }
            node if node.is_mixed() => self.mixed.push(node),
            node => self.nodes.push(node),
        }
    }

    /// Names what this filter asks of a row's text, for caches.
    pub(crate) fn signature(&self) -> &str {
        &self.signature
    }

    /// Whether rows must be looked at with their source and level.
    pub(crate) fn is_mixed(&self) -> bool {
        !self.mixed.is_empty() || !self.sources.is_empty() || self.asks_level
    }

    /// Whether the rows' contexts must be read.
    pub(crate) fn reads_context(&self) -> bool {
        self.reads_context
    }

    /// What is known of a form.
    pub(crate) fn of_form(&self, form: &Form) -> OfForm {
        let forms = &mut *self.forms.borrow_mut();
        let at = form.serial as usize;
        if at >= forms.by_serial.len() {
            forms.by_serial.resize(at + 1, None);
        }
        *forms.by_serial[at].get_or_insert_with(|| self.new_form(form, &mut forms.facts))
    }

    fn new_form(&self, form: &Form, facts: &mut Vec<Fact>) -> OfForm {
        let first = facts.len();
        self.conditions.append_facts(form, facts);
        let inside = self.nodes.iter().find_map(|node| match node {
            Node::Message(at) => facts[first + *at].inside(),
            _ => None,
        });
        let pattern = if self.asks_pattern { self.pattern_of(form) } else { PatternId(0) };
        OfForm { pattern, facts: first, inside }
    }

    /// The pattern of a form, as it resolves now.
    pub(crate) fn pattern_of(&self, form: &Form) -> PatternId {
        self.catalog.pattern_of(form.id).unwrap_or(PatternId(form.id.0))
    }

    /// Judges what a dictionary holds, for rows whose variables may be touched by `words` alone.
    pub(crate) fn judge(&self, dictionary: &Dictionary, words: u64) -> Judged {
        let sources: Vec<bool> = dictionary.sources.iter().map(|source| self.lets_through(source)).collect();
        let forms: Vec<Verdict> = dictionary.forms.iter().map(|form| self.form(form, words)).collect();
        let of_series = |series: &Series| {
            let known = self.levels.contains(series.level) && sources[series.source as usize];
            let verdict = Verdict::of(known).and(forms[series.form as usize]);
            if verdict == Verdict::No || self.mixed.is_empty() {
                return verdict;
            }
            verdict.and(self.mixture(dictionary, series, words))
        };
        let series: Vec<Verdict> = dictionary.series.iter().map(of_series).collect();
        let mixed = (!self.mixed.is_empty()).then(|| dictionary.series.iter().copied().zip(series.clone()).collect());
        Judged {
            all_forms: forms.iter().all(|&verdict| verdict == Verdict::Yes),
            all_sources: sources.iter().all(|&through| through),
            forms,
            sources,
            levels: self.levels,
            series,
            mixed,
        }
    }

    fn lets_through(&self, source: &str) -> bool {
        self.source.is_none_or(|wanted| wanted == source)
            && self.sources.iter().all(|(text, prefix)| source_is(source, text, *prefix))
    }

    fn form(&self, form: &Form, words: u64) -> Verdict {
        if self.nodes.is_empty() && self.pattern.is_none() {
            return Verdict::Yes;
        }
        let of_form = self.of_form(form);
        if self.pattern.is_some_and(|pattern| pattern != of_form.pattern) {
            return Verdict::No;
        }
        self.judge_nodes(&self.nodes, of_form, words, "", Level::default())
    }

    fn mixture(&self, dictionary: &Dictionary, series: &Series, words: u64) -> Verdict {
        let of_form = self.of_form(&dictionary.forms[series.form as usize]);
        let source = &dictionary.sources[series.source as usize];
        self.judge_nodes(&self.mixed, of_form, words, source, series.level)
    }

    fn judge_nodes(&self, nodes: &[Node], of_form: OfForm, words: u64, source: &str, level: Level) -> Verdict {
        let forms = self.forms.borrow();
        let facts = &forms.facts[of_form.facts..];
        let known = Known { facts, words, pattern: of_form.pattern, source, level };
        nodes.iter().map(|node| node.judge(&known)).min().unwrap_or(Verdict::Yes)
    }

    /// Whether a row matches the query, text and all.
    pub(crate) fn matches(&self, view: &RowView<'_>) -> bool {
        let resolve = |id| self.catalog.resolve(id).unwrap_or(id);
        self.query.as_ref().is_none_or(|query| query.matches(view, &resolve))
    }
}

//! What a filter says of each series before any row is read.

use std::sync::Arc;

use hashbrown::HashMap;
use whittle_domain::Level;
use whittle_domain::query::{Expr, Op, Query, RowView, Term, lower};
use whittle_history::Filter;
use whittle_patterns::{Catalog, FormId, PatternId};

use super::sql::Which;
use crate::literal::{Literals, Verdict};
use crate::series::{AllSeries, Series};

/// A filter, judged.
pub(crate) struct Judged {
    /// Series whose rows all match.
    pub(crate) yes: Which,
    /// Series whose rows must be read.
    pub(crate) maybe: Which,
    query: Option<Arc<Query>>,
    catalog: Catalog,
}

/// Judges series one after the other.
struct Judge<'a> {
    filter: &'a Filter,
    catalog: &'a Catalog,
    literals: &'a Literals,
    pattern: Option<PatternId>,
    /// By form: what its text says to each condition on the message, in their order in the query.
    texts: HashMap<FormId, Vec<Verdict>>,
}

impl Judged {
    pub(crate) fn of(filter: &Filter, series: &AllSeries, catalog: &Catalog, literals: &Literals) -> Judged {
        let pattern = filter.pattern.map(|id| catalog.resolve(id).unwrap_or(id));
        let mut judge = Judge { filter, catalog, literals, pattern, texts: HashMap::new() };
        let (mut yes, mut maybe) = (Vec::new(), Vec::new());
        for one in &series.list {
            match judge.judge(one) {
                Verdict::No => {}
                Verdict::Maybe => maybe.push(one.id),
                Verdict::Yes => yes.push(one.id),
            }
        }
        let yes = if yes.len() == series.list.len() { Which::All } else { Which::These(yes) };
        Judged { yes, maybe: Which::These(maybe), query: filter.query.clone(), catalog: catalog.clone() }
    }

    /// Whether a row matches, text and all.
    pub(crate) fn matches(&self, view: &RowView<'_>) -> bool {
        let resolve = |id| self.catalog.resolve(id).unwrap_or(id);
        self.query.as_ref().is_none_or(|query| query.matches(view, &resolve))
    }

    /// The query, where there is one.
    pub(crate) fn query(&self) -> Option<&Query> {
        self.query.as_deref()
    }
}

/// The pattern of a form, as it resolves now.
pub(crate) fn pattern_of(catalog: &Catalog, form: FormId) -> PatternId {
    catalog.pattern_of(form).unwrap_or(PatternId(form.0))
}

impl Judge<'_> {
    fn judge(&mut self, series: &Series) -> Verdict {
        let filter = self.filter;
        let of_source = filter.source.as_ref().is_none_or(|source| **source == *series.source);
        if !of_source || !filter.levels.contains(series.level) {
            return Verdict::No;
        }
        let pattern = pattern_of(self.catalog, series.form);
        if self.pattern.is_some_and(|wanted| wanted != pattern) {
            return Verdict::No;
        }
        let Some(query) = &filter.query else { return Verdict::Yes };
        let (catalog, literals) = (self.catalog, self.literals);
        let texts = self.texts.entry(series.form).or_insert_with(|| {
            let mut texts = Vec::new();
            let literal = literals.get(series.form, catalog);
            conditions(&query.expr, &mut |needle, left, right| {
                texts.push(literal.as_ref().map_or(Verdict::Maybe, |literal| literal.find(needle, left, right)));
            });
            texts
        });
        let mut of_series = OfSeries { series, pattern, catalog: self.catalog, texts: texts.iter() };
        of_series.expr(&query.expr)
    }
}

/// The conditions on the message, in their order: text, and which ends must be ends of words.
fn conditions(expr: &Expr, give: &mut dyn FnMut(&str, bool, bool)) {
    match expr {
        Expr::All(exprs) | Expr::Any(exprs) => exprs.iter().for_each(|expr| conditions(expr, give)),
        Expr::Not(expr) => conditions(expr, give),
        Expr::Term(Term::Phrase(text)) => give(text, true, true),
        Expr::Term(Term::Prefix(text)) => give(text, true, false),
        Expr::Term(Term::Substring(text)) => give(text, false, false),
        Expr::Term(Term::Source { .. } | Term::Level(..) | Term::Pattern(_) | Term::Context { .. }) => {}
    }
}

struct OfSeries<'a> {
    series: &'a Series,
    pattern: PatternId,
    catalog: &'a Catalog,
    texts: std::slice::Iter<'a, Verdict>,
}

impl OfSeries<'_> {
    /// All parts are looked at, also behind one that decides: the texts are taken in order.
    fn expr(&mut self, expr: &Expr) -> Verdict {
        match expr {
            Expr::All(exprs) => exprs.iter().fold(Verdict::Yes, |all, expr| all.min(self.expr(expr))),
            Expr::Any(exprs) => exprs.iter().fold(Verdict::No, |any, expr| any.max(self.expr(expr))),
            Expr::Not(expr) => self.expr(expr).negated(),
            Expr::Term(term) => self.term(term),
        }
    }

    fn term(&mut self, term: &Term) -> Verdict {
        match term {
            Term::Phrase(_) | Term::Prefix(_) | Term::Substring(_) => {
                self.texts.next().copied().unwrap_or(Verdict::Maybe)
            }
            Term::Source { text, prefix } => {
                let source = lower(&self.series.source);
                Verdict::of(if *prefix { source.starts_with(text) } else { source == text.as_str() })
            }
            Term::Level(op, than) => Verdict::of(level_is(self.series.level, *op, *than)),
            Term::Pattern(id) => Verdict::of(self.catalog.resolve(*id).unwrap_or(*id) == self.pattern),
            Term::Context { .. } => Verdict::Maybe,
        }
    }
}

fn level_is(level: Level, op: Op, than: Level) -> bool {
    match op {
        Op::Equal | Op::Prefix => level == than,
        Op::Less => level < than,
        Op::LessOrEqual => level <= than,
        Op::Greater => level > than,
        Op::GreaterOrEqual => level >= than,
    }
}

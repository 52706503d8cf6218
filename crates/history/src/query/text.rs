//! A query's conditions, prepared: what literal text and word filters say about each, before any row is read.

use memchr::memmem::Finder;
use whittle_domain::Level;
use whittle_domain::query::{Expr, Op, Term, is_word};
use whittle_patterns::{Catalog, PatternId};

use super::verdict::Verdict;
use crate::file::forms::{Form, HOLE, Literal};
use crate::file::words;

/// The query as a tree over its prepared conditions.
#[derive(Debug)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// The message, by the index of the condition.
    Message(usize),
    Source {
        text: String,
        prefix: bool,
    },
    Level(Op, Level),
    /// Of this pattern, as it resolves now.
    Pattern(PatternId),
    /// Something that only the row's context says.
    Context,
}

/// A condition on the message.
#[derive(Debug)]
pub(crate) struct Condition {
    finder: Finder<'static>,
    /// Whether it must start and end at the ends of words.
    left: bool,
    right: bool,
    /// Whether literal text can decide it.
    decidable: bool,
    /// Indexes of the words that every message that matches holds.
    words: Vec<u8>,
}

/// A word that messages must hold.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) hash: u64,
    finder: Finder<'static>,
}

/// What one form's literal text says about one condition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fact {
    verdict: Verdict,
    /// Words (a bit each) that must touch a variable, as the literal text does not hold them.
    missing: u64,
    /// Of these the longest that must stand inside a variable: rows without it need not be looked at.
    inside: Option<u8>,
}

/// Words of a query that filters are asked for; those beyond are left to the rows.
const MAX_WORDS: usize = 64;

/// Conditions and words of a query.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) list: Vec<Condition>,
    pub(crate) words: Vec<Word>,
}

impl Conditions {
    /// The tree of an expression; its conditions are added.
    pub(crate) fn compile(&mut self, expr: &Expr, catalog: &Catalog) -> Node {
        let mut each = |exprs: &[Expr]| exprs.iter().map(|expr| self.compile(expr, catalog)).collect();
        match expr {
            Expr::All(exprs) => Node::All(each(exprs)),
            Expr::Any(exprs) => Node::Any(each(exprs)),
            Expr::Not(expr) => Node::Not(Box::new(self.compile(expr, catalog))),
            Expr::Term(term) => self.term(term, catalog),
        }
    }

    fn term(&mut self, term: &Term, catalog: &Catalog) -> Node {
        match term {
            Term::Phrase(text) => self.message(term, text, true, true),
            Term::Prefix(text) => self.message(term, text, true, false),
            Term::Substring(text) => self.message(term, text, false, false),
            Term::Source { text, prefix } => Node::Source { text: text.clone(), prefix: *prefix },
            Term::Level(op, level) => Node::Level(*op, *level),
            Term::Pattern(id) => Node::Pattern(catalog.resolve(*id).unwrap_or(*id)),
            Term::Context { .. } => Node::Context,
        }
    }

    fn message(&mut self, term: &Term, text: &str, left: bool, right: bool) -> Node {
        let words = term.required_words().into_iter().filter_map(|word| self.word(word)).collect();
        self.list.push(Condition {
            finder: Finder::new(text).into_owned(),
            left: left && text.chars().next().is_some_and(is_word),
            right: right && text.chars().next_back().is_some_and(is_word),
            decidable: !text.is_empty() && !text.contains(HOLE),
            words,
        });
        Node::Message(self.list.len() - 1)
    }

    fn word(&mut self, text: &str) -> Option<u8> {
        if let Some(at) = self.words.iter().position(|word| word.text == text) {
            return Some(at as u8);
        }
        if self.words.len() == MAX_WORDS {
            return None;
        }
        let finder = Finder::new(text).into_owned();
        self.words.push(Word { text: text.to_owned(), hash: words::hash(text), finder });
        Some(self.words.len() as u8 - 1)
    }

    /// Appends what the literal text of a form says about each condition.
    pub(crate) fn append_facts(&self, form: &Form, facts: &mut Vec<Fact>) {
        facts.extend(self.list.iter().map(|condition| self.fact(condition, form)));
    }

    fn fact(&self, condition: &Condition, form: &Form) -> Fact {
        if condition.finder.needle().is_empty() {
            return Fact { verdict: Verdict::Yes, missing: 0, inside: None };
        }
        let literal = match condition.decidable {
            true => form.find(&condition.finder, condition.left, condition.right),
            false => Literal::Open,
        };
        match literal {
            Literal::Stands => return Fact { verdict: Verdict::Yes, missing: 0, inside: None },
            _ if condition.decidable && form.is_searchable() && !form.has_holes() => {
                return Fact { verdict: Verdict::No, missing: 0, inside: None };
            }
            _ => {}
        }
        let (mut missing, mut inside) = (0, None);
        for &at in condition.words.iter().filter(|&&at| self.must_be_variable(at, form)) {
            missing |= 1 << at;
            let word = &self.words[usize::from(at)].text;
            let longest = inside.is_none_or(|other: u8| word.len() > self.words[usize::from(other)].text.len());
            if longest && !form.may_glue(word) {
                inside = Some(at);
            }
        }
        Fact { verdict: Verdict::Maybe, missing, inside }
    }

    /// Whether a word can only come from a variable of the form, alone or with what touches it.
    fn must_be_variable(&self, word: u8, form: &Form) -> bool {
        if form.skeleton.is_none() {
            return true;
        }
        form.is_searchable() && form.find(&self.words[usize::from(word)].finder, true, true) != Literal::Stands
    }
}

/// What is known of rows that are to be judged.
pub(crate) struct Known<'a> {
    pub(crate) facts: &'a [Fact],
    /// Words (a bit each) that may touch a variable in these rows.
    pub(crate) words: u64,
    pub(crate) pattern: PatternId,
    /// Source and level, where the node asks for them.
    pub(crate) source: &'a str,
    pub(crate) level: Level,
}

impl Node {
    pub(crate) fn judge(&self, known: &Known<'_>) -> Verdict {
        match self {
            Node::All(nodes) => nodes.iter().map(|node| node.judge(known)).min().unwrap_or(Verdict::Yes),
            Node::Any(nodes) => nodes.iter().map(|node| node.judge(known)).max().unwrap_or(Verdict::No),
            Node::Not(node) => node.judge(known).negated(),
            Node::Message(at) => known.facts[*at].judge(known.words),
            Node::Source { text, prefix } => Verdict::of(source_is(known.source, text, *prefix)),
            Node::Level(op, level) => Verdict::of(level_is(known.level, *op, *level)),
            Node::Pattern(id) => Verdict::of(known.pattern == *id),
            Node::Context => Verdict::Maybe,
        }
    }

    /// Whether it asks for source or level.
    pub(crate) fn is_mixed(&self) -> bool {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(Node::is_mixed),
            Node::Not(node) => node.is_mixed(),
            Node::Source { .. } | Node::Level(..) => true,
            Node::Message(_) | Node::Pattern(_) | Node::Context => false,
        }
    }

    /// Whether it asks for the pattern.
    pub(crate) fn asks_pattern(&self) -> bool {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(Node::asks_pattern),
            Node::Not(node) => node.asks_pattern(),
            Node::Pattern(_) => true,
            _ => false,
        }
    }

    /// Whether it asks for the context.
    pub(crate) fn reads_context(&self) -> bool {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(Node::reads_context),
            Node::Not(node) => node.reads_context(),
            Node::Context => true,
            _ => false,
        }
    }
}

impl Fact {
    fn judge(&self, words: u64) -> Verdict {
        match self.verdict {
            Verdict::Maybe if self.missing & !words != 0 => Verdict::No,
            verdict => verdict,
        }
    }

    /// The word without which a row cannot match, if it stands inside a variable.
    pub(crate) fn inside(&self) -> Option<u8> {
        self.inside
    }
}

pub(crate) fn source_is(source: &str, text: &str, prefix: bool) -> bool {
    use whittle_domain::query::lower;
    let source = lower(source);
    if prefix { source.starts_with(text) } else { source == text }
}

pub(crate) fn level_is(level: Level, op: Op, than: Level) -> bool {
    match op {
        Op::Equal | Op::Prefix => level == than,
        Op::Less => level < than,
        Op::LessOrEqual => level <= than,
        Op::Greater => level > than,
        Op::GreaterOrEqual => level >= than,
    }
}

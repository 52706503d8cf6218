//! From what was typed to what is asked. Whatever cannot be read is an error at its place, with the fix; nothing is
//! guessed, because a query that is read otherwise than it was meant hides lines.

use std::str::FromStr as _;

use whittle_patterns::PatternId;

use super::{Expr, Op, Query, QueryError, Term, text};
use crate::Level;

/// Bytes of a query.
pub const MAX_BYTES: usize = 4096;
/// Conditions of a query.
pub const MAX_TERMS: usize = 64;
/// Brackets within brackets, and steps of a field's path.
pub const MAX_DEPTH: usize = 16;

type Result<T> = std::result::Result<T, QueryError>;

impl Query {
    /// Reads a query. An empty one asks for everything.
    ///
    /// # Errors
    /// Says at which character it cannot be read, why, and what to write instead.
    pub fn parse(text: &str) -> Result<Query> {
        let mut parser = Parser { text, at: 0, terms: 0, depth: 0 };
        if text.len() > MAX_BYTES {
            let at = text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MAX_BYTES).count();
            return Err(QueryError { at, message: format!("the query is longer than {MAX_BYTES} bytes; shorten it") });
        }
        parser.skip_blanks();
        if parser.rest().is_empty() {
            return Ok(Query { expr: Expr::All(Vec::new()) });
        }
        let expr = parser.any()?;
        match parser.peek() {
            None => Ok(Query { expr }),
            Some(_) => Err(parser.error("this bracket closes nothing; remove it, or put '(' where it should begin")),
        }
    }
}

struct Parser<'q> {
    text: &'q str,
    /// Byte that is read next.
    at: usize,
    terms: usize,
    depth: usize,
}

impl<'q> Parser<'q> {
    fn rest(&self) -> &'q str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += if taken { wanted.len_utf8() } else { 0 };
        taken
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn error(&self, message: impl Into<String>) -> QueryError {
        self.error_at(self.at, message)
    }

    fn error_at(&self, byte: usize, message: impl Into<String>) -> QueryError {
        QueryError { at: self.text[..byte].chars().count(), message: message.into() }
    }

    /// Alternatives.
    fn any(&mut self) -> Result<Expr> {
        let mut any = vec![self.all()?];
        while self.at_or() {
            self.at += "or".len();
            any.push(self.all()?);
        }
        Ok(joined(any, Expr::Any))
    }

    /// What stands side by side.
    fn all(&mut self) -> Result<Expr> {
        let mut all = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None | Some(')') => break,
                Some(_) if self.at_or() => break,
                Some(_) => all.push(self.factor()?),
            }
        }
        if all.is_empty() {
            return Err(self.error(match self.peek() {
                None => "something to look for is missing here at the end; add it, or remove what stands before",
                Some(')') => "something to look for is missing before this bracket; for the character write \")\"",
                Some(_) => "something to look for is missing before this 'or'; for the word itself write \"or\"",
            }));
        }
        Ok(joined(all, Expr::All))
    }

    fn at_or(&self) -> bool {
        let rest = self.rest();
        ["or", "OR"].iter().any(|or| rest.strip_prefix(or).is_some_and(|r| !r.starts_with(continues_word)))
    }

    fn factor(&mut self) -> Result<Expr> {
        if !self.take('-') {
            return self.primary();
        }
        match self.peek() {
            Some(c) if !is_border(c) && c != '-' || matches!(c, '(' | '"') => Ok(Expr::Not(Box::new(self.primary()?))),
            _ => Err(self.error_at(
                self.at - 1,
                "'-' leaves out what follows it, as in -word; for the character itself use quotes: \"-\"",
            )),
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        let start = self.at;
        match self.peek() {
            Some('(') => self.brackets(),
            Some('"') => {
                let quoted = self.quoted()?;
                match self.peek() {
                    Some(':') => {
                        self.at += 1;
                        self.field(start, vec![quoted])
                    }
                    Some('*') => {
                        self.at += 1;
                        self.ends_here()?;
                        self.term(start, Term::Prefix(text::lower(&quoted).into_owned()))
                    }
                    _ => {
                        self.ends_here()?;
                        self.term(start, Term::Phrase(text::lower(&quoted).into_owned()))
                    }
                }
            }
            Some('~') => self.substring(),
            _ => self.word(),
        }
    }

    fn brackets(&mut self) -> Result<Expr> {
        let open = self.at;
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("brackets stand more than {MAX_DEPTH} deep here; write it flatter")));
        }
        self.at += 1;
        self.depth += 1;
        let inner = self.any()?;
        self.depth -= 1;
        if !self.take(')') {
            return Err(self.error_at(open, "this bracket is not closed; add ')', or for the character write \"(\""));
        }
        Ok(inner)
    }

    /// What stands between quotes; `\"` is a quote and `\\` a backslash.
    fn quoted(&mut self) -> Result<String> {
        let open = self.at;
        let mut out = String::new();
        let mut chars = self.text[open + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if out.is_empty() => {
                    return Err(self.error_at(open, "these quotes are empty; put text between them, or remove them"));
                }
                '"' => {
                    self.at = open + 1 + at + 1;
                    return Ok(out);
                }
                '\\' if chars.as_str().starts_with(['"', '\\']) => out.extend(chars.next().map(|(_, c)| c)),
                _ => out.push(c),
            }
        }
        Err(self.error_at(open, "this quote is not closed; add '\"' at its end (inside, write \\\" for a quote)"))
    }

    /// The characters up to a blank, a bracket or a quote.
    fn run(&mut self) -> &'q str {
        let rest = self.rest();
        let run = &rest[..rest.find(is_border).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    /// After a word: brackets and quotes need a blank, so that `f(x)` is not read as something else than it says.
    fn ends_here(&self) -> Result<()> {
        match self.peek() {
            None | Some(')') => Ok(()),
            Some(c) if c.is_whitespace() => Ok(()),
            Some(c) => Err(self.error(format!(
                "put a blank before '{c}', or quotes around the whole text (inside, write \\\" for a quote)"
            ))),
        }
    }

    fn substring(&mut self) -> Result<Expr> {
        let start = self.at;
        self.at += 1;
        let part = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            let part = self.run();
            if part.is_empty() {
                return Err(self.error_at(start, "'~' needs text right after it, as in ~text or ~\"some text\""));
            }
            if let Some(star) = part.find('*') {
                let at = start + 1 + star;
                return Err(
                    self.error_at(at, "'~' finds text anywhere, so leave '*' out; for the character use quotes")
                );
            }
            part.to_owned()
        };
        self.ends_here()?;
        self.term(start, Term::Substring(text::lower(&part).into_owned()))
    }

    fn word(&mut self) -> Result<Expr> {
        let start = self.at;
        let word = self.run();
        if let Some(key) = field_key(word) {
            self.at = start + key.len() + 1;
            let path = self.path(start, key)?;
            return self.field(start, path);
        }
        self.ends_here()?;
        match word {
            "AND" => {
                return Err(self.error_at(
                    start,
                    "'AND' is not needed: what stands side by side must all hold. For the word itself write \"AND\"",
                ));
            }
            "NOT" => {
                return Err(self.error_at(start, "write -word to leave a word out; for the word itself write \"NOT\""));
            }
            _ => {}
        }
        if let Some(sign) = comparison_without_colon(word) {
            let (key, value) = word.split_at(sign);
            let message = format!("to compare a field write {key}:{value}; for the text itself use quotes");
            return Err(self.error_at(start + sign, message));
        }
        match starred(word) {
            Ok((stem, false)) => self.term(start, Term::Phrase(text::lower(stem).into_owned())),
            Ok((stem, true)) if !stem.is_empty() => self.term(start, Term::Prefix(text::lower(stem).into_owned())),
            Ok(_) => Err(self.error_at(start, "'*' needs the start of a word before it, as in word*")),
            Err(star) => Err(self.error_at(
                start + star,
                "'*' can stand at the end of a word alone; for text anywhere write ~text, for the character use quotes",
            )),
        }
    }

    fn path(&self, start: usize, key: &str) -> Result<Vec<String>> {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        match path.len() > MAX_DEPTH {
            true => Err(self.error_at(start, format!("a field has at most {MAX_DEPTH} steps; shorten it"))),
            false => Ok(path),
        }
    }

    /// What follows the colon.
    fn field(&mut self, start: usize, path: Vec<String>) -> Result<Expr> {
        let sign = self.operator();
        let at = self.at;
        let (op, value) = self.value(&path, sign)?;
        self.ends_here()?;
        match path.as_slice() {
            [key] if key.eq_ignore_ascii_case("source") => self.source(start, at, op, &value),
            [key] if key.eq_ignore_ascii_case("level") => self.levels(start, at, op, &value),
            [key] if key.eq_ignore_ascii_case("pattern") => self.pattern(start, at, op, &value),
            [first, rest @ ..] if first == "context" && !rest.is_empty() => self.context(start, rest, op, &value),
            path => self.context(start, path, op, &value),
        }
    }

    fn value(&mut self, path: &[String], op: Op) -> Result<(Op, String)> {
        let at = self.at;
        if self.peek() == Some('"') {
            let value = self.quoted()?;
            let op = if op == Op::Equal && self.take('*') { Op::Prefix } else { op };
            return Ok((op, value));
        }
        let value = self.run();
        if value.is_empty() {
            let key = path.join(".");
            let message =
                format!("a value must follow right here, as in {key}:value; for the text itself write \"{key}:\"");
            return Err(self.error_at(at, message));
        }
        match starred(value) {
            Ok((stem, true)) if op == Op::Equal => Ok((Op::Prefix, stem.to_owned())),
            Ok((_, false)) => Ok((op, value.to_owned())),
            _ => Err(self.error_at(
                at + value.find('*').unwrap_or(0),
                "'*' can stand at the end of a value alone, without <, > or =; for the character use quotes",
            )),
        }
    }

    fn operator(&mut self) -> Op {
        let signs = [
            (">=", Op::GreaterOrEqual),
            ("<=", Op::LessOrEqual),
            (">", Op::Greater),
            ("<", Op::Less),
            ("=", Op::Equal),
        ];
        match signs.iter().find(|(sign, _)| self.rest().starts_with(sign)) {
            Some((sign, op)) => {
                self.at += sign.len();
                *op
            }
            None => Op::Equal,
        }
    }

    fn source(&mut self, start: usize, at: usize, op: Op, value: &str) -> Result<Expr> {
        let prefix = match op {
            Op::Equal => false,
            Op::Prefix => true,
            _ => return Err(self.error_at(at, "a source is equal or starts so; write source:name or source:name*")),
        };
        self.term(start, Term::Source { text: text::lower(value).into_owned(), prefix })
    }

    fn levels(&mut self, start: usize, at: usize, op: Op, value: &str) -> Result<Expr> {
        let names: Vec<&str> = value.split(',').collect();
        if op == Op::Prefix || (op != Op::Equal && names.len() > 1) {
            return Err(self.error_at(at, "write one level here, in full: debug, info, warn or error"));
        }
        let mut any = Vec::new();
        for name in names {
            let Some(level) = Level::from_name(name) else {
                let message = format!("'{}' is no level; write debug, info, warn or error", name.escape_debug());
                return Err(self.error_at(at, message));
            };
            any.push(self.term(start, Term::Level(op, level))?);
        }
        Ok(joined(any, Expr::Any))
    }

    fn pattern(&mut self, start: usize, at: usize, op: Op, value: &str) -> Result<Expr> {
        match PatternId::from_str(value) {
            Ok(id) if op == Op::Equal => self.term(start, Term::Pattern(id)),
            _ => Err(self.error_at(at, "a pattern is the 16 hex digits (0-9, a-f) of its id, without < or >")),
        }
    }

    fn context(&mut self, start: usize, path: &[String], op: Op, value: &str) -> Result<Expr> {
        let value = text::lower(value).into_owned();
        self.term(start, Term::Context { path: path.to_vec(), op, value })
    }

    fn term(&mut self, start: usize, term: Term) -> Result<Expr> {
        self.terms += 1;
        match self.terms > MAX_TERMS {
            true => Err(self.error_at(start, format!("more than {MAX_TERMS} conditions; leave some out"))),
            false => Ok(Expr::Term(term)),
        }
    }
}

/// One part stands for itself; of several the cheap ones are asked first.
fn joined(mut parts: Vec<Expr>, join: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    parts.sort_by_key(cost);
    join(parts)
}

fn cost(expr: &Expr) -> u32 {
    match expr {
        Expr::Term(Term::Level(..) | Term::Pattern(_)) => 0,
        Expr::Term(Term::Source { .. }) => 1,
        Expr::Term(Term::Phrase(_) | Term::Prefix(_) | Term::Substring(_)) => 2,
        Expr::Term(Term::Context { .. }) => 8,
        Expr::Not(inner) => cost(inner),
        Expr::All(parts) | Expr::Any(parts) => parts.iter().map(cost).sum(),
    }
}

/// Where a bare word ends.
fn is_border(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"')
}

fn continues_word(c: char) -> bool {
    !is_border(c) || c == '"'
}

/// The key of `key:value`. A URL, `a::b` and `C:\` are texts, and so is what starts with a digit (a time, an address).
fn field_key(word: &str) -> Option<&str> {
    let (key, value) = word.split_once(':')?;
    let name = is_key(key) && !value.starts_with("//") && !value.starts_with([':', '\\']);
    name.then_some(key)
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '@'))
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '.' | '-'))
}

/// Where the sign of `status>=500` stands, which was meant as a comparison.
fn comparison_without_colon(word: &str) -> Option<usize> {
    let sign = word.find(['<', '>'])?;
    let value = word[sign + 1..].trim_start_matches('=');
    // `a->1` is an arrow.
    let key = is_key(&word[..sign]) && !word[..sign].ends_with('-');
    (key && value.starts_with(|c: char| c.is_ascii_digit())).then_some(sign)
}

/// A word without the `*` at its end, and whether there was one; the place of a `*` elsewhere.
fn starred(word: &str) -> std::result::Result<(&str, bool), usize> {
    match word.find('*') {
        None => Ok((word, false)),
        Some(star) if star + 1 == word.len() => Ok((&word[..star], true)),
        Some(star) => Err(star),
    }
}

//! A query as a condition in SQL that no matching row misses. Fewer rows come over the wire; which match is judged here.
//!
//! Under the collation C PostgreSQL folds the case of ASCII alone, whatever the database's own is. So only ASCII text is
//! compared there, and letters outside of it that fold to ASCII let a row through.

use whittle_domain::query::{Expr, Op, Term};

use super::sql::Args;

/// The condition; none where nothing narrows.
pub(crate) fn condition(expr: &Expr, args: &mut Args) -> Option<String> {
    match expr {
        Expr::All(exprs) => {
            let all: Vec<String> = exprs.iter().filter_map(|expr| condition(expr, args)).collect();
            (!all.is_empty()).then(|| format!("({})", all.join(" AND ")))
        }
        Expr::Any(exprs) => {
            let any: Vec<String> = exprs.iter().map(|expr| condition(expr, args)).collect::<Option<_>>()?;
            // Nothing at all matches an empty choice.
            (!any.is_empty()).then(|| format!("({})", any.join(" OR ")))
        }
        // What no row may miss of the whole says nothing of its opposite.
        Expr::Not(_) => None,
        Expr::Term(Term::Phrase(text) | Term::Prefix(text) | Term::Substring(text)) => contains("message", text, args),
        Expr::Term(Term::Context { path, op, value }) => context(path, *op, value, args),
        // Decided by the series.
        Expr::Term(Term::Source { .. } | Term::Level(..) | Term::Pattern(_)) => None,
    }
}

/// The longest run of ASCII stands in a column, in any case.
fn contains(column: &str, lowered: &str, args: &mut Args) -> Option<String> {
    let runs = lowered.split(|c: char| !c.is_ascii() || c == '\0');
    let run = runs.max_by_key(|run| run.len()).filter(|run| !run.is_empty())?;
    // A copy in lower case and a search in it cost less than ILIKE, which folds the pattern anew for each row.
    let found = format!("strpos(lower({column} COLLATE \"C\"), {}) > 0", args.text(run));
    // The Kelvin sign and the dotted capital I fold to ASCII.
    Some(match run.contains(['k', 'i']) {
        true => format!("({found} OR {column} LIKE '%\u{212a}%' OR {column} LIKE '%\u{130}%')"),
        false => found,
    })
}

/// A text as LIKE finds it anywhere.
fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    out.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('%');
    out
}

/// The name of a field, and a text that it is compared with, stand in the context unless something is escaped there. A
/// context that is kept as bytes is read in any case.
fn context(path: &[String], op: Op, value: &str, args: &mut Args) -> Option<String> {
    let name = path.last().filter(|name| !name.is_empty() && !name.contains('\0'))?;
    let mut all = vec![format!("context::text LIKE {}", args.text(pattern(name)))];
    let is_text = matches!(op, Op::Equal | Op::Prefix) && value.parse::<f64>().is_err();
    if is_text {
        all.extend(contains("context::text", value, args));
    }
    Some(format!("(({}) OR context::text LIKE '%\\\\%' OR exact <> '')", all.join(" AND ")))
}

#[cfg(test)]
mod tests {
    use whittle_domain::query::Query;

    use super::*;

    const FOUND: &str = "strpos(lower(message COLLATE \"C\"), $1) > 0";

    fn sql(q: &str) -> (Option<String>, usize) {
        let mut args = Args::default();
        let condition = condition(&Query::parse(q).expect("a query").expr, &mut args);
        (condition, args.0.len())
    }

    #[test]
    fn only_what_no_match_can_miss_is_asked_of_the_database() {
        assert_eq!(sql("refused"), (Some(FOUND.to_owned()), 1));
        assert_eq!(sql("refused -absent"), (Some(format!("({FOUND})")), 1));
        assert_eq!(sql("refused or -absent").0, None);
        assert_eq!(sql("größe").0, Some(FOUND.to_owned()));
        assert!(sql("kill").0.is_some_and(|sql| sql.contains('\u{212a}')));
        assert_eq!(sql("level:error").0, None);
        assert!(sql("n:>=2").0.is_some_and(|sql| sql.contains("context::text") && !sql.contains("strpos")));
        assert_eq!(pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}

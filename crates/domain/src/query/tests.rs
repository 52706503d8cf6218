//! The table of cases, and random queries against an evaluation that is slow and plain.

use std::collections::BTreeSet;

use proptest::prelude::*;
use whittle_patterns::PatternId;

use super::cases::{CaseRow, cases};
use super::*;

fn parse(q: &str) -> Query {
    Query::parse(q).unwrap_or_else(|e| panic!("{q}: {e}"))
}

fn unchanged(id: PatternId) -> PatternId {
    id
}

#[test]
fn the_table_holds() {
    let table = cases().expect("the table is TOML");
    for case in &table.case {
        let query = parse(&case.q);
        let found = |row: &&CaseRow| query.matches(&row.view(PatternId(7)), &unchanged);
        let found: BTreeSet<&str> = table.row.iter().filter(found).map(|row| row.name.as_str()).collect();
        let wanted: BTreeSet<&str> = case.rows.iter().map(String::as_str).collect();
        assert_eq!(found, wanted, "{} is {:?}", case.q, query.expr);
    }
    for case in &table.error {
        let error = Query::parse(&case.q).expect_err(&case.q);
        assert!(error.message.contains(&case.says), "{}: {error}", case.q);
        assert_eq!(error.at, case.at, "{}: {error}", case.q);
    }
}

#[test]
fn the_caps_hold() {
    let deep = |n| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(Query::parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(Query::parse(&deep(MAX_DEPTH + 1)).expect_err("too deep").at, MAX_DEPTH);
    assert!(Query::parse(&"a ".repeat(MAX_TERMS)).is_ok());
    assert_eq!(Query::parse(&"a ".repeat(MAX_TERMS + 1)).expect_err("too many").at, 2 * MAX_TERMS);
    assert!(Query::parse(&"a".repeat(MAX_BYTES)).is_ok());
    let error = Query::parse(&format!("é{}", "a".repeat(MAX_BYTES))).expect_err("too long");
    assert_eq!((error.at, error.to_string().contains("shorten")), (MAX_BYTES - 1, true));
    assert!(Query::parse(&format!("{}x:1", "a.".repeat(MAX_DEPTH))).is_err());
}

#[test]
fn a_pattern_is_found_by_any_of_its_ids() {
    let row = RowView { source: "s", level: Level::Info, message: "m", context: "", pattern: PatternId(3) };
    let resolve = |id: PatternId| if id == PatternId(9) { PatternId(3) } else { id };
    assert!(parse("pattern:0000000000000009").matches(&row, &resolve));
    assert!(parse("pattern:0000000000000003").matches(&row, &resolve));
    assert!(!parse("pattern:0000000000000008").matches(&row, &resolve));
}

#[test]
fn lower_case_is_one_for_one_and_final() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let lowered = lower_char(c);
        assert_eq!(lower_char(lowered), lowered, "{c:?}");
        assert_eq!(is_word(c), is_word(lowered), "{c:?}");
        if !c.is_ascii() && lowered.is_ascii() {
            assert!(matches!((c, lowered), ('\u{212a}', 'k') | ('\u{130}', 'i')), "{c:?} {lowered:?}");
        }
    }
}

#[test]
fn words_are_the_longest_runs() {
    let of = |text| words(text).map(|w| w.into_owned()).collect::<Vec<_>>();
    assert_eq!(of("GET /api/Users_7?x=é1, ÉCOLE-日本!"), ["get", "api", "users_7", "x", "é1", "école", "日本"]);
    assert_eq!(of(" ,; "), Vec::<String>::new());
    assert_eq!(of("a"), ["a"]);
}

#[test]
fn required_words_are_whole_words_alone() {
    let of = |q: &str| match parse(q).expr {
        Expr::Term(term) => term.required_words().into_iter().map(str::to_owned).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(of("\"Signed in\""), ["signed", "in"]);
    assert_eq!(of("a-b*"), ["a"]);
    assert_eq!(of("a-*"), ["a"]);
    assert_eq!(of("~\"a b c\""), ["b"]);
    assert_eq!(of("~\" b c \""), ["b", "c"]);
    assert_eq!(of("~abc"), Vec::<String>::new());
    assert_eq!(of("source:abc"), Vec::<String>::new());
}

#[test]
fn long_repetitive_texts_are_searched_to_their_end() {
    let row = |message| RowView { source: "s", level: Level::Info, message, context: "", pattern: PatternId(0) };
    let long = "ab".repeat(500_000);
    for q in
        [format!("~{}c", "ab".repeat(2_000)), format!("{}a", "ab".repeat(2_000)), format!("~{}", "a".repeat(4_000))]
    {
        assert!(!parse(&q).matches(&row(&long), &unchanged));
    }
}

/// Texts of few different characters, so that they meet often: some fold into ASCII, some change their length.
fn texts() -> impl Strategy<Value = String> {
    let one = prop::sample::select("aAbBkKiI_1 -./é É ßİ\u{212a}ıſȺⱥ日語".chars().collect::<Vec<_>>());
    prop::collection::vec(one, 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn naive(text: &str, needle: &str, whole_start: bool, whole_end: bool) -> bool {
    let text: Vec<char> = text.chars().map(lower_char).collect();
    let needle: Vec<char> = needle.chars().collect();
    let (Some(&first), Some(&last)) = (needle.first(), needle.last()) else { return true };
    (0..text.len()).any(|at| {
        text[at..].starts_with(&needle)
            && !(whole_start && is_word(first) && at > 0 && is_word(text[at - 1]))
            && !(whole_end && is_word(last) && text.get(at + needle.len()).is_some_and(|c| is_word(*c)))
    })
}

fn naive_term(term: &Term, row: &RowView<'_>) -> bool {
    let lowered = |text: &str| text.chars().map(lower_char).collect::<String>();
    match term {
        Term::Phrase(needle) => naive(row.message, needle, true, true),
        Term::Prefix(needle) => naive(row.message, needle, true, false),
        Term::Substring(needle) => naive(row.message, needle, false, false),
        Term::Source { text, prefix: true } => lowered(row.source).starts_with(text.as_str()),
        Term::Source { text, prefix: false } => lowered(row.source) == *text,
        Term::Level(Op::Equal, level) => row.level == *level,
        Term::Level(Op::GreaterOrEqual, level) => row.level >= *level,
        Term::Context { path, op: Op::Equal, value } => {
            let json: serde_json::Value = serde_json::from_str(row.context).unwrap_or_default();
            let found = path.iter().try_fold(&json, |json, step| json.get(step));
            found.and_then(|v| v.as_str()).is_some_and(|text| lowered(text) == *value)
        }
        other => panic!("{other:?} is not generated"),
    }
}

fn naive_expr(expr: &Expr, row: &RowView<'_>) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|p| naive_expr(p, row)),
        Expr::Any(parts) => parts.iter().any(|p| naive_expr(p, row)),
        Expr::Not(inner) => !naive_expr(inner, row),
        Expr::Term(term) => naive_term(term, row),
    }
}

/// Queries as they are typed.
fn queries() -> impl Strategy<Value = String> {
    let quote = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let text = || texts().prop_filter("not empty", |t| !t.is_empty());
    let leaf = prop_oneof![
        4 => text().prop_map(quote),
        2 => text().prop_map(move |t| format!("{}*", quote(t))),
        2 => text().prop_map(move |t| format!("~{}", quote(t))),
        1 => text().prop_map(move |t| format!("source:{}", quote(t))),
        1 => text().prop_map(move |t| format!("source:{}*", quote(t))),
        1 => text().prop_map(move |t| format!("f:{}", quote(t))),
        1 => Just("level:warn".to_owned()),
        1 => Just("level:>=info".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|v| format!("({})", v.join(" "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|v| format!("({})", v.join(" or "))),
            inner.prop_map(|q| if q.starts_with('-') { q } else { format!("-{q}") }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_or_says_where_it_does_not(q in "[ab()\\-~*:\"<>=.\\\\ orORANDé,]{0,24}|\\PC{0,40}") {
        match Query::parse(&q) {
            Ok(query) => {
                let row = RowView { source: &q, level: Level::Warn, message: &q, context: "{}", pattern: PatternId(1) };
                query.matches(&row, &unchanged);
            }
            Err(error) => prop_assert!(error.at <= q.chars().count(), "{error}"),
        }
    }

    #[test]
    fn evaluation_equals_the_plain_one(q in queries(), message in texts(), source in texts(), field in texts()) {
        let context = serde_json::json!({ "e": "x", "f": field }).to_string();
        let query = Query::parse(&q).map_err(|e| TestCaseError::fail(format!("{q}: {e}")))?;
        for level in [Level::Info, Level::Warn] {
            let row = RowView { source: &source, level, message: &message, context: &context, pattern: PatternId(1) };
            prop_assert_eq!(query.matches(&row, &unchanged), naive_expr(&query.expr, &row), "{} {:?}", q, row);
        }
    }

    #[test]
    fn required_words_stand_in_whatever_matches(message in texts(), part in texts()) {
        let lowered = lower(&part).into_owned();
        for term in [Term::Phrase(lowered.clone()), Term::Prefix(lowered.clone()), Term::Substring(lowered.clone())] {
            let query = Query { expr: Expr::Term(term.clone()) };
            let row = RowView { source: "", level: Level::Info, message: &message, context: "", pattern: PatternId(1) };
            if query.matches(&row, &unchanged) {
                let all: BTreeSet<String> = words(&message).map(|w| w.into_owned()).collect();
                for word in term.required_words() {
                    prop_assert!(all.contains(word), "{:?} {} {}", term, word, message);
                }
            }
        }
    }
}

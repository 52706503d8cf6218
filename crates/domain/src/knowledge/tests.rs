use super::*;

fn knowledge() -> Knowledge {
    Knowledge::builtin().expect("the rules compile")
}

#[test]
fn every_example_finds_its_rule() {
    let knowledge = knowledge();
    let mut wrong = Vec::new();
    for rule in &knowledge.rules {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.name);
        for example in &rule.examples {
            let found = knowledge.rule(example).map(|rule| rule.name.as_str());
            if found != Some(rule.name.as_str()) {
                wrong.push(format!("{}: {example:?} finds {found:?}", rule.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_are_unique_and_hints_are_short() {
    let rules = knowledge().rules;
    for (i, rule) in rules.iter().enumerate() {
        assert!(rules[..i].iter().all(|other| other.name != rule.name), "{}", rule.name);
        assert!(rule.hint.len() <= 240, "{}", rule.name);
    }
}

#[test]
fn the_level_weighs() {
    let knowledge = knowledge();
    let at = |template, level| knowledge.assess(template, level).severity;
    assert_eq!(at("connect to <*> timed out", Level::Error), Severity::Medium);
    assert_eq!(at("connect to <*> timed out", Level::Warn), Severity::Low);
    assert_eq!(at("session timeout set to <*>", Level::Info), Severity::Info);
    assert_eq!(at("Out of memory: Killed process <*>", Level::Info), Severity::Critical);
    assert_eq!(at("blorp <*>", Level::Error), Severity::Medium);
    assert_eq!(at("blorp <*>", Level::Warn), Severity::Low);
    assert_eq!(at("blorp <*>", Level::Debug), Severity::Info);
}

#[test]
fn usual_lines_stay_quiet() {
    let knowledge = knowledge();
    for line in [
        "User signed in",
        "GET /orders/<*> 200 in <*> ms",
        "Received block <*> of size <*> from <*>",
        "cache hit for <*>",
        "payment <*> accepted",
        "checkout took <*> ms",
        "order <*> shipped to <*>",
    ] {
        let local = knowledge.assess(line, Level::Info);
        assert_eq!((local.severity, local.hint.as_str()), (Severity::Info, ""), "{line}: {local:?}");
        let local = knowledge.assess(line, Level::Error);
        assert_eq!(local.category, Category::Other, "{line}");
    }
}

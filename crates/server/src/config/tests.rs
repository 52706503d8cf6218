//! What stops the program, and in which words.

use super::*;
use std::collections::HashMap;

fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let map: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(None, |name| map.get(name).cloned())
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    let map: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(Some(file.path()), |name| map.get(name).cloned())
}

#[test]
fn defaults_are_the_contract() {
    let config = with(&[]).expect("defaults are valid");
    assert_eq!((config.port, config.http_port, config.ws_port, config.dashboard_port), (3001, 4000, 8080, 5173));
    assert_eq!(config.kafka_topic_raw, "logs.raw");
    assert!(config.whittle_bind.is_loopback());
}

#[test]
fn the_environment_goes_over_the_file() {
    let config = with_file("port = 1\nhttp_port = 2\n", &[("PORT", "9"), ("HTTP_PORT", "")]).expect("valid");
    assert_eq!((config.port, config.http_port), (9, 2));
}

#[test]
fn errors_name_the_key_and_the_fix() {
    let cases: [(Result<Config, ConfigError>, &str, &str); 10] = [
        (with(&[("PORT", "http")]), "PORT", "whole number"),
        (with(&[("PORT", "70000")]), "port", "u16"),
        (with(&[("WHITTLE_ALLOW_OPEN", "perhaps")]), "WHITTLE_ALLOW_OPEN", "1 or 0"),
        (with(&[("WHITTLE_BIND", "0.0.0.0")]), "WHITTLE_BIND", "WHITTLE_ALLOW_OPEN=1"),
        (with(&[("WHITTLE_SCRUB", "hash")]), "WHITTLE_SCRUB_KEY", "secret key"),
        (with(&[("OPENAI_API_KEY_FILE", "/does/not/exist")]), "OPENAI_API_KEY_FILE", "cannot be read"),
        (with(&[("HTTP_PORT", "3001")]), "HTTP_PORT", "also PORT"),
        (with(&[("CORS_ORIGINS", "example.com")]), "CORS_ORIGINS", "https://"),
        (with_file("[model]\nbatch = 9\n", &[]), "[model]", "give 1 to 8"),
        (with_file("prot = 1\n", &[]), "prot", "no such setting"),
    ];
    for (result, key, words) in cases {
        let error = result.err().unwrap_or_else(|| panic!("{key} is refused"));
        assert_eq!(error.key, key, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn a_secret_may_come_from_a_file() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "sk-1\n").expect("written");
    let path = file.path().to_str().expect("a path");
    assert_eq!(with(&[("OPENAI_API_KEY_FILE", path)]).expect("valid").openai_api_key.as_deref(), Some("sk-1"));
    let in_file = with_file(&format!("openai_api_key_file = \"{path}\"\n"), &[]).expect("valid");
    assert_eq!(in_file.openai_api_key.as_deref(), Some("sk-1"));
}

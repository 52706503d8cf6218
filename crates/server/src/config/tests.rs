//! What stops the program, and in which words.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::*;

fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let map: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(None, |name| map.get(name).map(OsString::from))
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    let map: HashMap<String, String> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(Some(file.path()), |name| map.get(name).map(OsString::from))
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

fn refused(result: Result<Config, ConfigError>, key: &str, words: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{key} is refused"));
    assert_eq!(error.key, key, "{error}");
    assert!(error.message.contains(words), "{error}");
}

#[test]
fn errors_name_the_key_and_the_fix() {
    for (key, value, words) in [
        ("PORT", "http", "whole number"),
        ("WHITTLE_ALLOW_OPEN", "perhaps", "1 or 0"),
        ("WHITTLE_BIND", "0.0.0.0", "WHITTLE_ALLOW_OPEN=1"),
        ("WHITTLE_RETENTION_DAYS", "0", "give 1 to"),
        ("WHITTLE_RETENTION_BYTES", "0", "give 1 to"),
        ("WHITTLE_MAX_LAG_RECORDS", "0", "give 1 to"),
        ("OPENAI_API_KEY_FILE", "/does/not/exist", "cannot be read"),
        ("OPENAI_API_KEY_FILE", "/dev/null", "is empty"),
        ("HTTP_PORT", "3001", "also PORT"),
        ("CORS_ORIGINS", "example.com", "https://"),
        ("CORS_ORIGINS", "https://a.example, https://b.example/app", "without a path"),
        ("KAFKA_TOPIC_RAW", "logs.dlq", "dead letters"),
        ("KAFKA_TOPIC_RAW", "../bus", "no name of a topic"),
        ("KAFKA_TOPIC_INSIGHTS", "logs.raw", "KAFKA_TOPIC_RAW"),
    ] {
        refused(with(&[(key, value)]), key, words);
    }
    refused(with(&[("PORT", "70000")]), "PORT", "whole number in that range");
    refused(with_file("port = '1'\n", &[]), "port", "without quotes");
    refused(with_file("port = 70000\n", &[("HTTP_PORT", "1")]), "port", "whole number in that range");
    refused(with_file("prot = 1\n", &[]), "prot", "no such setting");
    refused(with_file("[model]\nbach = 1\n", &[]), "model.bach", "no such setting");
}

#[test]
fn what_up_would_refuse_is_refused_here() {
    for (key, value, words) in [
        ("KAFKA_GROUP_PROTOCOL", "new", "variant"),
        ("KAFKA_PARTITIONS", "0", "give 1 to"),
        ("KAFKA_TOPIC_RAW", "logs.alerts", "alert engine"),
        ("POSTGRES_URL", "mysql://localhost/logs", "postgres://"),
        ("POSTGRES_URL", "postgres://localhost/logs?sslmode=maybe", "sslmode"),
        ("WHITTLE_LOG", "a=b=c", "tracing filter"),
        ("OPENAI_BASE_URL", "ftp://example.com", "https://api.openai.com/v1"),
        ("OPENAI_API_KEY", "sk-1\n2", "line ends"),
    ] {
        refused(with(&[(key, value)]), key, words);
    }
    refused(with(&[("WHITTLE_SCRUB", "hash")]), "WHITTLE_SCRUB_KEY", "secret key");
    refused(with(&[("WHITTLE_SCRUB", "hash"), ("WHITTLE_SCRUB_KEY", "short")]), "WHITTLE_SCRUB_KEY", "at least 16");
    let hook = "[[alerts.webhooks]]\nname = 'a'\nurl = 'ftp://example.com'\n";
    refused(with_file(hook, &[]), "[alerts]", "http://");
    refused(with_file("[alerts]\ngive_up_hours = 0\n", &[]), "[alerts]", "1 or more");
    refused(with_file("[model]\nbatch = 9\n", &[]), "[model]", "give 1 to 8");
    refused(with_file("[gateway]\nmax_clients = 0\n", &[]), "[gateway]", "max_clients");
}

#[test]
fn a_broken_file_is_named_by_its_line_and_shows_no_secret() {
    for text in [
        "port = 1\nopenai_api_key = sk-secret\n",
        "port = 1\nopenai_api_key = \"sk-secret\n",
        "port = 1\nopenai_api_key \"sk-secret\"\n",
    ] {
        let error = with_file(text, &[]).expect_err("not valid TOML").to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let error = with_file("openai_api_key = ['sk-secret']\n", &[]).expect_err("a list is no key").to_string();
    assert!(error.contains("openai_api_key") && !error.contains("sk-secret"), "{error}");
}

#[test]
fn a_variable_that_is_no_text_is_not_an_unset_one() {
    let error =
        load(None, |name| (name == "WHITTLE_LOG").then(|| OsString::from_vec(vec![0xff]))).expect_err("no text");
    assert_eq!(error.key, "WHITTLE_LOG");
    assert!(error.message.contains("UTF-8"), "{error}");
}

#[test]
fn settings_of_the_brokers_are_checked_by_those_who_use_them() {
    let brokers = ("KAFKA_BROKERS", "localhost:9092");
    assert!(with(&[brokers]).is_ok());
    refused(with(&[brokers, ("KAFKA_SECURITY_PROTOCOL", "tls")]), "KAFKA_SECURITY_PROTOCOL", "plaintext");
    let sasl = [brokers, ("KAFKA_SECURITY_PROTOCOL", "sasl_plaintext"), ("KAFKA_SASL_MECHANISM", "PLAIN")];
    refused(with(&sasl), "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD");
}

#[test]
fn settings_that_up_does_not_read_are_told() {
    assert_eq!(with(&[]).expect("valid").unused_by_up(), Vec::<&str>::new());
    let changed = with(&[("STORAGE_URL", "http://box:4000"), ("KAFKA_GROUP_PROTOCOL", "classic")]).expect("valid");
    assert_eq!(changed.unused_by_up(), ["STORAGE_URL", "KAFKA_GROUP_PROTOCOL"]);
}

#[test]
fn a_key_is_not_needed_on_loopback_alone() {
    let with_url = |url: &str| {
        let text = format!("openai_base_url = '{url}'\n[model]\nloopback_without_key = true\n");
        with_file(&text, &[]).expect("valid").asks_a_model()
    };
    assert!(with_url("http://127.0.0.1:11434/v1"));
    assert!(!with_url("https://api.example.com/v1"), "nobody is asked there without a key");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "sk-1\n").expect("written");
    let path = file.path().to_str().expect("a path");
    assert_eq!(with(&[("OPENAI_API_KEY_FILE", path)]).expect("valid").openai_api_key.as_deref(), Some("sk-1"));
    let in_file = with_file(&format!("openai_api_key_file = \"{path}\"\n"), &[]).expect("valid");
    assert_eq!(in_file.openai_api_key.as_deref(), Some("sk-1"));
    refused(with_file("openai_api_key_file = 5\n", &[]), "openai_api_key_file", "path of the file");
}

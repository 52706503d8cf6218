//! One program on one folder and one set of ports; whoever comes second is told why and what to do.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use whittle_testkit::{Server, Setup};

use crate::{ingestion, send, server, setup};

/// Time for a start that fails.
const FAIL: Duration = Duration::from_secs(20);

/// Starts a server that must end by itself, and gives what it said.
fn failing(setup: Setup) -> String {
    let mut server: Server = setup.spawn().expect("the binary runs");
    let status = server.wait_end(FAIL).expect("it ends by itself");
    let said = server.said();
    assert!(!status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_second_process_on_a_folder_is_told_so() {
    let first = server();
    let said = failing(setup().data_dir(first.data_dir()));
    let folder = first.data_dir().display().to_string();
    assert!(said.contains(&folder) && said.contains("WHITTLE_DATA_DIR"), "{said}");
    send(&mut ingestion(&first), "owner", "the first goes on");
}

#[test]
fn a_taken_port_names_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    for key in ["PORT", "HTTP_PORT", "WS_PORT", "DASHBOARD_PORT"] {
        let said = failing(setup().env(key, port));
        assert!(said.contains(key) && said.contains(&port.to_string()), "{key}: {said}");
    }
}

#[test]
fn bad_settings_name_the_key_and_the_fix() {
    for (setup, key) in [
        (setup().env("PORT", "abc"), "PORT"),
        (setup().env("WHITTLE_BIND", "0.0.0.0"), "WHITTLE_ALLOW_OPEN"),
        (setup().env("WHITTLE_MAX_RECORDS", "-1"), "WHITTLE_MAX_RECORDS"),
        (setup().env("WHITTLE_SCRUB", "sometimes"), "scrub"),
        (setup().config("whittle_data_dirr = '/tmp/x'"), "whittle_data_dirr"),
        (setup().config("port = "), "settings.toml"),
    ] {
        let said = failing(setup);
        assert!(said.to_lowercase().contains(&key.to_lowercase()), "{key}: {said}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let folder = file.path().join("data");
    let said = failing(setup().data_dir(&folder));
    assert!(said.contains(&folder.display().to_string()) && said.contains("WHITTLE_DATA_DIR"), "{said}");
}

/// What `whittle check-config` says of settings.
fn check(variables: &[(&str, &str)], file: &str) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("whittle.toml"), file).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_whittle"));
    command.arg("check-config").current_dir(home.path()).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

#[test]
fn check_config_refuses_what_up_does_not_take() {
    assert!(check(&[], "").status.success());
    for (variables, file, key) in [
        (&[("KAFKA_GROUP_PROTOCOL", "new")][..], "", "KAFKA_GROUP_PROTOCOL"),
        (&[("OPENAI_BASE_URL", "nowhere")], "", "OPENAI_BASE_URL"),
        (&[("WHITTLE_LOG", "a=b=c")], "", "WHITTLE_LOG"),
        (&[("WHITTLE_SCRUB", "hash"), ("WHITTLE_SCRUB_KEY", "short")], "", "WHITTLE_SCRUB_KEY"),
        (&[], "[alerts]\ngive_up_hours = 0\n", "give_up_hours"),
        (&[], "openai_api_key = \"sk-secret\n", "line 1"),
    ] {
        let output = check(variables, file);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(key), "{key}: {said}");
        assert!(!said.contains("sk-secret"), "{said}");
        let up = variables.iter().fold(setup().config(file), |setup, (key, value)| setup.env(key, value));
        let said = failing(up);
        assert!(said.contains(key) && !said.contains("sk-secret"), "{key}: {said}");
    }
}

#[test]
fn a_setting_that_does_nothing_is_told() {
    let server = setup().env("METRICS_PORT", 1).start().expect("the server starts");
    let said = server.said();
    assert!(said.contains("WARN") && said.contains("METRICS_PORT"), "{said}");
}

#[test]
fn paths_that_are_no_route_are_refused_in_words() {
    let server = server();
    for address in [server.ingestion(), server.storage(), server.gateway()] {
        let answer = server.connect(address).expect("it listens").get("/absent").expect("an answer");
        assert_eq!((answer.status, answer.json()["error"].as_str()), (404, Some("not_found")), "{}", answer.text());
    }
}

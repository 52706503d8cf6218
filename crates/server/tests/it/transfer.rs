//! `whittle export` and `whittle import`: a history goes into another one, also when both are broken off.

use std::process::{Command, Output};

use whittle_testkit::numbered::Numbered;
use whittle_testkit::{Postgres, Server, recent};

use crate::{VISIBLE, ingestion, setup, storage};

const ROWS: u64 = 5_000;

fn whittle(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whittle")).args(arguments).output().expect("it runs")
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn fill(server: &Server) {
    let mut connection = ingestion(server);
    for first in (0..ROWS).step_by(500) {
        let lines: Vec<String> = (first..first + 500)
            .map(|number| {
                let mut record = Numbered::new(number).to_json();
                if number % 100 == 0 {
                    record["level"] = "FATAL".into();
                }
                record.to_string()
            })
            .collect();
        let answer = connection.post("/ingest", "application/x-ndjson", lines.join("\n").as_bytes());
        assert_eq!(answer.expect("an answer").status, 202);
    }
    recent::wait_for(&mut storage(server), "", ROWS, VISIBLE).expect("all rows are visible");
}

/// Everything of a row that is carried over.
fn carried(server: &Server) -> Vec<String> {
    let rows = recent::all(&mut storage(server), "").expect("rows");
    let mut carried: Vec<String> = rows
        .iter()
        .map(|row| {
            let kept = ["source", "level", "levelText", "message", "timestamp", "context", "patternId"];
            kept.map(|name| row[name].to_string()).join(" ")
        })
        .collect();
    carried.sort_unstable();
    carried
}

#[test]
fn a_history_goes_into_another_one() {
    let from = setup().start().expect("the server starts");
    fill(&from);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.ndjson");
    let file = path.to_str().expect("a path");
    let (storage_url, until) = (format!("http://{}", from.storage()), folder.path().join("rows.ndjson.until"));
    let export = || whittle(&["export", file, "--url", &storage_url]);
    done(&export());
    assert!(!export().status.success(), "a whole file is not written over");
    let whole = std::fs::read(&path).expect("the file");
    // As after a power cut: half of it, broken within a row, and the anchor that it was begun with.
    std::fs::write(&path, &whole[..whole.len() / 2 + 7]).expect("cut");
    let anchor = storage(&from).get("/recent?limit=0").expect("an answer");
    std::fs::write(&until, anchor.header("x-until").expect("an anchor")).expect("written");
    done(&export());
    assert_eq!(std::fs::read(&path).expect("the file"), whole, "going on gives the same rows");

    // Into PostgreSQL where there is one, else into files.
    let postgres = Postgres::start("transfer").expect("PostgreSQL starts");
    let mut to = setup();
    if let Some(postgres) = &postgres {
        to = to.env("POSTGRES_URL", postgres.database().expect("a database"));
    }
    let to = to.start().expect("the server starts");
    let ingestion_url = format!("http://{}", to.ingestion());
    let import = |file: &str| whittle(&["import", file, "--url", &ingestion_url, "--patience", "30"]);
    // The first part, then the whole of it: what was sent is not sent again.
    let half = whole.iter().take(whole.len() / 2).rposition(|byte| *byte == b'\n').expect("rows") + 1;
    std::fs::write(&path, &whole[..half]).expect("written");
    done(&import(file));
    std::fs::write(&path, &whole).expect("written");
    done(&import(file));
    done(&import(file));
    recent::wait_for(&mut storage(&to), "", ROWS, VISIBLE).expect("all rows are there, once");
    assert_eq!(carried(&to), carried(&from));
    std::fs::write(folder.path().join("x"), "not a row\n").expect("written");
    let refused = import(folder.path().join("x").to_str().expect("a path"));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("byte 0"), "{refused:?}");
}

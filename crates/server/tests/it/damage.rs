//! Damage on the disk: found, contained, counted, and no reason not to start.

use std::path::{Path, PathBuf};

use whittle_testkit::load::request;
use whittle_testkit::numbered::{Numbered, query_of};
use whittle_testkit::{Response, recent};

use crate::{VISIBLE, ingestion, server, storage};

/// Requests sent, and records of each.
const REQUESTS: u64 = 60;
const RECORDS: u64 = 20;

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let inner = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flatten().flat_map(|entry| inner(entry.path())).collect()
}

/// The place of a record's message in the raw log.
fn find(data: &Path, number: u64) -> (PathBuf, usize) {
    let wanted = format!("record {number} says");
    let found =
        files(data).into_iter().filter(|path| path.extension().is_some_and(|end| end == "log")).find_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            let at = memchr::memmem::find(&bytes, wanted.as_bytes())?;
            Some((path, at))
        });
    found.unwrap_or_else(|| panic!("record {number} is in no segment of {}", data.display()))
}

#[test]
fn a_damaged_frame_costs_itself_alone() {
    let mut server = server();
    let mut connection = ingestion(&server);
    for batch in 0..REQUESTS {
        let mut response = Response::default();
        let first = batch * RECORDS;
        connection.exchange(&request(first..first + RECORDS), &mut response).expect("ingestion answers");
        assert_eq!(response.status, 202, "{}", response.text());
    }
    let all = REQUESTS * RECORDS;
    recent::wait_for(&mut storage(&server), "", all, VISIBLE).expect("all are visible");
    server.kill().expect("it runs");
    let (segment, at) = find(server.data_dir(), all / 2);
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[at + 3] ^= 0x20;
    std::fs::write(&segment, bytes).expect("a segment");
    // Without its history the server computes everything again from the raw log.
    std::fs::remove_dir_all(server.data_dir().join("history")).expect("a history");
    server.spawn().expect("it starts");
    server.wait_ready().expect("damage is no reason not to start");
    let rows = recent::all(&mut storage(&server), &query_of(0, all)).expect("the history is read");
    let numbers: Vec<u64> =
        rows.iter().filter_map(|row| Numbered::number_of(row["message"].as_str().unwrap_or_default())).collect();
    let lost = all - numbers.len() as u64;
    assert!((1..=RECORDS).contains(&lost), "one frame is lost, not {lost} records");
    for row in &rows {
        let number = Numbered::number_of(row["message"].as_str().unwrap_or_default()).expect("a number");
        assert!(Numbered::new(number).is(row), "record {number} came back changed");
    }
    crate::send(&mut ingestion(&server), "fresh", "a fresh write");
    recent::wait_for(&mut storage(&server), "source=fresh", 1, VISIBLE).expect("a fresh write gets through");
}

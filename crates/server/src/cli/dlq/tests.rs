//! Dead letters of an embedded bus: listed, shown, replayed.

use std::sync::Arc;
use std::time::Duration;

use whittle_bus::{Bus as _, Entry, SegmentBus};
use whittle_disk::OsDisk;

use super::*;

const RAW: &str = "logs.raw";

struct Post {
    bus: Arc<SegmentBus>,
    _dir: tempfile::TempDir,
}

/// A bus with two letters: one that is a record after all, and one that is none.
fn letters() -> Post {
    let dir = tempfile::tempdir().expect("a folder");
    let bus = SegmentBus::open(Arc::new(OsDisk), dir.path(), whittle_bus::Settings::default()).expect("opens");
    bus.ensure_topic(RAW, 1).expect("made");
    bus.ensure_topic(TOPIC, 1).expect("made");
    for (offset, body) in [("7", r#"{"source":"s","message":"m"}"#), ("9", "no record")] {
        let headers = [("topic", RAW), ("partition", "0"), ("offset", offset), ("reason", "it\u{1b}[31mpanicked")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.into())).to_vec();
        let (told, answer) = std::sync::mpsc::channel();
        let entry = Entry { partition: Some(0), headers, body: body.into(), count: 1, ..Entry::default() };
        bus.produce(TOPIC, entry, Box::new(move |result| drop(told.send(result))));
        answer.recv_timeout(Duration::from_secs(20)).expect("an answer in time").expect("durable");
    }
    Post { bus, _dir: dir }
}

fn run_on(letters: &Post, command: DlqCommand) -> (anyhow::Result<()>, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = on(&*letters.bus, &DlqArgs { command }, (RAW, false), &mut out, &mut err);
    (done, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

#[test]
fn letters_are_listed_with_their_reasons_and_shown_as_they_were() {
    let letters = letters();
    let (done, out, _) = run_on(&letters, DlqCommand::List { from: 0, limit: 10 });
    done.expect("lists");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("0\t") && lines[0].contains("logs.raw/0@7") && lines[0].ends_with("it [31mpanicked"));
    let (done, out, _) = run_on(&letters, DlqCommand::Show { number: 1 });
    done.expect("shows");
    assert_eq!(out, "no record");
    let (done, ..) = run_on(&letters, DlqCommand::Show { number: 5 });
    assert!(done.expect_err("there is none").to_string().contains("from 0 to 2"));
}

#[test]
fn what_is_a_record_goes_to_the_raw_log_once_by_all_and_the_rest_is_told() {
    let letters = letters();
    let (done, out, err) = run_on(&letters, DlqCommand::Replay { numbers: Vec::new(), all: true });
    assert!(done.expect_err("one is left").to_string().contains("1 of 2"));
    assert!(out.contains("0 is in logs.raw again") && err.contains("1 is left: it is no record"), "{out}{err}");
    assert_eq!(letters.bus.ends(RAW).expect("ends"), [1]);
    run_on(&letters, DlqCommand::Replay { numbers: Vec::new(), all: true }).0.expect("nothing is left to do");
    assert_eq!(letters.bus.ends(RAW).expect("ends"), [1]);
    run_on(&letters, DlqCommand::Replay { numbers: vec![0], all: false }).0.expect("by its number as often as wanted");
    assert_eq!(letters.bus.ends(RAW).expect("ends"), [2]);
}

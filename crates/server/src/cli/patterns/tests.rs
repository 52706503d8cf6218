use std::io::Write;

use super::*;

fn output(args: &PatternsArgs, stdin: &[u8]) -> String {
    let mut out = Vec::new();
    run(args, stdin, &mut out, Vec::new()).expect("runs");
    String::from_utf8(out).expect("text")
}

#[test]
fn patterns_come_most_frequent_first() {
    let text = output(&PatternsArgs::default(), b"a is 1\nit broke\na is 2\r\n");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((rows[0][0], rows[0][2]), ("2", "a is <*>"));
    assert_eq!((rows[1][0], rows[1][2]), ("1", "it broke"));
    assert!(rows.iter().all(|row| row[1].len() == 16));
}

#[test]
fn each_line_has_its_final_id_and_template() {
    let args = PatternsArgs { each: true, ..PatternsArgs::default() };
    let text = output(&args, b"user root left here\n\nuser admin left here\n\xff 12");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], lines[2], "the first line knows what only the third showed");
    assert!(lines[0].ends_with("\tuser <*> left here"));
    assert!(lines[1].ends_with('\t'), "an empty line has an empty template");
    assert!(lines[3].ends_with(" <*>"));
}

#[test]
fn json_carries_levels_and_times_with_headers() {
    let args = PatternsArgs { json: true, header: HeaderMode::Auto, ..PatternsArgs::default() };
    let text = output(
        &args,
        b"2026-01-01 00:00:01 ERROR took 1 s\n2026-01-01 00:00:02 WARN took 2 s\n<11>Jan  1 00:00:03 h app: took 3 s\n",
    );
    let row: serde_json::Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(row["count"], 3);
    assert_eq!(row["levels"], serde_json::json!({ "debug": 0, "info": 0, "warn": 1, "error": 2 }));
    assert_eq!((&row["firstTime"], &row["lastTime"]), (&"2026-01-01 00:00:01".into(), &"Jan  1 00:00:03".into()));
    assert_eq!(row["template"], "took <*> s");
}

#[test]
fn levels_and_times_of_lines_that_name_them_are_counted() {
    let args = PatternsArgs { json: true, header: HeaderMode::Auto, ..PatternsArgs::default() };
    let text = output(
        &args,
        br#"{"time":"2026-01-01T00:00:01Z","level":"error","msg":"lost 7 peers"}
{"time":"2026-01-01T00:00:02Z","level":"warn","msg":"lost 8 peers"}
time=2026-01-01T00:00:03Z level=warning msg="lost 9 peers"
"#,
    );
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("one object")).collect();
    assert_eq!(rows[0]["levels"], serde_json::json!({ "debug": 0, "info": 0, "warn": 1, "error": 1 }));
    assert_eq!((&rows[0]["firstTime"], &rows[0]["count"]), (&"2026-01-01T00:00:01Z".into(), &2.into()));
    assert_eq!((&rows[1]["levels"]["warn"], &rows[1]["template"]), (&1.into(), &r#"msg="lost <*> peers""#.into()));
}

#[test]
fn follow_streams_what_is_known_then() {
    let args = PatternsArgs { follow: true, json: true, ..PatternsArgs::default() };
    let text = output(&args, b"a is 1\na is 2\n");
    let new: Vec<bool> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json")["new"] == true)
        .collect();
    assert_eq!(new, [true, false]);
}

#[test]
fn files_are_read_in_order_and_a_missing_one_is_named() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(b"from a file 1\n").expect("written");
    let files = vec![file.path().to_owned(), "-".into()];
    let args = PatternsArgs { each: true, files, ..PatternsArgs::default() };
    let text = output(&args, b"from a pipe 1\n");
    assert!(text.lines().next().is_some_and(|line| line.ends_with("from a file <*>")));
    let args = PatternsArgs { files: vec!["/nonexistent/x".into()], ..PatternsArgs::default() };
    let error = run(&args, &b""[..], Vec::new(), Vec::new()).expect_err("no such file");
    assert!(format!("{error:#}").contains("/nonexistent/x"));
}

#[test]
fn a_line_without_end_is_cut_and_the_next_is_whole() {
    let mut input = vec![b'x'; 3 << 20];
    input.extend(b"\nnext 1\n");
    let text = output(&PatternsArgs { each: true, ..PatternsArgs::default() }, &input);
    assert!(text.lines().nth(1).is_some_and(|line| line.ends_with("next <*>")));
}

/// Refuses everything, as a pipe does whose reader is gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [
        PatternsArgs::default(),
        PatternsArgs { each: true, ..PatternsArgs::default() },
        PatternsArgs { follow: true, ..PatternsArgs::default() },
    ] {
        assert!(run(&args, &b"a 1\n"[..], Closed, Vec::new()).is_ok());
    }
}

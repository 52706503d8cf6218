use proptest::prelude::*;

use super::*;

/// The line with its variables in angle brackets.
fn marked(line: &str) -> String {
    let (mut vars, mut out, mut done) = (Vec::new(), String::new(), 0);
    Scanner::new().scan(line, &mut vars);
    for var in vars {
        out += &format!("{}<{}>", &line[done..var.start as usize], &line[var.range()]);
        done = var.end();
    }
    out + &line[done..]
}

/// Each rule with the line it exists for.
#[test]
fn variables_by_the_look_of_a_word() {
    let cases = [
        ("took 17 ms of 3.5", "took <17> ms of <3.5>"),
        ("left -27 cores", "left <-27> cores"),
        ("timeout of 10000ms exceeded", "timeout of <10000ms> exceeded"),
        ("session 0x14f05578bd8001b", "session <0x14f05578bd8001b>"),
        ("block blk_-388 of blk_388", "block blk_<-388> of blk_<388>"),
        ("attempt_1445_0020_m_000_0 done", "attempt_<1445_0020_m_000_0> done"),
        ("commit deadbeef42 by x", "commit <deadbeef42> by x"),
        ("protocol ssh2 and eth0 stay", "protocol ssh2 and eth0 stay"),
        ("node4711 is down", "node<4711> is down"),
        ("release v2 and jetty-6.1.26", "release <v2> and jetty-<6.1.26>"),
        ("for job_1445.", "for job_<1445>."),
        ("at 12:34:56,789 on 2024-01-02T03:04:05Z", "at <12:34:56,789> on <2024-01-02T03:04:05Z>"),
        (
            "from 10.0.0.1:5010 to fe80::1ff:fe23 mac a4:5e:60:c1:aa:bb",
            "from <10.0.0.1:5010> to <fe80::1ff:fe23> mac <a4:5e:60:c1:aa:bb>",
        ),
        ("open proxy.example.co.uk:5070 now", "open <proxy.example.co.uk:5070> now"),
        ("mail to jane.doe@example.org sent", "mail to <jane.doe@example.org> sent"),
        ("bounce from <emma62@uni.example>: full", "bounce from <<emma62@uni.example>>: full"),
        ("left at ann@desk.office today", "left at <ann@desk.office> today"),
        ("connect to web1.initech.example now", "connect to <web1.initech.example> now"),
        ("class com.example.net and org.acme.com", "class com.example.net and org.acme.com"),
        ("Old: db-main-41/10.1.2.3:8030 New: db-main:8030", "Old: <db-main-41/10.1.2.3:8030> New: <db-main:8030>"),
        ("at Main.java:42 in x.c:7", "at Main.java:<42> in x.c:<7>"),
        ("steps:80 left", "steps:<80> left"),
        ("read /var/log/a.log: not found", "read </var/log/a.log>: not found"),
        ("from /10.251.91.84:50010.", "from </10.251.91.84:50010>."),
        (r"copy C:\Users\x\y.txt to \\srv\share", r"copy <C:\Users\x\y.txt> to <\\srv\share>"),
        ("GET https://a.b/c?d=e&f=1, then", "GET https://<a.b/c?d=e&f=1>, then"),
        ("id 70293f72-844a-4b39-9ad6-fb0ad7e364e4", "id <70293f72-844a-4b39-9ad6-fb0ad7e364e4>"),
        ("id aabbccdd-eeff-abcd-abcd-fb0ad7e364e4", "id <aabbccdd-eeff-abcd-abcd-fb0ad7e364e4>"),
        ("values 1,2,3 and 4##5", "values <1,2,3> and <4##5>"),
        ("no and/or n/a variables here...", "no and/or n/a variables here..."),
        ("größe äöü7 ok", "größe äöü7 ok"),
        ("", ""),
    ];
    for (line, expected) in cases {
        assert_eq!(marked(line), expected);
    }
}

#[test]
fn of_a_stack_trace_the_first_line_and_the_innermost_cause_are_read() {
    let trace = "Job 7 failed\n\tat a.B.c(B.java:1)\nCaused by: X: 1\n\tat d\nCaused by: Y: disk 9 full\n\tat e\n";
    assert_eq!(
        marked(trace),
        "Job <7> failed<\n\tat a.B.c(B.java:1)\nCaused by: X: 1\n\tat d\n>Caused by: Y: disk <9> full<\n\tat e\n>"
    );
    assert_eq!(
        marked("Traceback (most recent call last):\n  File \"a.py\", line 7\n    x()\nKeyError: 'user_7'\n"),
        "Traceback (most recent call last):<\n  File \"a.py\", line 7\n    x()\n>KeyError: 'user_<7>'<\n>"
    );
    assert_eq!(
        marked("A.Err: no 7\n ---> B.Err: disk 9 full\n   at C.D()\n   --- End"),
        "A.Err: no <7\n> ---> B.Err: disk <9> full<\n   at C.D()\n   --- End>"
    );
    assert_eq!(marked("a 1 b\n"), "a <1> b\n");
    assert_eq!(marked("a 1\r\nb 2"), "a <1\r\nb 2>");
}

#[test]
fn of_a_json_record_the_message_is_read() {
    assert_eq!(
        marked(r#"{"ts":1,"msg":"took 5 s","x":{"a":[1,"}"]}}"#),
        r#"<{"ts":1,"msg":">took <5> s<","x":{"a":[1,"}"]}}>"#
    );
    assert_eq!(marked(r#"{"log":"a","message":"b\"c"}"#), r#"<{"log":"a","message":">b\"c<"}>"#);
    assert_eq!(marked("{not json 1}"), "{not json <1>}");
}

#[test]
fn long_lines_end_in_one_variable() {
    let line = "word ".repeat(300_000);
    let mut vars = Vec::new();
    Scanner::new().scan(&line, &mut vars);
    assert_eq!(vars.len(), 1);
    assert!(vars[0].start as usize <= MAX_SCAN && vars[0].end() == line.len());
    let numbers = "1 ".repeat(MAX_VARS * 2);
    vars.clear();
    Scanner::new().scan(&numbers, &mut vars);
    assert_eq!((vars.len(), vars[MAX_VARS - 1].end()), (MAX_VARS, numbers.len()));
}

/// What every scan promises, on any bytes: in order, apart, not empty, between characters, the same by both engines.
fn check(line: &[u8]) {
    let (mut vars, mut other) = (Vec::new(), Vec::new());
    Scanner::with_engine(Engine::Table).scan_bytes(line, &mut vars);
    Scanner::new().scan_bytes(line, &mut other);
    assert_eq!(vars, other);
    assert!(vars.len() <= MAX_VARS);
    let mut done = None;
    for var in &vars {
        assert!(var.len > 0 && var.end() <= line.len(), "{vars:?}");
        assert!(done.is_none_or(|done| var.start as usize > done), "touching: {vars:?}");
        done = Some(var.end());
        if let Ok(text) = std::str::from_utf8(line) {
            assert!(text.is_char_boundary(var.start as usize) && text.is_char_boundary(var.end()));
        }
    }
}

proptest! {
    #[test]
    fn any_text_scans(line in ".{0,300}") {
        check(line.as_bytes());
    }

    #[test]
    fn any_bytes_scan(line in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&line);
    }

    #[test]
    fn text_like_logs_scans(line in r#"([a-z]{0,4}|[0-9a-f:]{1,9}|[/\\:.,#@=_+\-]|[ \n\t{}"'()<>]|é|Caused by: |:\d|//|::){0,40}"#) {
        check(line.as_bytes());
    }

    #[test]
    fn long_text_scans(line in r"([a-zé]{1,9}|[0-9.:/]{1,5}|\s){900,1100}") {
        check(line.as_bytes());
    }
}

use proptest::prelude::*;

use super::*;

/// Line, then time, level, source, message (`-`: none).
const CASES: [[&str; 5]; 32] = [
    ["Nov 24 16:40:31 db1 sshd[24200]: Invalid user x", "Nov 24 16:40:31", "-", "sshd", "Invalid user x"],
    ["Nov  4 16:40:31 db1 kernel: usb 1-1 gone", "Nov  4 16:40:31", "-", "kernel", "usb 1-1 gone"],
    ["<34>Oct 11 22:14:15 host su: 'su root' failed", "Oct 11 22:14:15", "34", "su", "'su root' failed"],
    [
        "<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 [a@1 b=\"c\"] An event",
        "2003-10-11T22:14:15.003Z",
        "165",
        "app",
        "An event",
    ],
    ["<13>1 - - - - - - hello", "-", "13", "-", "hello"],
    ["I1124 16:40:31.123456   12345 server.go:123] Listening", "1124 16:40:31.123456", "I", "server.go", "Listening"],
    ["2026-11-24T16:40:31.123Z ERROR it broke", "2026-11-24T16:40:31.123Z", "ERROR", "-", "it broke"],
    [
        "2015-10-17 15:37:56,547 INFO [main] org.a.b.Foo: Created it",
        "2015-10-17 15:37:56,547",
        "INFO",
        "org.a.b.Foo",
        "Created it",
    ],
    [
        "2015-07-29 17:41:44,747 - INFO  [Q:1@774] - Notification time out: 3",
        "2015-07-29 17:41:44,747",
        "INFO",
        "-",
        "Notification time out: 3",
    ],
    ["2026-11-24 16:40:31.5 WARN a.b.Pool - slow: 3 s", "2026-11-24 16:40:31.5", "WARN", "a.b.Pool", "slow: 3 s"],
    ["2026-11-24 16:40:31 +0000 [warn]: late", "2026-11-24 16:40:31 +0000", "warn", "-", "late"],
    ["2026-11-24T16:40:31+01:00 host app[7]: ok then", "2026-11-24T16:40:31+01:00", "-", "app", "ok then"],
    [
        "2026/11/24 16:40:31 [error] 12#0: *5 open() failed",
        "2026/11/24 16:40:31",
        "error",
        "-",
        "12#0: *5 open() failed",
    ],
    ["[Sun Dec 04 04:47:44 2005] [error] mod_jk in error", "Sun Dec 04 04:47:44 2005", "error", "-", "mod_jk in error"],
    [
        "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35:tid 43] [client 1.2.3.4] no file",
        "Fri Sep 09 10:42:29.902022 2011",
        "error",
        "core",
        "[client 1.2.3.4] no file",
    ],
    [
        "17/06/09 20:10:40 INFO executor.Backend: Registered",
        "17/06/09 20:10:40",
        "INFO",
        "executor.Backend",
        "Registered",
    ],
    ["081109 203615 148 INFO dfs.DataNode$X: Received", "081109 203615", "INFO", "dfs.DataNode$X", "Received"],
    ["03-17 16:13:38.811  1702  2395 D WindowManager: print", "03-17 16:13:38.811", "D", "WindowManager", "print"],
    ["20171223-22:15:29:606|Step|3|on", "20171223-22:15:29:606", "-", "-", "Step|3|on"],
    ["16:40:31.5 [main] DEBUG a.B - x", "16:40:31.5", "-", "-", "[main] DEBUG a.B - x"],
    ["ERROR: no such table", "-", "ERROR", "-", "no such table"],
    ["[WARN ] db: slow", "-", "WARN", "db", "slow"],
    ["INFO:root:hello", "-", "INFO", "root", "hello"],
    ["error in the engine", "-", "-", "-", "error in the engine"],
    ["A plain line: with 12:34", "-", "-", "-", "A plain line: with 12:34"],
    [
        "1.2.3.4 - - [24/Nov/2026:16:40:31 +0000] \"GET / HTTP/1.1\" 200",
        "-",
        "-",
        "-",
        "1.2.3.4 - - [24/Nov/2026:16:40:31 +0000] \"GET / HTTP/1.1\" 200",
    ],
    ["", "-", "-", "-", ""],
    [
        "time=\"2026-11-24T16:40:31Z\" level=warning logger=db msg=\"slow: 3 s\"",
        "2026-11-24T16:40:31Z",
        "warning",
        "db",
        "msg=\"slow: 3 s\"",
    ],
    [
        "ts=2026-11-24T16:40:31Z caller=a.go:7 level=info x=1",
        "2026-11-24T16:40:31Z",
        "info",
        "-",
        "caller=a.go:7 level=info x=1",
    ],
    ["level=7 user=root", "-", "-", "-", "level=7 user=root"],
    [
        r#"{"ts":1,"level":"error","time":"2026-11-24T16:40:31Z","msg":"it broke"}"#,
        "2026-11-24T16:40:31Z",
        "error",
        "-",
        r#"{"ts":1,"level":"error","time":"2026-11-24T16:40:31Z","msg":"it broke"}"#,
    ],
    [r#"{"level":"loud"}"#, "-", "-", "-", r#"{"level":"loud"}"#],
];

#[test]
fn common_formats_are_recognised() {
    for [line, time, level, source, message] in CASES {
        let given = |part: &'static str| (part != "-").then_some(part);
        let expected = Header { time: given(time), level: given(level), source: given(source), message };
        assert_eq!(parse_header(line), expected, "{line}");
    }
}

proptest! {
    /// Whatever is recognised, the message is the end of the line.
    #[test]
    fn the_message_is_always_the_end_of_the_line(line in prop_oneof![
        ".{0,80}",
        r#"(<\d{1,4}>|\[|Nov 24 |\d{4}-\d\d-\d\d |\d\d:\d\d:\d\d|INFO|E|é|level=|ts=|\{"level":"|"\}|"| |: |\]|\[a\]|- |1 ){0,12}"#,
    ]) {
        let header = parse_header(&line);
        prop_assert!(line.ends_with(header.message));
        for part in [header.time, header.level, header.source].into_iter().flatten() {
            prop_assert!(line.contains(part));
        }
    }
}

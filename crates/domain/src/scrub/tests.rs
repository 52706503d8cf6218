//! Canaries of each kind, lines that must stay as they are, and what is promised of hashes and JSON.

use proptest::prelude::*;

use super::*;

fn mask() -> Scrubber {
    Scrubber::mask_of(Classes::ALL).expect("the expressions compile")
}

/// Texts with a canary, the canary, and the text as it is shown.
const CANARIES: &[(&str, &str, &str)] = &[
    ("id AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE", "id <token> used"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr", "aws_secret_access_key = <secret>"),
    ("push ghp_0123456789abcdefghijABCDEFGHIJ012345!", "ghp_", "push <token>!"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "11ABC", "<token>"),
    ("slack xoxb-123456789012-abcdefGHIJKL done", "xoxb", "slack <token> done"),
    ("POST https://hooks.slack.com/services/T000/B000/XXXXXXXX", "T000", "POST https://<token>"),
    ("stripe sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39", "stripe <token>"),
    ("openai sk-proj-abcdefghij0123456789ABCDEFGH", "proj", "openai <token>"),
    ("key AIzaSyA-0123456789abcdefghijklmnopqrstu", "AIza", "key <token>"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl.", "eyJ", "jwt <token>"),
    ("Authorization: Bearer abc.def", "abc.def", "Authorization: Bearer <secret>"),
    ("authorization=Basic dXNlcjpwYXNz", "dXNl", "authorization=Basic <secret>"),
    ("\"authorization\": \"Digest username=\\\"bob\\\", response=1\" x", "bob", "\"authorization\": \"<secret>\" x"),
    (
        "Authorization: AWS4-HMAC-SHA256 Credential=AK/2015, Signature=fe5f80\nnext",
        "fe5f80",
        "Authorization: AWS4-HMAC-SHA256 <secret>\nnext",
    ),
    ("curl -H 'Bearer 0123456789abcdef'", "0123456789abcdef", "curl -H 'Bearer <token>'"),
    ("Cookie: sid=31d4d96e407aad42; theme=dark", "31d4", "Cookie: <secret>"),
    ("password=hunter2 ok", "hunter2", "password=<secret> ok"),
    ("DB_PASSWORD: 'two words' ok", "words", "DB_PASSWORD: '<secret>' ok"),
    ("{\"clientSecret\":\"a\\\"b\",\"n\":1}", "a\\\"b", "{\"clientSecret\":\"<secret>\",\"n\":1}"),
    (
        "body {\\\"password\\\":\\\"hunter2\\\",\\\"n\\\":1}",
        "hunter2",
        "body {\\\"password\\\":\\\"<secret>\\\",\\\"n\\\":1}",
    ),
    ("(token=abc123)", "abc123", "(token=<secret>)"),
    ("login --api-key hunter2 --verbose", "hunter2", "login --api-key <secret> --verbose"),
    ("Server=db;User Id=sa;Password=p@ss/1;Encrypt=no", "p@ss", "Server=db;User Id=sa;Password=<secret>;Encrypt=no"),
    ("GET /cb?code=s3cr3t&state=1", "s3cr3t", "GET /cb?code=<secret>&state=1"),
    ("GET /x?access_token=s3cr3t&a=1", "s3cr3t", "GET /x?access_token=<secret>&a=1"),
    ("postgres://app:p@ss:w0rd@db:5432/shop", "w0rd", "postgres://app:<secret>@db:5432/shop"),
    ("mysql://app:hunter2@db.example.com/shop", "hunter2", "mysql://app:<secret>@db.example.com/shop"),
    ("see https://a.very.long.name.indeed@example.com/", "very", "see https://<email>/"),
    ("see https://bob@example.com/", "bob", "see https://<email>/"),
    ("redis://:hunter2@10.1.2.3:6379", "hunter2", "redis://:<secret>@<ip>:6379"),
    (
        "clone https://0123456789abcdef0123@github.com/a/b",
        "0123456789abcdef0123",
        "clone https://<token>@github.com/a/b",
    ),
    (
        "key -----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY----- end",
        "MIIEow",
        "key <private-key> end",
    ),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXkt", "b3Bl", "<private-key>"),
    ("paid with 4111 1111 1111 1111 today", "4111", "paid with <card> today"),
    ("card=5555555555554444,ok", "5555", "card=<card>,ok"),
    ("amex 3782-822463-10005", "822463", "amex <card>"),
    ("4111 1111 1111 1111 2025", "4111", "<card> 2025"),
    ("to DE89 3704 0044 0532 0130 00 PAID", "3704", "to <iban> PAID"),
    ("GB82WEST12345698765432", "WEST", "<iban>"),
    ("sent to Jürgen.O+x@mail.example.co.uk.", "rgen", "sent to <email>."),
    ("GET /u?e=bob%40example.com", "bob", "GET /u?e=<email>"),
    ("call +49 (0)30 1234567 now", "1234567", "call <phone> now"),
    ("call (555) 234-5678 or 555-234-5678", "5678", "call <phone> or <phone>"),
    ("from 203.0.113.7:443", "203.0", "from <ip>:443"),
    ("from 203.0.113.7.", "203.0", "from <ip>."),
    ("from [2001:db8::8a2e:370:7334]:443", "8a2e", "from [<ip>]:443"),
    ("peer ::ffff:192.0.2.128, fe80::1%eth0", "192.0", "peer <ip>, <ip>%eth0"),
];

/// Lines that hold nothing of the kind, however close they come.
const INNOCENT: &[&str] = &[
    "GET /orders/17 200 512 3456 in 12 ms",
    "block blk_-1608999687919862906 of size 67108864",
    "took 1764533400000 ns at 2025-11-30T20:10:00+0100 and 12:30:45",
    "REPORT : 7024 5015 150454 240",
    "[akka.tcp://sparkExecutorActorSystem@mesos-slave-07:55904]",
    "order 4111111111111112 and 1234567890123456",
    "uuid 550e8400-e29b-41d4-a716-446655440000",
    "version 1.2.3 of 10.0, mask 255.255.255.0 on 127.0.0.1 and ::1",
    "std::io::Error at a::b and Abc::dead",
    "Bearer authentication failed, basic Authentication needed",
    "the token expired; invalid password for user",
    "max_tokens=200 tokens: 17 token_count=5 password_changed_at=2024",
    "password=<*> token=\"\" secret=null api_key=<secret:0123456789ab>",
    "root@server1 logged in, see a@b",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "DE89 something, GB82WEST12345698765431",
    "bypass=true compass=north",
    "+1 for this, 5+12345678 bytes",
];

#[test]
fn canaries_are_gone() {
    let scrubber = mask();
    for (text, canary, shown) in CANARIES {
        let scrubbed = scrubber.scrub(text);
        assert_eq!(scrubbed, *shown, "{text}");
        assert!(!scrubbed.contains(canary), "{text}");
        assert_eq!(scrubber.scrub(&scrubbed), scrubbed, "scrubbing twice is scrubbing once");
    }
}

#[test]
fn innocent_lines_stay() {
    let scrubber = mask();
    for text in INNOCENT {
        assert!(matches!(scrubber.scrub(text), Cow::Borrowed(_)), "{text} -> {}", scrubber.scrub(text));
    }
}

#[test]
fn canaries_are_gone_from_json_in_any_place_and_with_any_escapes() {
    let scrubber = mask();
    for (text, canary, _) in CANARIES {
        let quoted = serde_json::Value::from(*text).to_string();
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for json in [
            format!("{{\"a\":{quoted}}}"),
            format!("{{\"a\":[1,{{\"b\":{quoted}}}]}}"),
            format!("{{{quoted}:1}}"),
            format!("{{\"a\":\"{escaped}\"}}"),
        ] {
            let scrubbed = scrubber.scrub_json(&json);
            let value: serde_json::Value =
                serde_json::from_str(&scrubbed).unwrap_or_else(|e| panic!("{scrubbed}: {e}"));
            let shown = serde_json::to_string(&value).expect("shown");
            assert!(!shown.contains(canary) && !scrubbed.contains(canary), "{json} -> {scrubbed}");
        }
    }
}

#[test]
fn values_under_secret_names_go_whole_and_the_rest_stays_as_written() {
    let scrubber = mask();
    for (json, shown) in [
        (r#"{"password":"x","n":1.50, "e":1e3}"#, r#"{"password":"<secret>","n":1.50, "e":1e3}"#),
        (r#"{"Authorization" : "anything at all"}"#, r#"{"Authorization" : "<secret>"}"#),
        ("{\"x-api-key\" \n:\t [1,\"]\"]}", "{\"x-api-key\" \n:\t \"<secret>\"}"),
        (r#"{"access token":{"a":{"b":"}"}},"z":0}"#, r#"{"access token":"<secret>","z":0}"#),
        (r#"{"pin":1,"db":{"pwd":12345}}"#, r#"{"pin":1,"db":{"pwd":"<secret>"}}"#),
        (r#"{"pass\u0077ord":"x"}"#, r#"{"pass\u0077ord":"<secret>"}"#),
        (r#"{"token":null,"secret":true,"passwd":""}"#, r#"{"token":null,"secret":true,"passwd":""}"#),
        (r#"{"card":4111111111111111}"#, r#"{"card":"<card>"}"#),
        (r#"{"tokens":17,"tokenizer":"x","é":"\n"}"#, r#"{"tokens":17,"tokenizer":"x","é":"\n"}"#),
        ("", ""),
        ("{\"cut\":\"off\\", "{\"cut\":\"off\\"),
    ] {
        assert_eq!(scrubber.scrub_json(json), shown, "{json}");
        assert_eq!(scrubber.scrub_json(shown), shown, "{json}");
    }
}

#[test]
fn equal_values_have_equal_hashes_and_only_with_the_key() {
    let scrubber = Scrubber::hash(b"0123456789abcdef").expect("a key");
    let other = Scrubber::hash(b"0123456789abcdeX").expect("a key");
    let hashed = scrubber.scrub("from bob@example.com to Bob@Example.com").into_owned();
    let parts: Vec<&str> = hashed.split(' ').collect();
    assert_eq!(parts[1], parts[3], "{hashed}");
    assert!(parts[1].starts_with("<email:") && parts[1].len() == "<email:0123456789ab>".len(), "{hashed}");
    assert_ne!(other.scrub("from bob@example.com"), scrubber.scrub("from bob@example.com"));
    assert_ne!(scrubber.scrub("amy@example.com"), scrubber.scrub("bob@example.com"));
    assert_eq!(scrubber.scrub("4111 1111 1111 1111"), scrubber.scrub("4111111111111111"));
    assert_eq!(scrubber.scrub(&hashed), hashed);
    assert!(matches!(Scrubber::hash(b"short"), Err(ScrubError::ShortKey(5))));
}

#[test]
fn classes_are_switches() {
    let usual = Scrubber::mask().expect("compiles");
    assert_eq!(usual.scrub("bob@example.com from 203.0.113.7"), "<email> from 203.0.113.7");
    let none = Classes { accounts: false, email: false, phone: false, ipv4: false, ipv6: false };
    let secrets = Scrubber::mask_of(none).expect("compiles");
    let text = "bob@example.com 4111111111111111 +49 30 1234567 password=x";
    assert_eq!(secrets.scrub(text), "bob@example.com 4111111111111111 +49 30 1234567 password=<secret>");
}

#[test]
fn every_secret_name_is_seen_by_the_first_look() {
    let scrubber = mask();
    for name in ["password", "db.pass", "X-Api-Key", "ssn", "access.key", "SECRET KEY", "session-id", "passwordHash"] {
        assert!(Scrubber::is_secret_name(name), "{name}");
        let json = format!("{{\"{name}\":\"abc\"}}");
        assert!(!scrubber.scrub_json(&json).contains("abc"), "{name}");
    }
    for name in ["tokens", "bypass", "author", "passport", "secretary", "keyboard", "monkey"] {
        assert!(!Scrubber::is_secret_name(name), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_canary_is_gone_whatever_stands_around(index in 0..CANARIES.len(), before in "[ -~éß\n]{0,12}", after in "[ -~éß\n]{0,12}") {
        let (text, canary, _) = CANARIES[index];
        let scrubber = mask_once();
        let whole = format!("{before} {text} {after}");
        let (from, to) = (before.len() + 1, before.len() + 1 + text.len());
        let scrubbed = scrubber.scrub(&whole);
        prop_assume!(!before.contains(canary) && !after.contains(canary));
        // An odd quote or name before it may take the canary along, but nothing may leave it.
        prop_assert!(from < to && !scrubbed.contains(canary), "{whole:?} -> {scrubbed:?}");
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,80}|[A-Za-z0-9@:/=\"'\\\\+. <>{}-]{0,80}") {
        let scrubber = mask_once();
        let scrubbed = scrubber.scrub(&text).into_owned();
        scrubber.scrub_json(&text);
        prop_assert!(scrubbed.len() <= text.len() * 16);
    }
}

fn mask_once() -> Scrubber {
    static ONCE: std::sync::LazyLock<Scrubber> = std::sync::LazyLock::new(mask);
    ONCE.clone()
}

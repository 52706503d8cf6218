//! What clients are sent: plain frames, hostile text, filters, batches.

use super::*;

#[tokio::test]
async fn a_plain_client_gets_each_event_as_one_message_and_nothing_else() {
    let served = Served::usual().await;
    served.publish(&lines(0..3));
    let mut viewer = served.connect("/").await;
    let mut other = served.connect("/ws?token=of-a-proxy").await;
    let mut warned = line(3);
    (warned.level, warned.context) = (Level::Error, r#"{"userId":"123"}"#.into());
    served.publish(&[warned]);
    let expected = concat!(
        r#"{"topic":"logs.insights","payload":{"source":"app","level":"error","message":"event 3","#,
        r#""timestamp":"2025-11-30T20:10:00.000Z","insight":{"summary":"analysis_failed","confidence":0,"#,
        r#""status":"no_key","severity":"high","category":"other"},"context":{"userId":"123"},"#,
        r#""receivedAt":"2025-11-30T20:10:00.123456Z","seq":"0-3","patternId":"0000000000000001","#,
        r#""eventId":"01900000-0000-7000-8000-000000000003"}}"#,
    );
    // The first message is the first event after the upgrade: no greeting, and no replay of what was before.
    assert_eq!(viewer.text().await, expected);
    assert_eq!(other.text().await, expected);
    served.publish(&lines(4..1000));
    assert_eq!(viewer.seqs(996).await, seqs(4..1000));
    assert_eq!(other.seqs(996).await, seqs(4..1000));
}

#[tokio::test]
async fn hostile_text_comes_as_it_was_sent() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    let mut batched = served.connect("/?batchMs=0").await;
    batched.of_topic("whittle.subscribed").await;
    let mut all: String = (0..0x300).filter_map(char::from_u32).collect();
    all.push_str("\u{2028}\u{2029}\u{202e}\u{2066}\u{feff}\u{ffff}\u{1f600}\\\"</script>\\u0000");
    let mut hostile = line(0);
    (hostile.message, hostile.source) = (all.clone(), "a\0\"\\\n\u{202e}b".into());
    hostile.context = r#"{"k":"\u0000\ud83d\ude00"}"#.into();
    served.publish(std::slice::from_ref(&hostile));
    for viewer in [&mut viewer, &mut batched] {
        let event = &viewer.events(1).await[0];
        assert_eq!(event["message"], all.as_str());
        assert_eq!(event["source"], hostile.source.as_str());
        assert_eq!(event["context"]["k"], "\0\u{1f600}");
    }
}

#[tokio::test]
async fn every_length_of_a_frame_is_framed() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    let lengths = [0, 1, 60_000, 65_000, 66_000, 1 << 20];
    let mut long = lines(0..lengths.len() as u64);
    for (line, length) in long.iter_mut().zip(lengths) {
        line.message = "\u{1}".repeat(length);
    }
    served.publish(&long);
    for length in lengths {
        assert_eq!(viewer.events(1).await[0]["message"].as_str().unwrap().len(), length);
    }
}

/// Six events that differ in what filters look at.
fn mixed() -> Vec<Line> {
    let mut mixed = lines(0..6);
    for (line, level) in mixed.iter_mut().zip(Level::ALL) {
        line.level = level;
    }
    (mixed[1].source, mixed[4].source) = ("pay".into(), "pay".into());
    (mixed[2].pattern, mixed[3].pattern) = (7, 107);
    mixed[5].message = "card declined by bank".into();
    mixed[4].context = r#"{"user":"kim"}"#.into();
    mixed
}

#[tokio::test]
async fn filters_choose_events_in_messages_and_query_strings() {
    let served = Served::usual().await;
    let cases = [
        (json!({"levels": ["warn", "error"]}), "levels=warn,error", vec![2, 3]),
        (json!({"source": "pay"}), "source=pay", vec![1, 4]),
        (json!({"pattern": "0000000000000007"}), "pattern=0000000000000007", vec![2, 3]),
        (json!({"pattern": "000000000000006b"}), "pattern=000000000000006b", vec![2, 3]),
        (json!({"q": "declined card"}), "q=declined%20card", vec![5]),
        (json!({"q": "-event"}), "q=-event", vec![5]),
        (json!({"q": "user:kim or level:error"}), "q=user:kim%20or%20level:error", vec![3, 4]),
        (json!({"source": "pay", "levels": ["info"], "q": "event"}), "source=pay&levels=info&q=event", vec![1, 4]),
        (json!({}), "batchMs=", vec![0, 1, 2, 3, 4, 5]),
    ];
    let mut viewers = Vec::new();
    for (message, query, expected) in cases {
        let mut by_message = served.connect("/").await;
        by_message.subscribe(message).await;
        viewers.push((query, by_message, expected.clone()));
        let mut by_query = served.connect(&format!("/?{query}")).await;
        if query != "batchMs=" {
            by_query.of_topic("whittle.subscribed").await;
        }
        viewers.push((query, by_query, expected));
    }
    served.publish(&mixed());
    for (query, viewer, expected) in &mut viewers {
        let expected: Vec<String> = expected.iter().map(|offset| format!("0-{offset}")).collect();
        assert_eq!(viewer.seqs(expected.len()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn who_asks_for_no_pattern_gets_no_events() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/?batchMs=100&pattern=0000000000000000").await;
    assert_eq!(viewer.of_topic("whittle.subscribed").await, json!({"head": {}, "from": {}}));
    let mut unknown = line(0);
    unknown.pattern = 0;
    served.publish(&[unknown]);
    assert_eq!(viewer.subscribe(json!({})).await, json!({"0": 1}));
    served.publish(&[line(1)]);
    assert_eq!(viewer.seqs(1).await, ["0-1"]);
}

#[tokio::test]
async fn batches_are_whole_in_order_and_shared() {
    let served = Served::usual().await;
    let mut viewers = Vec::new();
    for _ in 0..5 {
        let mut viewer = served.connect("/").await;
        viewer.subscribe(json!({"batchMs": 20})).await;
        viewers.push(viewer);
    }
    let mut frames = 0;
    for chunk in 0..40 {
        served.publish(&lines(chunk * 25..(chunk + 1) * 25));
        tokio::task::yield_now().await;
    }
    for viewer in &mut viewers {
        let mut found = Vec::new();
        while found.len() < 1000 {
            let message = viewer.json().await;
            assert!(message.get("sampled").is_none(), "a thousand events are no flood");
            let payloads = message["payloads"].as_array().expect("batchMs makes frames of many");
            found.extend(payloads.iter().map(|e| e["seq"].as_str().unwrap().to_owned()));
            frames += 1;
        }
        assert_eq!(found, seqs(0..1000));
    }
    assert!(frames <= 5 * 40, "events are gathered: {frames} frames");
}

#[tokio::test]
async fn a_flood_is_thinned_and_said_to_be() {
    let served = Served::new(GatewaySettings { sample_above: 100, ..Default::default() }).await;
    let mut all = served.connect("/").await;
    let mut open = served.connect("/").await;
    let mut errors = served.connect("/").await;
    open.subscribe(json!({"batchMs": 10})).await;
    errors.subscribe(json!({"batchMs": 10, "levels": ["error"]})).await;
    let mut flood = lines(0..4000);
    for line in flood.iter_mut().filter(|line| line.offset % 2 == 0) {
        line.level = Level::Error;
    }
    served.publish(&flood);
    assert_eq!(all.seqs(4000).await, seqs(0..4000), "who gets single frames gets all of them");
    // Room for 200 at once: 4,000 are thinned to one in 20, 2,000 errors to one in 10.
    for (viewer, every) in [(&mut open, 20), (&mut errors, 10)] {
        let message = viewer.json().await;
        assert_eq!(message["sampled"], every);
        assert_eq!(message["payloads"].as_array().unwrap().len(), 200);
    }
}

#[tokio::test]
async fn a_new_subscription_replaces_the_old_one() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/?levels=error").await;
    viewer.of_topic("whittle.subscribed").await;
    served.publish(&lines(0..10));
    assert_eq!(viewer.subscribe(json!({"source": "app"})).await, json!({"0": 10}));
    served.publish(&lines(10..12));
    assert_eq!(viewer.seqs(2).await, seqs(10..12));
    viewer.subscribe(json!({"batchMs": 0})).await;
    served.publish(&lines(12..14));
    assert!(viewer.json().await["payloads"].is_array());
}

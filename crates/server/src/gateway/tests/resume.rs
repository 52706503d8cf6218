//! Clients that come back.

use super::*;

#[tokio::test]
async fn what_is_held_is_told_again_exactly_once() {
    let served = Served::usual().await;
    let mut before = served.connect("/").await;
    served.publish(&lines(0..100));
    assert_eq!(before.seqs(60).await, seqs(0..60));
    drop(before);
    let mut returned = served.connect("/").await;
    let head = returned.subscribe(json!({"resume": {"0": 60}, "batchMs": 10})).await;
    assert_eq!(head, json!({"0": 100}));
    served.publish(&lines(100..150));
    assert_eq!(returned.seqs(90).await, seqs(60..150));
}

#[tokio::test]
async fn what_follows_an_answer_of_the_history_goes_on_right_after_it() {
    let served = Served::usual().await;
    served.publish(&lines(0..100));
    let mut viewer = served.connect("/").await;
    viewer.send(json!({"type": "subscribe", "resume": "0-97.4-12", "batchMs": 10})).await;
    let told = viewer.of_topic("whittle.subscribed").await;
    assert_eq!(told, json!({"head": {"0": 100}, "from": {"0": 97, "4": 12}}), "of a partition that is ahead too");
    served.publish(&lines(100..102));
    assert_eq!(viewer.seqs(5).await, seqs(97..102));
}

#[tokio::test]
async fn partitions_are_resumed_each_from_its_own_offset() {
    let served = Served::usual().await;
    let mut all = Vec::new();
    for offset in 0..30 {
        for partition in 0..3 {
            all.push(Line { partition, ..line(offset) });
        }
    }
    for chunk in all.chunks(7) {
        served.publish(chunk);
    }
    let mut viewer = served.connect("/?resume=0-10,2-25").await;
    viewer.of_topic("whittle.subscribed").await;
    // Of a partition that is not named only what is new is told.
    served.publish(&[Line { partition: 1, ..line(30) }]);
    let found = viewer.seqs(20 + 5 + 1).await;
    let of = |partition: u32| {
        let prefix = format!("{partition}-");
        let offsets = found.iter().filter_map(|seq| seq.strip_prefix(&prefix)).map(|o| o.parse::<u64>().unwrap());
        offsets.collect::<Vec<_>>()
    };
    assert_eq!(of(0), (10..30).collect::<Vec<_>>());
    assert_eq!(of(1), [30]);
    assert_eq!(of(2), (25..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_not_held_any_more_is_a_gap() {
    let served = Served::new(GatewaySettings { room_events: 100, ..Default::default() }).await;
    for chunk in 0..50 {
        served.publish(&lines(chunk * 10..(chunk + 1) * 10));
    }
    let mut viewer = served.connect("/?resume=0-7&drops=1").await;
    assert_eq!(viewer.of_topic("whittle.subscribed").await["head"], json!({"0": 500}));
    let gap = viewer.of_topic("whittle.gap").await;
    assert_eq!(gap, json!({"partition": 0, "from": 7, "to": 399}));
    assert_eq!(viewer.seqs(100).await, seqs(400..500), "the rest follows, and a gap is no drop");
}

#[tokio::test]
async fn after_a_restart_all_that_was_missed_is_a_gap() {
    let served = Served::usual().await;
    served.gateway.begin_at(&super::super::Heads::from([(0, 1000), (1, 5)]));
    let mut viewer = served.connect("/").await;
    let head = viewer.subscribe(json!({"resume": {"0": 990, "1": 5, "2": 3}})).await;
    assert_eq!(head, json!({"0": 1000, "1": 5}));
    assert_eq!(viewer.of_topic("whittle.gap").await, json!({"partition": 0, "from": 990, "to": 999}));
    // What the pipeline computes again after a crash is not told again, to nobody.
    served.publish(&lines(980..1002));
    assert_eq!(viewer.seqs(2).await, seqs(1000..1002));
}

#[tokio::test]
async fn filters_hold_for_what_is_told_again() {
    let served = Served::usual().await;
    let mut mixed = lines(0..50);
    for line in mixed.iter_mut().filter(|line| line.offset % 5 == 0) {
        line.level = Level::Error;
    }
    served.publish(&mixed);
    let mut viewer = served.connect("/").await;
    viewer.subscribe(json!({"levels": ["error"], "resume": {"0": 11}})).await;
    let expected: Vec<String> = (15..50).step_by(5).map(|offset| format!("0-{offset}")).collect();
    assert_eq!(viewer.seqs(expected.len()).await, expected);
}

#[tokio::test]
async fn a_position_ahead_of_the_stream_is_answered_with_the_head() {
    let served = Served::usual().await;
    served.publish(&lines(0..5));
    let mut viewer = served.connect("/").await;
    assert_eq!(viewer.subscribe(json!({"resume": {"0": 5000}})).await, json!({"0": 5}));
    served.publish(&lines(5..6));
    assert_eq!(viewer.seqs(1).await, ["0-5"]);
}

#[tokio::test]
async fn coming_back_under_load_loses_and_doubles_nothing() {
    let served = Served::usual().await;
    let mut chunks = (0..400).map(|chunk| batch(&lines(chunk * 50..(chunk + 1) * 50)));
    let mut publish = || chunks.next().map(|chunk| served.gateway.publish(&chunk));
    publish();
    let mut next = 0;
    while next < 20_000 {
        let mut viewer = served.connect("/").await;
        viewer.subscribe(json!({"batchMs": 5, "resume": {"0": next}})).await;
        let leave_at = (next + 1500).min(20_000);
        while next < leave_at {
            // More comes while it is told what it missed, and more than it reads.
            publish();
            publish();
            let message = viewer.json().await;
            for event in message["payloads"].as_array().expect("frames of many") {
                assert_eq!(event["seq"], format!("0-{next}"));
                next += 1;
            }
        }
    }
}

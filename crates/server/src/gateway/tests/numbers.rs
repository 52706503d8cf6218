//! What is told beside events: numbers by second, insights.

use super::super::tally::Tally;
use super::*;

#[tokio::test]
async fn seconds_are_told_without_a_hole() {
    let served = Served::usual().await;
    // No events wanted, and a filter changes nothing about the numbers.
    let mut viewer = served.connect("/?metrics=1&pattern=0000000000000000").await;
    viewer.of_topic("whittle.subscribed").await;
    let first = viewer.of_topic("whittle.metrics").await;
    assert_eq!(first["counts"], json!([]), "a second without events is told as one");
    let mut mixed = lines(0..30);
    for line in mixed.iter_mut().take(10) {
        (line.level, line.source) = (Level::Error, "pay".into());
    }
    served.publish(&mixed);
    let mut counted = Vec::new();
    let mut second = first["second"].as_u64().unwrap();
    while counted.is_empty() {
        let numbers = viewer.of_topic("whittle.metrics").await;
        second += 1;
        assert_eq!(numbers["second"], second);
        assert_eq!(numbers["dropped"], 0);
        counted = numbers["counts"].as_array().unwrap().clone();
    }
    let expected = json!([
        {"source": "app", "level": "info", "count": 20},
        {"source": "pay", "level": "error", "count": 10},
    ]);
    assert_eq!(Value::Array(counted), expected);
    assert_eq!(viewer.of_topic("whittle.metrics").await["second"], second + 1);
}

#[tokio::test]
async fn insights_are_told_to_who_asked() {
    let served = Served::usual().await;
    let mut asked = served.connect("/").await;
    asked.subscribe(json!({"insights": true})).await;
    let mut plain = served.connect("/").await;
    served.gateway.insight_changed(PatternId(7), INSIGHT);
    let insight = asked.of_topic("whittle.insight").await;
    assert_eq!(insight["patternId"], "0000000000000007");
    assert_eq!(insight["insight"]["summary"], "analysis_failed");
    served.publish(&[line(0)]);
    assert_eq!(plain.seqs(1).await, ["0-0"], "a plain client gets events alone");
}

#[test]
fn sources_beyond_the_most_frequent_are_other() {
    let ring = super::super::ring::Ring::new(100_000, 1 << 30);
    let mut tally = Tally::default();
    for source in 0..5000_u64 {
        let line = Line { source: format!("s{source:04}"), ..line(source) };
        ring.push(&batch(&[line]));
    }
    let busy: Vec<Line> = (5000..5003).map(|offset| Line { source: "busy".into(), ..line(offset) }).collect();
    ring.push(&batch(&busy));
    assert_eq!(tally.follow(&ring), 0);
    let second = tally.take(7);
    assert_eq!(second.second, 7);
    assert_eq!(second.counts.len(), 101);
    assert_eq!(second.counts.iter().map(|(_, _, count)| count).sum::<u64>(), 5003, "every event is counted once");
    assert_eq!(&*second.counts[100].0, "Other");
    assert_eq!(tally.take(8).counts, []);
    ring.push(&batch(&[line(6000)]));
    tally.follow(&ring);
    assert_eq!(&*tally.take(9).counts[0].0, "app");
}

#[test]
fn what_was_gone_before_it_was_counted_is_said() {
    let ring = super::super::ring::Ring::new(10, 1 << 30);
    let mut tally = Tally::default();
    for chunk in 0..10 {
        ring.push(&batch(&lines(chunk * 10..(chunk + 1) * 10)));
    }
    assert_eq!(tally.follow(&ring), 90);
    assert_eq!(tally.take(0).counts[0].2, 10);
}

//! Clients that read slowly, or never.

use super::*;

fn small() -> GatewaySettings {
    GatewaySettings { room_events: 1000, ..Default::default() }
}

/// Lines of a kilobyte, so that sockets fill up.
fn heavy(offsets: std::ops::Range<u64>) -> Vec<Line> {
    let mut heavy = lines(offsets);
    for line in &mut heavy {
        line.message = "x".repeat(1000);
    }
    heavy
}

#[tokio::test]
async fn a_client_that_never_reads_costs_others_nothing_and_is_counted() {
    let served = Served::new(small()).await;
    let stuck = served.connect("/").await;
    let mut reader = served.connect("/").await;
    for chunk in 0..200 {
        served.publish(&heavy(chunk * 100..(chunk + 1) * 100));
        assert_eq!(reader.seqs(100).await, seqs(chunk * 100..(chunk + 1) * 100));
    }
    let dropped = &served.gateway.metrics().dropped;
    until("what the client missed is counted while it stands still", || dropped.get() > 5_000).await;
    let held = served.gateway.ring.head() - served.gateway.ring.tail();
    assert!(held < 1200, "the ring holds its room and no more: {held}");
    drop(stuck);
}

#[tokio::test]
async fn a_slow_client_is_told_what_it_missed_and_goes_on() {
    let served = Served::new(small()).await;
    let mut slow = served.connect("/?drops=1").await;
    slow.of_topic("whittle.subscribed").await;
    let dropped = served.gateway.metrics().dropped.clone();
    let mut published = 0;
    while dropped.get() == 0 {
        assert!(published < 1_000_000, "a client that does not read falls out of the ring");
        served.publish(&heavy(published..published + 100));
        published += 100;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (mut told, mut next, mut received) = (0, 0, 0);
    while received + told < published {
        let message = slow.json().await;
        if message["topic"] == "whittle.dropped" {
            let count = message["payload"]["count"].as_u64().unwrap();
            (told, next) = (told + count, next + count);
        } else {
            assert_eq!(message["payload"]["seq"], format!("0-{next}"), "after a drop of {told}");
            (received, next) = (received + 1, next + 1);
        }
    }
    assert!(told > 0 && received > 1000, "{told} dropped, {received} received");
    assert_eq!(told, dropped.get());
    served.publish(&[line(published)]);
    assert_eq!(slow.seqs(1).await, [format!("0-{published}")]);
}

#[tokio::test]
async fn a_client_has_the_room_of_the_contract() {
    let served = Served::usual().await;
    let mut slow = served.connect("/?drops=1").await;
    slow.of_topic("whittle.subscribed").await;
    for chunk in 0..64 {
        served.publish(&lines(chunk * 1024..(chunk + 1) * 1024));
    }
    // Nothing was read while 65,536 events came.
    assert_eq!(slow.seqs(65_536).await, seqs(0..65_536));
    assert_eq!(served.gateway.metrics().dropped.get(), 0);
}

#[tokio::test]
async fn a_client_without_progress_is_let_go() {
    let served = Served::new(GatewaySettings { stall_ms: 300, ..small() }).await;
    let stuck = served.connect("/").await;
    let mut published = 0;
    let gone = || served.gateway.roster.is_empty();
    let started = std::time::Instant::now();
    while !gone() {
        assert!(started.elapsed() < WAIT, "a client that never reads is let go");
        served.publish(&heavy(published..published + 100));
        published += 100;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(served.gateway.metrics().let_go.get(), 1);
    drop(stuck);
}

#[tokio::test]
async fn a_client_that_is_not_heard_of_is_let_go_and_one_that_answers_pings_stays() {
    let settings = GatewaySettings { ping_ms: 100, idle_ms: 3_000, ..Default::default() };
    let served = Served::new(settings).await;
    let silent = served.connect("/").await;
    let mut answering = served.connect("/").await;
    let reading = tokio::spawn(async move {
        // Reading answers pings.
        let event = answering.events(1).await;
        (answering, event)
    });
    until("the silent client is let go", || served.gateway.metrics().let_go.get() == 1).await;
    served.publish(&[line(0)]);
    let (_answering, event) = tokio::time::timeout(WAIT, reading).await.expect("the event comes").unwrap();
    assert_eq!(event[0]["seq"], "0-0");
    drop(silent);
}

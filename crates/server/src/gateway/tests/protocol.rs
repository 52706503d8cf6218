//! The connection itself: upgrades, messages that are wrong, limits, the end.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;

#[tokio::test]
async fn a_subscription_that_is_wrong_is_answered_and_the_one_before_stays() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    for wrong in ["", "{", "null", "[1]", r#"{"type":"subscribe","q":"("}"#, r#"{"type":"subscribe","levels":["x"]}"#] {
        viewer.socket.send(Message::text(wrong)).await.unwrap();
        let error = viewer.of_topic("whittle.error").await;
        assert!(!error["message"].as_str().unwrap().is_empty(), "{wrong}");
    }
    viewer.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    viewer.of_topic("whittle.error").await;
    served.publish(&[line(0)]);
    assert_eq!(viewer.seqs(1).await, ["0-0"]);
    let mut by_query = served.connect("/?levels=banana").await;
    assert!(by_query.of_topic("whittle.error").await["message"].as_str().unwrap().contains("levels"));
    served.publish(&[line(1)]);
    assert_eq!(by_query.seqs(1).await, ["0-1"]);
}

async fn closed_with(viewer: &mut Viewer) -> CloseCode {
    loop {
        match viewer.message().await {
            Message::Close(Some(frame)) => return frame.code,
            Message::Close(None) => panic!("a close says why"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_huge_message_closes_the_connection_and_no_other() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    let mut other = served.connect("/").await;
    let padding = "x".repeat((64 << 10) - 100);
    viewer.send(json!({"type": "subscribe", "padding": padding})).await;
    viewer.of_topic("whittle.subscribed").await;
    // What is beyond the cap is not read, so sending may break off.
    let _ = viewer.socket.send(Message::text("x".repeat(8 << 20))).await;
    let ended = tokio::time::timeout(WAIT, async {
        while let Some(Ok(message)) = viewer.socket.next().await {
            if let Message::Close(Some(frame)) = message {
                assert_eq!(frame.code, CloseCode::Size);
            }
        }
    });
    ended.await.expect("the connection ends");
    let mut polite = served.connect("/").await;
    polite.socket.send(Message::text("x".repeat((64 << 10) + 1))).await.unwrap();
    assert_eq!(closed_with(&mut polite).await, CloseCode::Size);
    served.publish(&[line(0)]);
    assert_eq!(other.seqs(1).await, ["0-0"]);
}

#[tokio::test]
async fn clients_beyond_the_most_are_refused_until_one_goes() {
    let served = Served::new(GatewaySettings { max_clients: 2, ..Default::default() }).await;
    let first = served.connect("/").await;
    let _second = served.connect("/").await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/", served.address)).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let body: Value = serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
    assert_eq!(body["error"], "too_many_clients");
    assert_eq!(served.gateway.metrics().refused.get(), 1);
    drop(first);
    until("the seat of a client that went is free", || served.gateway.metrics().clients.get() == 1).await;
    served.connect("/").await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    viewer.socket.close(None).await.unwrap();
    let ended = async { while viewer.socket.next().await.is_some() {} };
    tokio::time::timeout(WAIT, ended).await.expect("the closing handshake ends");
    until("its seat is free", || served.gateway.roster.is_empty()).await;
}

#[tokio::test]
async fn the_stop_says_goodbye() {
    let served = Served::usual().await;
    let mut viewer = served.connect("/").await;
    let mut batched = served.connect("/?batchMs=1000").await;
    served.stop.cancel();
    assert_eq!(closed_with(&mut viewer).await, CloseCode::Away);
    assert_eq!(closed_with(&mut batched).await, CloseCode::Away);
    drop((viewer, batched));
    let mut served = served;
    let running = served.running.take().unwrap();
    tokio::time::timeout(WAIT, running).await.expect("the gateway ends").unwrap();
}

/// Sends a request's head; returns the head of the answer.
async fn request(served: &Served, head: &str) -> String {
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut some = [0; 1024];
        let read = tokio::time::timeout(WAIT, socket.read(&mut some)).await.expect("an answer comes").unwrap();
        assert!(read > 0, "the answer broke off: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn upgrades_are_checked() {
    let served = Served::usual().await;
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
    // The example of RFC 6455, section 1.3.
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let cases = [
        (format!("{upgrade}{key}{version}"), "101", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        (String::new(), "426", ""),
        (format!("Connection: Upgrade\r\nUpgrade: h2c\r\n{key}{version}"), "426", ""),
        (format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n"), "426", ""),
        (format!("{upgrade}{version}"), "400", ""),
        (format!("{upgrade}{version}Sec-WebSocket-Key: short\r\n"), "400", ""),
    ];
    for (headers, status, accept) in cases {
        let answer = request(&served, &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
        assert!(answer.contains(accept), "{headers}: {answer}");
    }
}

#[tokio::test]
async fn broken_frames_close_the_connection() {
    let served = Served::usual().await;
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let unmasked: &[u8] = &[0x81, 1, b'x'];
    let reserved_bits: &[u8] = &[0xf1, 0x80, 0, 0, 0, 0];
    let no_utf8: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, 0xff];
    let long_ping: &[u8] = &[0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0];
    for (frame, code) in [(unmasked, 1002_u16), (reserved_bits, 1002), (no_utf8, 1007), (long_ping, 1002)] {
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        socket.write_all(upgrade.as_bytes()).await.unwrap();
        socket.write_all(frame).await.unwrap();
        if frame == long_ping {
            socket.write_all(&[0; 256]).await.unwrap();
        }
        let mut answer = Vec::new();
        let read = tokio::time::timeout(WAIT, socket.read_to_end(&mut answer)).await;
        read.expect("the connection ends").unwrap();
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("the upgrade is answered") + 4;
        let close = &answer[end..];
        assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, code), "{frame:?}");
    }
    until("their seats are free", || served.gateway.roster.is_empty()).await;
}

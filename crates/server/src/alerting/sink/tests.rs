//! What a webhook does with what a server answers.

use std::net::IpAddr;

use super::*;
use crate::alerting::WebhookSettings;
use crate::alerting::testing::{Answer, Receiver, hook, notice, update};

fn guarded(url: &str, guard: AddressGuard) -> WebhookSink {
    let settings = WebhookSettings { name: "hook".into(), url: url.into(), allow_private: false, timeout_ms: 5_000 };
    WebhookSink::new(&settings, guard).expect("a client")
}

/// Only 127.0.0.2 counts as public.
fn only_the_second() -> AddressGuard {
    AddressGuard::only(|address| address == IpAddr::from([127, 0, 0, 2]))
}

#[tokio::test]
async fn the_key_of_a_request_is_the_notices_and_its_kind() {
    let receiver = Receiver::new(|_, _| Answer::Status(204)).await;
    let sink = hook("hook", &receiver.url, 5_000);
    for notice in [notice(1), update(1)] {
        sink.deliver(&notice).await.expect("taken");
    }
    let got = receiver.got();
    let key = format!("{:032x}", 1);
    assert_eq!(got[0].idempotency_key, format!("{key}-firing"));
    assert_eq!(got[1].idempotency_key, format!("{key}-update"));
    assert_eq!((&got[0].notice, &got[1].notice), (&notice(1), &update(1)));
}

#[tokio::test]
async fn private_addresses_are_refused_before_anything_is_sent() {
    let receiver = Receiver::new(|_, _| Answer::Status(200)).await;
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    for url in [&receiver.url, &by_name] {
        let error = guarded(url, AddressGuard::public()).deliver(&notice(1)).await.expect_err("refused");
        assert!(error.reason.contains("allow_private"), "{url}: {error}");
    }
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let inside = Receiver::new(|_, _| Answer::Status(200)).await;
    for target in [inside.url.clone(), inside.url.replace("127.0.0.1", "localhost")] {
        let outside = Receiver::at("127.0.0.2", move |_, _| Answer::Redirect(307, target.clone())).await;
        let error = guarded(&outside.url, only_the_second()).deliver(&notice(1)).await.expect_err("refused");
        assert!(error.reason.contains("allow_private"), "{error}");
        assert_eq!((outside.got().len(), inside.got().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_redirect_that_keeps_the_post_is_followed() {
    for (status, followed) in [(307, true), (308, true), (301, false), (302, false), (303, false)] {
        let last = Receiver::at("127.0.0.2", |_, _| Answer::Status(200)).await;
        let to = last.url.clone();
        let first = Receiver::at("127.0.0.2", move |_, _| Answer::Redirect(status, to.clone())).await;
        let result = guarded(&first.url, only_the_second()).deliver(&notice(1)).await;
        assert_eq!((result.is_ok(), last.got().len()), (followed, usize::from(followed)), "{status}: {result:?}");
    }
}

#[tokio::test]
async fn redirects_end() {
    let receiver = Receiver::new(|_, _| Answer::Redirect(307, "/hook".into())).await;
    let error = hook("hook", &receiver.url, 5_000).deliver(&notice(1)).await.expect_err("never taken");
    assert_eq!((error.reason.as_str(), receiver.got().len()), ("redirected more than 3 times", 4));
    let elsewhere = Receiver::new(|_, _| Answer::Redirect(307, "file:///etc/passwd".into())).await;
    assert!(hook("hook", &elsewhere.url, 5_000).deliver(&notice(1)).await.is_err());
}

#[tokio::test]
async fn answers_are_bounded_in_time_and_size() {
    let endless = Receiver::new(|_, _| Answer::Endless).await;
    assert_eq!(hook("hook", &endless.url, 10_000).deliver(&notice(1)).await, Ok(()));
    let hanging = Receiver::new(|_, _| Answer::Hang).await;
    let error = hook("hook", &hanging.url, 50).deliver(&notice(1)).await.expect_err("no answer");
    assert_eq!(error.reason, "no answer within 50 ms");
}

#[tokio::test]
async fn errors_tell_no_url() {
    let gone = Receiver::new(|_, _| Answer::RetryAfter(503, "7")).await;
    let error = hook("hook", &format!("{}?token=s3cret", gone.url), 5_000).deliver(&notice(1)).await;
    let error = error.expect_err("refused");
    assert_eq!((error.reason.as_str(), error.retry_after), ("answered 503", Some(Duration::from_secs(7))));
    // Nothing listens on the port of a listener that is closed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let error = hook("hook", &format!("http://127.0.0.1:{port}/s3cret"), 5_000).deliver(&notice(1)).await;
    let error = error.expect_err("nobody there");
    assert!(!error.reason.contains("s3cret") && error.reason.contains("refused"), "{error}");
}

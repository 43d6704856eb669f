//! A service that is asked to stop completes its requests.

use crate::services::{Services, tree};

#[tokio::test]
async fn slow_checkout_completes_during_shutdown() {
    let mut services = Services::start().await;
    let request = services
        .client
        .post(format!("{}/checkout", services.checkout.url));
    let request = request
        .header("content-type", "application/json")
        .body(r#"{"item_id":"item-slow"}"#);
    let checkout = shared::task::spawn(request.send());

    // The request is in progress when its check has reached inventory's database.
    services.wait_for_span("SELECT stock").await;
    services.checkout.terminate();
    services
        .checkout
        .log(|line| line["message"] == "draining")
        .await;

    let answer = crate::services::Answer::of(checkout.await.unwrap().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(services.checkout.exited().await.success());
    let stopped = services
        .checkout
        .log(|line| line["message"] == "stopped")
        .await;
    assert_eq!(stopped["spans.lost"], 0);
    assert_eq!(stopped["spans.ended"], stopped["spans.exported"]);

    let trace = services.trace(answer.trace_id(), 10).await;
    assert!(trace.is_joined(), "{}", tree(&trace));
}

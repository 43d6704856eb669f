//! Tests with spans that try to inject scripts into the page.

use super::sender::{send, span};
use super::{assert_fits, open};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SCRIPT: &str = "</bdi></script><script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">";

#[tokio::test]
async fn hostile_span_texts_are_escaped() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let turned = "safe\u{202e}gpj.exe\u{2066}";
    send(
        &demo,
        vec![
            span(TRACE, 1, None, SCRIPT, [0, 100])
                .of("<script>service</script>")
                .with(SCRIPT, SCRIPT)
                .with("http.response.status_code", SCRIPT)
                .with("url.path", "javascript:alert(1)")
                .event(SCRIPT, SCRIPT, SCRIPT)
                .failed(SCRIPT),
            span(TRACE, 2, Some(1), turned, [10, 20]).with("turned", turned),
            span(TRACE, 3, Some(1), &"long ".repeat(13_108), [30, 40])
                .with("long", &"x".repeat(65_536)),
            span(TRACE, 4, Some(1), "", [50, 60]).event(
                "exception",
                "exception.stacktrace",
                &"0: a\n".repeat(20_000),
            ),
        ],
    )
    .await;
    let open = "?span=0000000000000001,0000000000000002,0000000000000003,0000000000000004";
    for path in [
        "/".to_owned(),
        format!("/trace/{TRACE}"),
        format!("/trace/{TRACE}{open}"),
        format!("/trace/{TRACE}{open}&uiEmbed=v0&q=%3Cscript%3E"),
        format!("/compare?a={TRACE}&b={TRACE}"),
    ] {
        browser.go(&format!("{}{path}", demo.url("traces"))).await;
        for width in [390, 1600] {
            browser.size(width, 1000).await;
            assert_fits(&browser, &format!("{path} at {width}")).await;
        }
        let title = browser.client.title().await.unwrap();
        assert_ne!(title, "taken", "{path}");
        let scripts = "return document.querySelectorAll('script').length + document.querySelectorAll('img').length";
        assert_eq!(
            browser.run(scripts).await,
            1,
            "only the page's own script: {path}"
        );
        assert!(!browser.text("body").await.contains('\u{202e}'), "{path}");
    }
    browser.close().await;
}

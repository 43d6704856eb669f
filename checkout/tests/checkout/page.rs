//! The page at `/`.

use crate::stand_in::nobody;
use crate::support::Checkout;

#[tokio::test]
async fn only_what_was_sent_with_the_page_may_run_on_it() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let page = checkout.get("/").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
        let (nonce, _) = rest.split_once('\'').unwrap();
        for tag in ["script", "style"] {
            let opening = format!("<{tag} nonce=\"{nonce}\">");
            assert_eq!(page.text.matches(&opening).count(), 1, "{opening}");
            assert_eq!(page.text.matches(&format!("<{tag}")).count(), 1);
        }
        for inline in [" onclick=", " style=", "{{"] {
            assert!(!page.text.contains(inline), "{inline}");
        }
        nonces.push(nonce.to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn page_links_to_the_configured_trace_ui() {
    for (setting, link) in [
        ("", r#"data-trace-url="http://localhost:16686/trace/""#),
        (
            "https://ui.example/jaeger/",
            r#"data-trace-url="https://ui.example/jaeger/trace/""#,
        ),
        (
            r#"http://a/"><script>&lt;"#,
            r#"data-trace-url="http://a/%22%3E%3Cscript%3E&amp;lt;/trace/""#,
        ),
    ] {
        let checkout = Checkout::with_settings(&[("TRACE_UI_URL", setting)]).await;
        let page = checkout.get("/").await;
        assert!(page.text.contains(link), "{}", page.text);
    }
}

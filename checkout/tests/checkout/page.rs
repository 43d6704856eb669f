//! The page at `/`.

use crate::stand_in::nobody;
use crate::support::Checkout;

#[tokio::test]
async fn page_only_runs_its_own_scripts() {
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
async fn page_frames_only_configured_trace_ui() {
    for (setting, traces, origin) in [
        (
            "",
            "http://localhost:16686/trace/",
            "http://localhost:16686",
        ),
        (
            "https://ui.example/jaeger/",
            "https://ui.example/jaeger/trace/",
            "https://ui.example",
        ),
        (
            r#"http://a/"><script>&lt;"#,
            "http://a/%22%3E%3Cscript%3E&amp;lt;/trace/",
            "http://a",
        ),
    ] {
        let checkout = Checkout::with_settings(&[("TRACE_UI_URL", setting)]).await;
        let page = checkout.get("/").await;
        let data = format!(r#"data-traces="{traces}" data-trace-origin="{origin}""#);
        assert!(page.text.contains(&data), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains(&format!("frame-src {origin}; ")),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn page_lists_pitfalls_and_statuses_within_size() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    let page = checkout.get("/").await;
    let list = checkout.get("/pitfalls").await.json();
    for pitfall in list["pitfalls"].as_array().unwrap() {
        let name = pitfall["name"].as_str().unwrap();
        let row = format!(r#"data-name="{name}""#);
        assert_eq!(page.text.matches(&row).count(), 1, "{name}");
    }
    for status in [
        "200", "400", "404", "409", "413", "415", "502", "503", "504",
    ] {
        assert!(
            page.text.contains(&format!(">{status}</span>")),
            "{status}: {}",
            page.text
        );
    }
    assert!(page.text.len() < 100_000, "{} bytes", page.text.len());
}

#[tokio::test]
async fn page_commands_use_own_host_and_are_escaped() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    for (host, base) in [
        ("shop.example:8080", "http://shop.example:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("a$(reboot)", "http://localhost:8080"),
        ("a';reboot;'", "http://localhost:8080"),
    ] {
        let page = checkout.get_as("/", host).await;
        let command = format!("curl -i {base}/checkout -H");
        assert!(page.text.contains(&command), "{host}: {}", page.text);
        assert!(!page.text.contains("reboot"), "{host}");
    }
}

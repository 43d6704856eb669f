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
async fn page_commands_use_host_of_request() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    for (host, base) in [
        ("localhost:8080", "http://localhost:8080"),
        ("shop.localhost", "http://shop.localhost"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        let page = checkout.get_as("/", host).await;
        let command = format!("curl -i {base}/checkout -H");
        assert!(page.text.contains(&command), "{host}: {}", page.text);
    }
}

#[tokio::test]
async fn page_and_pitfalls_answer_to_own_names_only() {
    let (_socket, url) = nobody();
    let settings = [
        ("INVENTORY_URL", url.as_str()),
        ("LISTEN_ADDR", "192.0.2.7:80"),
    ];
    let checkout = Checkout::with_settings(&settings).await;
    for host in [
        "127.0.0.1",
        "127.9.9.9:1",
        "LOCALHOST",
        "[::1]",
        "192.0.2.7",
    ] {
        for path in ["/", "/pitfalls"] {
            let answer = checkout.get_as(path, host).await;
            assert_eq!(answer.status, 200, "{host}: {answer:?}");
        }
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "192.0.2.8",
        "0.0.0.0",
        "a$(reboot)",
        "",
    ] {
        for path in ["/", "/pitfalls"] {
            let answer = checkout.get_as(path, host).await;
            // The status is 400 if the value cannot be a host.
            assert!(
                matches!(answer.status.as_u16(), 400 | 421),
                "{host}: {answer:?}"
            );
            let is_name = host.contains('.') && !host.contains('@');
            assert!(!is_name || answer.status == 421, "{host}: {answer:?}");
            assert!(!answer.text.contains("reboot"), "{host}");
        }
    }
}

#[tokio::test]
async fn page_and_pitfalls_are_off_by_default() {
    let (_socket, url) = nobody();
    for setting in ["", "false"] {
        let settings = [("INVENTORY_URL", url.as_str()), ("DEMO_ROUTES", setting)];
        let checkout = Checkout::with_settings(&settings).await;
        for path in ["/", "/pitfalls"] {
            let answer = checkout.get(path).await;
            answer.assert_problem(404, "not_found");
        }
        let answer = checkout.post_nothing("/pitfalls/leaked-task").await;
        answer.assert_problem(404, "not_found");
    }
}

#[tokio::test]
async fn pitfall_source_is_served_as_text() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    for name in checkout::pitfall_names() {
        let source = checkout.get(&format!("/pitfalls/{name}/source")).await;
        assert_eq!(source.status, 200, "{source:?}");
        assert_eq!(source.header("content-type"), "text/plain; charset=utf-8");
        assert!(source.text.contains("fn broken("), "{source:?}");
    }
    for path in ["/pitfalls/nope/source", "/pitfalls/%FF/source"] {
        let answer = checkout.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
}

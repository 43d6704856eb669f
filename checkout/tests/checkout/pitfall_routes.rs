//! The list of pitfalls, and rejected requests.

use std::collections::BTreeSet;

use crate::pitfalls::lab;
use crate::stand_in::nobody;
use crate::support::Checkout;

/// Returns the names of the pitfalls that have a source file.
fn pitfall_files() -> BTreeSet<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pitfalls");
    let files = std::fs::read_dir(directory).unwrap();
    let names = files.map(|file| {
        let path = file.unwrap().path();
        path.file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .replace('_', "-")
    });
    names
        .filter(|name| !matches!(name.as_str(), "mod" | "routes"))
        .collect()
}

#[tokio::test]
async fn pitfall_list_describes_each_pitfall() {
    let lab = lab().await;
    let list = lab.get("/pitfalls").await.json();
    let pitfalls = list["pitfalls"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for pitfall in pitfalls {
        let text = |key: &str| pitfall[key].as_str().unwrap();
        for sentence in ["mistake", "looks", "instead"] {
            assert!(text(sentence).ends_with('.'), "{pitfall}");
        }
        assert!(
            text("source").starts_with("checkout/src/pitfalls/"),
            "{pitfall}"
        );
        for (form, query) in [("broken", ""), ("fixed", "?fixed=true")] {
            let request = format!("POST /pitfalls/{}{query}", text("name"));
            let command = text(form).starts_with("cargo run ");
            assert!(command || text(form) == request, "{pitfall}");
        }
        let harm = pitfall["harm"]["kind"].as_str().unwrap();
        assert!(["split", "leak", "loss"].contains(&harm), "{pitfall}");
        assert_eq!(harm == "leak", pitfall["harm"]["span"].is_string());
        names.insert(text("name"));
    }
    let files = pitfall_files();
    assert_eq!(names, files.iter().map(String::as_str).collect());

    let unknown = lab.post_nothing("/pitfalls/unknown").await;
    let detail = unknown.assert_problem(404, "unknown_pitfall");
    for name in names {
        assert!(detail.contains(name), "{detail}");
    }
}

#[tokio::test]
async fn bad_parameter_is_refused() {
    let lab = lab().await;
    for query in ["fixed=yes", "fixed=", "fixed", "fix=true"] {
        let answer = lab
            .post_nothing(&format!("/pitfalls/detached-task?{query}"))
            .await;
        let detail = answer.assert_problem(400, "invalid_request");
        assert!(detail.contains("`fixed`"), "{detail}");
    }
    let not_text = lab.post_nothing("/pitfalls/%FF").await;
    not_text.assert_problem(404, "unknown_pitfall");
}

#[tokio::test]
async fn pitfall_without_inventory_is_unavailable() {
    let (_socket, url) = nobody();
    let lab = Checkout::with_inventory(&url).await;
    for name in ["severed-context", "raw-client"] {
        let answer = lab.post_nothing(&format!("/pitfalls/{name}")).await;
        answer.assert_problem(503, "inventory_unavailable");
    }
}

#[tokio::test]
async fn unflushed_exit_is_no_request() {
    let answer = lab().await.post_nothing("/pitfalls/unflushed-exit").await;
    let detail = answer.assert_problem(409, "needs_a_process");
    assert!(detail.contains("--example unflushed_exit"), "{detail}");
}

#[tokio::test]
async fn pitfall_for_another_web_page_is_refused() {
    let lab = lab().await;
    let path = "/pitfalls/late-parent";
    let own = format!("http://{}", lab.authority());
    for headers in [
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ][..],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://127.0.0.1:1"),
        ],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "http://127.0.0.1:1")],
        &[("origin", "null")],
        &[("origin", "")],
    ] {
        let answer = lab.post_from(path, headers).await;
        answer.assert_problem(403, "cross_origin");
    }
    for headers in [
        &[][..],
        &[("sec-fetch-site", "same-origin"), ("origin", own.as_str())],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
        &[("sec-fetch-site", "none")],
        &[("origin", own.as_str())],
    ] {
        let answer = lab.post_from(path, headers).await;
        assert_eq!(answer.status, 200, "{headers:?}: {answer:?}");
    }
}

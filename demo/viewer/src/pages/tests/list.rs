//! Tests of the list of traces.

use super::*;

fn of_trace(number: u8, mut of: TestSpan) -> TestSpan {
    of.span.trace_id = vec![number; 16];
    of
}

fn id(number: u8) -> String {
    format!("{number:02x}").repeat(16)
}

/// Creates a store with three traces, the oldest first: a failed checkout, a slow one, a broken pitfall.
fn three() -> Store {
    const MS: u64 = 1_000_000;
    let mut failed = of_trace(
        1,
        request("checkout", 1, "POST /checkout", 0..10 * MS).failed("502"),
    );
    failed.set("http.response.status_code", "502");
    let mut query = of_trace(
        2,
        span("inventory", 2, Some(1), "SELECT stock", 20 * MS..30 * MS),
    );
    query.set("db.query.text", "SELECT quantity FROM stock");
    holding(vec![
        failed,
        of_trace(
            2,
            request("checkout", 1, "POST /checkout", 20 * MS..1_500 * MS),
        ),
        query,
        of_trace(3, pitfall("raw-client", false, 1_600 * MS..1_610 * MS)),
    ])
}

/// Returns the numbers of the listed traces, in the order of the page.
async fn listed(store: &Store, query: &str) -> Vec<u8> {
    let (status, html) = page(store, &format!("/{query}")).await;
    assert_eq!(status, 200);
    let mut listed: Vec<(usize, u8)> = (1..=3)
        .filter_map(|number| Some((html.find(&format!("<li id=\"{}\"", id(number)))?, number)))
        .collect();
    listed.sort_unstable();
    listed.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn list_row_shows_status_failure_and_pitfall() {
    let (_, html) = page(&three(), "/").await;
    for number in 1..=3 {
        let link = format!("href=\"/trace/{}\"", id(number));
        assert_eq!(html.matches(&link).count(), 1, "{link} in\n{html}");
    }
    assert_has(
        &html,
        &[
            "502",
            "checkout, 502: POST /checkout was answered 502",
            "pitfall <bdi>raw-client</bdi><b>broken</b>",
            "1 error",
        ],
    );
    assert!(!html.contains("not joined"), "{html}");
}

#[tokio::test]
async fn newest_is_first() {
    assert_eq!(listed(&three(), "").await, [3, 2, 1]);
}

#[tokio::test]
async fn each_filter_leaves_what_it_says() {
    let store = three();
    for (query, expected) in [
        ("?error=1", vec![1]),
        ("?min=1s", vec![2]),
        ("?min=11", vec![2]),
        ("?service=inventory", vec![2]),
        ("?q=raw-client", vec![3]),
        ("?q=PITFALLS", vec![3]),
        ("?q=quantity", vec![2]),
        ("?q=answered+502", vec![1]),
        ("?q=0202", vec![2]),
        ("?q=checkout&service=checkout&min=1ms", vec![3, 2, 1]),
        ("?q=nowhere", vec![]),
    ] {
        assert_eq!(listed(&store, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn text_of_a_log_line_finds_its_trace() {
    let store = three();
    let line = format!(r#"{{"trace_id":"{}","message":"stock taken"}}"#, id(2));
    store.log(&LogLine::parse("inventory", line));
    assert_eq!(listed(&store, "?q=Stock+Taken").await, [2]);
}

#[tokio::test]
async fn whole_trace_id_leads_to_its_trace() {
    let url = serve(router(three(), BackLink::default())).await;
    let response = client()
        .get(format!("{url}/?q={}", id(2).to_uppercase()))
        .send()
        .await
        .unwrap();
    assert_eq!(response.url().path(), format!("/trace/{}", id(2)));
}

#[tokio::test]
async fn invalid_duration_filter_is_reported_and_ignored() {
    let store = three();
    assert_eq!(listed(&store, "?min=fast").await, [3, 2, 1]);
    let (_, html) = page(&store, "/?min=fast").await;
    assert_has(
        &html,
        &[
            "a duration reads like 250ms",
            "value=\"fast\"",
            "aria-invalid=\"true\"",
        ],
    );
}

#[tokio::test]
async fn work_that_a_pitfall_lost_says_so() {
    let store = three();
    let lost = of_trace(
        9,
        span(
            "inventory",
            1,
            None,
            "GET /check",
            1_605_000_000..1_606_000_000,
        ),
    );
    store.insert(vec![lost.batch()]);
    let (_, html) = page(&store, "/").await;
    assert_has(&html, &["lost by pitfall <bdi>raw-client</bdi>"]);
}

#[tokio::test]
async fn all_traces_are_reached_page_by_page() {
    let store = holding(
        (0..250_u64)
            .map(|number| {
                let mut of = span("checkout", 1, None, "root", number * 10..number * 10 + 5);
                of.span.trace_id = u128::from(number + 1).to_be_bytes().to_vec();
                of
            })
            .collect(),
    );
    let url = serve(router(store, BackLink::default())).await;
    let mut path = "/".to_owned();
    let mut seen = std::collections::HashSet::new();
    for expected in [100, 100, 50] {
        let html = client()
            .get(format!("{url}{path}"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let ids: Vec<_> = html
            .split("<li id=\"")
            .skip(1)
            .map(|rest| rest[..32].to_owned())
            .collect();
        assert_eq!(ids.len(), expected);
        seen.extend(ids);
        path = html
            .split_once("rel=\"next\" href=\"")
            .map_or_else(String::new, |(_, rest)| {
                rest.split('"').next().unwrap().replace("&amp;", "&")
            });
    }
    assert_eq!((seen.len(), path.as_str()), (250, ""));
}

#[tokio::test]
async fn empty_list_says_what_to_do() {
    let (status, html) = page(&Store::new(Limits::default()), "/").await;
    assert_eq!(status, 200);
    assert_has(&html, &["Send a request"]);
}

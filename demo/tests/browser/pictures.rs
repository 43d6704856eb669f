//! Takes the screenshots of the documentation from a real run. Run by `.ci/pictures`.

use std::path::Path;

use crate::{browser::Browser, command::Demo, page::settled};

/// A screenshot: its name, the height of the window, the buttons to press first, and the number of spans of each trace.
type Picture = (&'static str, u32, &'static [&'static str], &'static [usize]);

const PICTURES: [Picture; 3] = [
    ("page-item-123", 960, &["[data-text*='item-123']"], &[10]),
    (
        "page-item-corrupt",
        1_020,
        &["[data-text*='item-corrupt']"],
        &[5],
    ),
    (
        "page-pitfall",
        1240,
        &["[data-name=severed-context] .both"],
        // Spans in the traces of the broken request, of its orphaned spans, and of the fixed request, which contains
        // them all.
        &[1, 3, 4],
    ),
];

#[tokio::test]
#[ignore = "writes pictures into docs/: .ci/pictures runs it"]
async fn pictures_are_taken() {
    let directory = std::env::var_os("PICTURES").expect("PICTURES is a directory");
    // Whether to take additional screenshots, which are not in the documentation.
    let all = std::env::var_os("PICTURES_ALL").is_some();
    let browser = Browser::open().await.expect("a browser is installed");
    let demo = Demo::start().await;
    for (name, height, buttons, traces) in PICTURES {
        for (suffix, width, dark) in [
            ("", 1600, false),
            ("-dark", 1600, true),
            ("-narrow", 390, false),
            ("-narrow-dark", 390, true),
            ("-wide", 2560, false),
        ] {
            if !suffix.is_empty() && !all {
                continue;
            }
            browser.dark(dark).await;
            browser.size(width, height).await;
            browser.go(demo.url("checkout")).await;
            for button in buttons {
                browser.click(button).await;
                settled(&browser).await;
            }
            for (number, spans) in traces.iter().enumerate() {
                is_whole(&browser, &format!("#trace-{number} iframe"), *spans).await;
            }
            let picture = browser.client.screenshot().await.unwrap();
            let file = format!("{name}{suffix}.png");
            std::fs::write(Path::new(&directory).join(file), picture).unwrap();
        }
    }
    browser.close().await;
}

/// Waits until the trace in a frame is complete.
async fn is_whole(browser: &Browser, frame: &str, spans: usize) {
    let text = "document.body.textContent";
    let count = format!("({text}.match(/SERVER|CLIENT|INTERNAL/g) || []).length");
    let whole = format!("{count} >= {spans} && !{text}.includes('Still arriving')");
    browser.until_in_frame(frame, &whole).await;
}

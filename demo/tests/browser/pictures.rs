//! The pictures of the documentation, taken of a real run: `.ci/pictures` asks for them.

use std::path::Path;

use crate::{browser::Browser, command::Demo, page::settled};

#[tokio::test]
#[ignore = "writes pictures into docs/: .ci/pictures runs it"]
async fn pictures_are_taken() {
    let browser = Browser::open().await.expect("a browser to look with");
    let demo = Demo::start().await;
    for (name, buttons) in [
        ("page-item-123", &["[data-text*='item-123']"][..]),
        ("page-item-corrupt", &["[data-text*='item-corrupt']"]),
        (
            "page-pitfall",
            &[
                "[data-name=severed-context] .broken",
                "[data-name=severed-context] .fixed",
            ],
        ),
    ] {
        for dark in [false, true] {
            browser.dark(dark).await;
            browser.size(1600, 1000).await;
            browser.go(demo.url("checkout")).await;
            for button in buttons {
                browser.click(button).await;
                settled(&browser).await;
            }
            let scheme = if dark { "-dark" } else { "" };
            take(&browser, &format!("{name}{scheme}.png")).await;
            if std::env::var_os("PICTURES_NARROW").is_some() {
                browser.size(390, 4000).await;
                settled(&browser).await;
                take(&browser, &format!("{name}{scheme}-narrow.png")).await;
            }
        }
    }
    browser.close().await;
}

/// What is to be seen in the window.
async fn take(browser: &Browser, name: &str) {
    let directory = std::env::var_os("PICTURES").expect("PICTURES names a directory");
    let picture = browser.client.screenshot().await.unwrap();
    std::fs::write(Path::new(&directory).join(name), picture).unwrap();
}

//! What a test does with the browser, and what it asserts about every page: no error, no request to another host.

use std::{fmt, time::Duration};

use axum::http::Method;
use fantoccini::{Client, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use rustix::process::Pid;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::{chromium::Chromium, command::PATIENCE};

/// A page in a browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    chromium: Chromium,
}

/// What the browser noted since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// What stands on the console as an error, but for answers of our own servers that are no success: those were asked
    /// for.
    pub(crate) errors: Vec<String>,
    /// The URL of each request, of the page and of all frames in it.
    pub(crate) requests: Vec<String>,
}

impl Browser {
    /// A browser with nothing open; `None`, and a word why, where there is none.
    pub(crate) async fn open() -> Option<Self> {
        let (chromium, client) = Chromium::start().await?;
        let browser = Self { client, chromium };
        browser.size(1600, 1000).await;
        Some(browser)
    }

    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The first element that the selector finds, as soon as there is one.
    pub(crate) async fn element(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE);
        let wait = wait.every(Duration::from_millis(25));
        let found = wait.for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}\n{}", self.visible_text().await),
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        self.element(css).await.click().await.unwrap();
    }

    /// The text of the first such element, as it can be read.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.element(css).await.text().await.unwrap()
    }

    /// What the body of a JavaScript function returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What the JavaScript expression is, as soon as it is something: not `false`, 0, empty or `null`.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        let met = async {
            let mut pause = tokio::time::interval(Duration::from_millis(25));
            loop {
                pause.tick().await;
                let value = self.run(&script).await;
                let empty = [json!(null), json!(false), json!(0), json!("")];
                if !empty.contains(&value) {
                    return value;
                }
            }
        };
        let Ok(value) = tokio::time::timeout(PATIENCE, met).await else {
            panic!("never: {expression}\n{}", self.visible_text().await);
        };
        value
    }

    /// Goes on inside of the frame that the selector finds; `client.enter_parent_frame` leads out.
    pub(crate) async fn enter_frame(&self, css: &str) {
        self.element(css).await.enter_frame().await.unwrap();
    }

    /// The window's size in CSS pixels.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Whether the user likes it dark.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// From the next page on, no script of a page runs.
    pub(crate) async fn without_javascript(&self) {
        let disabled = json!({"value": true});
        self.devtools("Emulation.setScriptExecutionDisabled", disabled)
            .await;
    }

    /// A command of Chromium's protocol for developer tools.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.extension("goog/cdp/execute", body).await
    }

    /// What was noted since the last call.
    pub(crate) async fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        for entry in self.log("browser").await {
            let message = entry["message"].as_str().unwrap_or_default();
            let answered = message.contains("the server responded with a status of");
            if entry["level"] == "SEVERE" && !answered {
                notes.errors.push(message.to_owned());
            }
        }
        for entry in self.log("performance").await {
            let text = entry["message"].as_str().unwrap();
            let event: Value = serde_json::from_str(text).unwrap();
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let url = &event["message"]["params"]["request"]["url"];
                notes.requests.push(url.as_str().unwrap().to_owned());
            }
        }
        notes
    }

    /// Asserts that nothing since the last notes was an error or left this machine, and ends the browser.
    pub(crate) async fn close(self) {
        self.notes().await.assert_clean();
        self.client.close().await.unwrap();
    }

    /// The group that all its processes are in.
    pub(crate) fn process_group(&self) -> Pid {
        self.chromium.group().unwrap()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.extension("se/log", json!({"type": kind})).await;
        entries.as_array().unwrap().clone()
    }

    async fn extension(&self, path: &'static str, body: Value) -> Value {
        let command = Extension { path, body };
        self.client.issue_cmd(command).await.unwrap()
    }

    async fn visible_text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        let url = self.client.current_url().await.unwrap();
        format!("{url}:\n{}", text.as_str().unwrap_or_default())
    }
}

impl Notes {
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert!(self.errors.is_empty(), "on the console: {:#?}", self.errors);
        let foreign = self.foreign();
        assert!(foreign.is_empty(), "requests elsewhere: {foreign:#?}");
    }

    /// The requests to any host but this one.
    pub(crate) fn foreign(&self) -> Vec<&String> {
        // The browser's own pages, data and blobs come from nowhere.
        let is_foreign = |url: &&String| match Url::parse(url) {
            Ok(url) => url.scheme().starts_with("http") && url.host_str() != Some("127.0.0.1"),
            Err(_) => true,
        };
        self.requests.iter().filter(is_foreign).collect()
    }
}

/// A command that chromedriver has beyond the standard.
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

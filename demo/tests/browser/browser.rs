//! Controls the browser, and checks every page for console errors and requests to other hosts.

use std::{fmt, time::Duration};

use axum::http::Method;
use fantoccini::{Client, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use rustix::process::Pid;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::{ParseError, Url};

use crate::{chromium::Chromium, command::TIMEOUT};

const TEXT: &str = "return document.body.innerText";

/// A page in a browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    chromium: Chromium,
}

/// Console errors and requests of the browser since the previous call of [`Browser::notes`].
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Errors on the browser console, without error responses of the tested servers, which tests request on purpose.
    pub(crate) errors: Vec<String>,
    /// URLs requested by the page and its frames.
    pub(crate) requests: Vec<String>,
}

impl Browser {
    /// Starts a browser. If none is installed, prints that the test is skipped and returns `None`.
    pub(crate) async fn open() -> Option<Self> {
        let (chromium, client) = Chromium::start().await?;
        let browser = Self { client, chromium };
        browser.size(1600, 1000).await;
        Some(browser)
    }

    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Waits for an element that matches the selector.
    pub(crate) async fn element(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(TIMEOUT);
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

    /// Waits for an element and returns its visible text.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.element(css).await.text().await.unwrap()
    }

    /// Runs the body of a JavaScript function and returns its result.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until the JavaScript expression is truthy, and returns its value.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        let met = async {
            let mut pause = tokio::time::interval(Duration::from_millis(25));
            loop {
                pause.tick().await;
                let value = self.run(&script).await;
                if is_truthy(&value) {
                    return value;
                }
            }
        };
        let Ok(value) = timeout(TIMEOUT, met).await else {
            panic!(
                "timed out waiting for {expression}\n{}",
                self.visible_text().await
            );
        };
        value
    }

    /// Switches to the frame that matches the selector. [`Self::leave_frames`] switches back.
    pub(crate) async fn enter_frame(&self, css: &str) {
        self.element(css).await.enter_frame().await.unwrap();
    }

    /// Switches to the top-level page, even if the current frame is gone.
    pub(crate) async fn leave_frames(&self) {
        let command = Extension {
            path: "frame",
            body: json!({"id": null}),
        };
        self.client.issue_cmd(command).await.unwrap();
    }

    /// Like [`Self::until`], but evaluates the expression inside a frame, which may be replaced in the meantime.
    pub(crate) async fn until_in_frame(&self, css: &str, expression: &str) -> Value {
        let script = format!("return {expression}");
        let mut last = String::new();
        let met = async {
            let mut pause = tokio::time::interval(Duration::from_millis(25));
            loop {
                pause.tick().await;
                let value = async {
                    let frame = self.client.find(Locator::Css(css)).await?;
                    frame.enter_frame().await?;
                    let text = self.client.execute(TEXT, Vec::new()).await?;
                    text.as_str().unwrap_or_default().clone_into(&mut last);
                    self.client.execute(&script, Vec::new()).await
                };
                let value = value.await.unwrap_or_default();
                self.leave_frames().await;
                if is_truthy(&value) {
                    return value;
                }
            }
        };
        let Ok(value) = timeout(TIMEOUT, met).await else {
            panic!("timed out waiting in {css} for {expression}\n{last}");
        };
        value
    }

    /// Sets the window's size in CSS pixels.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Sets the preferred color scheme.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Disables JavaScript, starting with the next page.
    pub(crate) async fn without_javascript(&self) {
        self.disable_javascript(true).await;
    }

    /// Enables JavaScript again. The scripts of the current page still do not run.
    pub(crate) async fn with_javascript(&self) {
        self.disable_javascript(false).await;
    }

    async fn disable_javascript(&self, disabled: bool) {
        let disabled = json!({"value": disabled});
        self.devtools("Emulation.setScriptExecutionDisabled", disabled)
            .await;
    }

    /// Sends a command of the Chrome `DevTools` Protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.extension("goog/cdp/execute", body).await
    }

    /// Returns the browser's console errors and requests since the previous call.
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

    /// Closes the browser, after asserting that there was no console error and no request to another host since the
    /// last call of [`Self::notes`].
    pub(crate) async fn close(self) {
        self.notes().await.assert_clean();
        self.client.close().await.unwrap();
    }

    /// Returns the process group of chromedriver and the browser.
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
        let text = self.run(TEXT).await;
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

    /// Returns the requests to other hosts.
    pub(crate) fn foreign(&self) -> Vec<&String> {
        // `data:` and `blob:` URLs and internal pages of the browser do not use the network.
        let is_foreign = |url: &&String| match Url::parse(url) {
            Ok(url) => url.scheme().starts_with("http") && url.host_str() != Some("127.0.0.1"),
            Err(_) => true,
        };
        self.requests.iter().filter(is_foreign).collect()
    }
}

fn is_truthy(value: &Value) -> bool {
    ![json!(null), json!(false), json!(0), json!("")].contains(value)
}

/// A `WebDriver` command that the client library has no method for.
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

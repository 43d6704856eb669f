//! Runs axe-core on a page. Every violation fails the test, whatever its impact.
//!
//! The first run installs axe-core from npm into the target directory.

use std::{fmt::Write as _, path::Path, process::Command, sync::OnceLock};

use serde_json::Value;

use crate::{browser::Browser, chromium::skipped};

const VERSION: &str = "4.14.1";

/// Returns the violations that axe-core finds, one line per rule and element. If axe-core cannot be installed, prints
/// the reason and returns `None`.
pub(crate) async fn violations(browser: &Browser) -> Option<String> {
    static SOURCE: OnceLock<Result<String, String>> = OnceLock::new();
    let source = match SOURCE.get_or_init(source) {
        Ok(source) => source,
        Err(reason) => return skipped(reason),
    };
    browser.run(source).await;
    // Frames are excluded, since tests switch to each frame and check it separately.
    let script = "const done = arguments[0];
        axe.run(document, {iframes: false}).then(r => done(r.violations), e => done(String(e)))";
    let found = browser.client.execute_async(script, Vec::new()).await;
    let found = found.unwrap();
    let Value::Array(found) = found else {
        panic!("axe did not run: {found}");
    };
    let mut text = String::new();
    for violation in &found {
        for node in violation["nodes"].as_array().unwrap() {
            let (rule, impact) = (&violation["id"], &violation["impact"]);
            let (target, summary) = (&node["target"], &node["failureSummary"]);
            writeln!(text, "{rule} ({impact}) at {target}: {summary}").unwrap();
        }
    }
    Some(text)
}

/// Asserts that axe-core finds no violation on the page, in light and in dark mode.
pub(crate) async fn assert_accessible(browser: &Browser, what: &str) {
    for dark in [false, true] {
        browser.dark(dark).await;
        let Some(violations) = violations(browser).await else {
            return;
        };
        let scheme = if dark { "dark" } else { "light" };
        assert!(violations.is_empty(), "{what}, {scheme}:\n{violations}");
    }
    browser.dark(false).await;
}

fn source() -> Result<String, String> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("axe-core-{VERSION}"));
    let script = kept.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        // Installs axe-core into a temporary directory and then renames it, since several test processes may install at
        // the same time.
        let fetched =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| text(&error))?;
        let npm = Command::new("npm")
            .args(["install", "--no-save", "--ignore-scripts", "--no-audit"])
            .arg("--prefix")
            .arg(fetched.path())
            .arg(format!("axe-core@{VERSION}"))
            .output()
            .map_err(|error| format!("no axe-core: cannot run npm: {error}"))?;
        if !npm.status.success() {
            let reason = String::from_utf8_lossy(&npm.stderr).into_owned();
            return Err(format!(
                "no axe-core: npm ended with {}: {reason}",
                npm.status
            ));
        }
        // The rename fails if another process has installed axe-core first, which is not an error.
        let _ = std::fs::rename(fetched.path(), &kept);
    }
    std::fs::read_to_string(script).map_err(|error| text(&error))
}

fn text(error: &std::io::Error) -> String {
    format!("no axe-core: {error}")
}

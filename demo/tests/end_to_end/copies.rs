//! Compares the code with copies that are maintained by hand: the catalogue in the README and in the compose check, and
//! the times in `docs/promises.md`.

use std::{collections::BTreeSet, fs, path::Path};

use checkout::catalogue::{ROWS, Row};
use shared::serve::{DRAIN_TIMEOUT, FLUSH_TIMEOUT, Limits, TASK_TIMEOUT};

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(file)).unwrap()
}

#[test]
fn readme_has_every_catalogue_row() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("## Requests to try").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `curl"));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        ROWS.iter().map(in_readme).collect::<Vec<_>>()
    );
}

/// Formats a catalogue row like the README, which uses `curl --json` instead of a content-type header, since it is
/// shorter and equivalent.
fn in_readme(row: &Row) -> String {
    let arguments = match row.media_type {
        "application/json" => format!("--json {}", row.body.in_shell()),
        _ => row.curl_arguments(),
    };
    let what = row.what;
    let answer = match row.code {
        Some(code) => format!("{} `{code}`", row.status),
        None => row.status.to_string(),
    };
    format!("| `curl -i localhost:8080/checkout {arguments}` | {what} | {answer} |")
}

#[test]
fn compose_check_sends_every_catalogue_row() {
    let script = read(".ci/compose-check");
    let sent = script.lines().filter(|line| line.starts_with("row "));
    let sent: BTreeSet<_> = sent.map(str::to_owned).collect();
    let rows: BTreeSet<_> = ROWS.iter().map(in_script).collect();
    assert_eq!(sent, rows);
}

fn in_script(row: &Row) -> String {
    let code = row.code.unwrap_or("''");
    format!("row {} {code} {}", row.status, row.curl_arguments())
}

#[test]
fn promises_state_default_times() {
    let promises = read("docs/promises.md");
    let promises: Vec<_> = promises.split_whitespace().collect();
    let promises = promises.join(" ");
    let limits = Limits::default();
    for (before, time, after) in [
        ("(WebSockets) have ", DRAIN_TIMEOUT, " to end."),
        ("Tasks have ", TASK_TIMEOUT, ", and"),
        ("The last spans have ", FLUSH_TIMEOUT, "."),
        (
            "limit: ",
            limits.request_head_timeout,
            " for a request head",
        ),
        (", ", limits.request_body_timeout, " for a body (408"),
        (", ", limits.request_timeout, " for a response (503"),
        ("and ", limits.response_write_timeout, " for a client"),
    ] {
        let text = format!("{before}{} s{after}", time.as_secs());
        assert!(promises.contains(&text), "{text}");
    }
}

//! One event is one line in either format, whatever is in it, and a line finds its way out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use shared::telemetry;

/// Set in the process that logs.
const CHILD: &str = "LOG_LINES_TEST_CHILD";
const HOSTILE: [&str; 5] = [
    "one\n2026-01-01T00:00:00Z ERROR checkout forged trace_id=00000000000000000000000000000001",
    "\r\x1b[2K\x1b[31mred\x07\0\x08",
    "\u{9b}31m\u{85}\u{7f}",
    "abc\u{202e}cba\u{2066}\u{200f}\u{2028}\u{2029}\u{feff}",
    "\",\"level\":\"ERROR\"}\n{\"level\":\"ERROR\",\"a\":\"\\",
];

/// The process that logs, and no test where the binary is run as one.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    println!("\nBEGIN");
    // Until whoever started this is ready.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let _telemetry = telemetry::init("hostile").unwrap();
    for text in HOSTILE {
        tracing::info!(display = %text, debug = ?text, text, error = %text, "said {text}");
    }
    println!("END");
}

fn start(format: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--quiet"])
        .env_clear()
        .envs([
            (CHILD, "yes"),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("LOG_FORMAT", format),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the child writes to standard output.
fn output(format: &str) -> String {
    let output = start(format).wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What is between `BEGIN` and `END`, without the line that telemetry itself says.
fn lines(stdout: &str) -> Vec<&str> {
    let (_, log) = stdout.split_once("\nBEGIN\n").unwrap();
    let (log, _) = log.split_once("\nEND\n").unwrap();
    log.split('\n').skip(1).collect()
}

fn is_command(character: char) -> bool {
    let directions = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                      \u{2066}\u{2067}\u{2068}\u{2069}";
    character.is_control() || directions.contains(character)
}

#[test]
fn a_pretty_line_is_one_line_without_commands_to_the_terminal() {
    let stdout = output("pretty");
    let lines = lines(&stdout);
    assert_eq!(lines.len(), HOSTILE.len(), "{stdout}");
    for line in lines {
        assert!(!line.contains(is_command), "{line:?}");
        assert!(line.contains("  INFO hostile   said "), "{line}");
    }
}

#[test]
fn a_json_line_is_the_same_text_without_commands_to_the_terminal() {
    let stdout = output("json");
    let lines = lines(&stdout);
    assert_eq!(lines.len(), HOSTILE.len(), "{stdout}");
    for (line, text) in lines.into_iter().zip(HOSTILE) {
        assert!(!line.contains(is_command), "{line:?}");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["display"], text);
        assert_eq!(line["text"], text);
        assert_eq!(line["message"], format!("said {text}"));
    }
}

#[test]
fn a_line_that_standard_output_does_not_take_goes_to_standard_error() {
    for format in ["json", "pretty"] {
        let mut child = start(format);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "BEGIN\n" {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended");
        }
        // Nobody reads it any more.
        drop((stdout, child.stdin.take()));
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        for text in ["telemetry is set up", "said one", "said abc"] {
            assert!(stderr.contains(text), "{format}: {stderr}");
        }
    }
}

//! An event with hostile text is one line in both log formats. If standard output is closed, log lines go to standard
//! error.

use crate::child;

const TEXTS: [&str; 5] = [
    "one\n2026-01-01T00:00:00Z ERROR checkout forged trace_id=00000000000000000000000000000001",
    "\r\x1b[2K\x1b[31mred\x07\0\x08",
    "\u{9b}31m\u{85}\u{7f}",
    "abc\u{202e}cba\u{2066}\u{200f}\u{2028}\u{2029}\u{feff}",
    "\",\"level\":\"ERROR\"}\n{\"level\":\"ERROR\",\"a\":\"\\",
];

pub(crate) fn log_lines() {
    for text in TEXTS {
        tracing::info!(display = %text, debug = ?text, text, error = %text, "said {text}");
    }
}

fn is_control(character: char) -> bool {
    let directions = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                      \u{2066}\u{2067}\u{2068}\u{2069}";
    character.is_control() || directions.contains(character)
}

#[test]
fn pretty_line_escapes_control_characters() {
    let lines = child::lines("hostile_texts", "pretty");
    assert_eq!(lines.len(), TEXTS.len(), "{lines:#?}");
    for line in lines {
        assert!(!line.contains(is_control), "{line:?}");
        assert!(line.contains("  INFO a \"service\" said "), "{line}");
    }
}

#[test]
fn json_line_escapes_control_characters() {
    let lines = child::lines("hostile_texts", "json");
    assert_eq!(lines.len(), TEXTS.len(), "{lines:#?}");
    for (line, text) in lines.into_iter().zip(TEXTS) {
        assert!(!line.contains(is_control), "{line:?}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["display"], text);
        assert_eq!(line["text"], text);
        assert_eq!(line["message"], format!("said {text}"));
    }
}

#[test]
fn closed_stdout_falls_back_to_stderr() {
    for format in ["json", "pretty"] {
        let mut child = child::start("hostile_texts", format);
        child.close_stdout();
        let stderr = child.output().stderr;
        for text in ["telemetry initialized", "said one", "said abc"] {
            assert!(stderr.contains(text), "{format}: {stderr}");
        }
    }
}

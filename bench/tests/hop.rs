//! Runs a short bench and checks its table.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::{Command, Stdio};

/// Runs `hop` with these arguments and returns the cells of each row.
fn hop(arguments: &[&str]) -> Vec<Vec<String>> {
    let ran = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("hop")
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", ran.status);
    let table = String::from_utf8(ran.stdout).unwrap();
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect();
    table.lines().skip(2).map(cells).collect()
}

#[test]
fn hop_sampled_spans_all_arrive() {
    let rows = hop(&[
        "--rounds",
        "1",
        "--seconds",
        "0.2",
        "--connections",
        "4",
        "--only",
        "ours,ours-not-sampled,ours-disabled-no-log,by-hand",
    ]);
    let names: Vec<_> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(
        names,
        [
            "untraced",
            "ours",
            "ours-not-sampled",
            "ours-disabled-no-log",
            "by-hand"
        ]
    );
    for row in rows {
        let (arrived, ended) = row[10].split_once(" of ").unwrap();
        assert_eq!(arrived, ended, "{row:?}");
        let is_sampled = ["ours", "by-hand"].contains(&row[1].as_str());
        assert_eq!(arrived != "0", is_sampled, "{row:?}");
        let is_logged = ["ours", "ours-not-sampled"].contains(&row[1].as_str());
        let lines: f64 = row[12].parse().unwrap();
        // Without the access log, only log lines at startup remain, which are fewer than two lines per request.
        assert_eq!(lines >= 2.0, is_logged, "{row:?}");
        let allocations: f64 = row[8].parse().unwrap();
        assert!(allocations > 10.0, "{row:?}");
    }
}

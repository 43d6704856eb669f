//! Short soaks. A soak compares the responses, the services' counters, their logs and the arrived spans. The soak fails
//! if they disagree, or if spans are lost unexpectedly.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::{Command, Output};

/// Runs `soak` with these arguments. Returns the exit code, standard output and standard error.
fn soak(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("soak")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Runs the soak with this fault for a short time, and asserts that all checks pass.
fn survives(fault: &str) {
    let (code, stdout, stderr) = soak(&[
        fault,
        "--lasts=2s",
        "--rate=20",
        "--around=1s",
        "--connections=8",
    ]);
    let mut lines = stderr.lines();
    if let Some(reason) = lines.find_map(|line| line.strip_prefix("slow-name: skipped: ")) {
        println!("skipped: {reason}");
        return;
    }
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    let row = stdout.lines().last().unwrap();
    assert!(row.starts_with(&format!("| {fault} |")), "{row}");
}

#[test]
fn collector_absent_at_start_loses_nothing() {
    survives("absent");
}

#[test]
fn collector_restart_loses_nothing() {
    survives("stopped");
}

#[test]
fn paused_collector_loses_nothing() {
    survives("paused");
}

#[test]
fn unavailable_collector_loses_nothing() {
    survives("unavailable");
}

#[test]
fn sick_backend_loses_nothing() {
    survives("sick-backend");
}

#[test]
fn dead_connection_loses_nothing() {
    survives("dead-connection");
}

#[test]
fn slow_name_loses_nothing() {
    survives("slow-name");
}

#[test]
fn poison_loses_only_its_batches() {
    survives("poison");
}

#[test]
fn size_limit_loses_nothing() {
    survives("too-large");
}

#[test]
fn proxy_is_bypassed_for_loopback() {
    survives("proxy");
}

#[test]
fn shutdown_under_load_exports_every_span() {
    survives("shutdown");
}

#[test]
fn shutdown_without_collector_reports_losses() {
    survives("shutdown-alone");
}

#[test]
fn flood_counts_every_lost_span() {
    survives("flood");
}

#[test]
fn unusable_values_are_refused_with_allowed_values() {
    for (argument, parts) in [
        ("nope", &["'nope'", "paused", "flood"][..]),
        ("--lasts=500000000000years", &["1s to 24h"]),
        ("--around=0s", &["1s to 24h"]),
    ] {
        let (code, _, stderr) = soak(&[argument]);
        assert_eq!(code, Some(2), "{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{stderr}");
        }
    }
}

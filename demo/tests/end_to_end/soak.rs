//! Short soaks. A soak compares the responses, the services' counters, their logs and the arrived spans. It fails if they
//! disagree, or if spans are lost unexpectedly.

use std::process::Output;

use tokio::time::timeout;

use crate::command::{TIMEOUT, demo};

async fn is_survived(fault: &str) {
    let soak = demo(&[
        "soak",
        fault,
        "--rate=20",
        "--lasts=2s",
        "--around=1s",
        "--connections=8",
    ])
    .output();
    let Output {
        status,
        stdout,
        stderr,
    } = timeout(TIMEOUT * 2, soak).await.unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    let row = stdout.lines().last().unwrap();
    assert!(row.starts_with(&format!("| {fault} |")), "{row}");
}

#[tokio::test]
async fn collector_absent_at_start_loses_nothing() {
    is_survived("absent").await;
}

#[tokio::test]
async fn collector_restart_loses_nothing() {
    is_survived("stopped").await;
}

#[tokio::test]
async fn paused_collector_loses_nothing() {
    is_survived("paused").await;
}

#[tokio::test]
async fn unavailable_collector_loses_nothing() {
    is_survived("unavailable").await;
}

#[tokio::test]
async fn sick_backend_loses_nothing() {
    is_survived("sick-backend").await;
}

#[tokio::test]
async fn dead_connection_loses_nothing() {
    is_survived("dead-connection").await;
}

#[tokio::test]
async fn size_limit_loses_nothing() {
    is_survived("too-large").await;
}

#[tokio::test]
async fn proxy_is_bypassed_for_loopback() {
    is_survived("proxy").await;
}

#[tokio::test]
async fn shutdown_under_load_exports_every_span() {
    is_survived("shutdown").await;
}

#[tokio::test]
async fn shutdown_without_collector_reports_losses() {
    is_survived("shutdown-alone").await;
}

#[tokio::test]
async fn flood_counts_every_lost_span() {
    is_survived("flood").await;
}

//! The soak in a short form: it compares the answers, the services' books, their log and what arrived, and ends badly where
//! they do not agree, or where something was lost that must not be.

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
async fn collector_that_is_not_there_at_the_start_costs_nothing() {
    is_survived("absent").await;
}

#[tokio::test]
async fn collector_that_is_stopped_and_started_again_costs_nothing() {
    is_survived("stopped").await;
}

#[tokio::test]
async fn collector_that_is_paused_costs_nothing() {
    is_survived("paused").await;
}

#[tokio::test]
async fn collector_that_is_unavailable_for_a_while_costs_nothing() {
    is_survived("unavailable").await;
}

#[tokio::test]
async fn services_told_to_end_under_load_send_every_span_of_what_they_answered() {
    is_survived("shutdown").await;
}

#[tokio::test]
async fn services_told_to_end_without_a_collector_say_what_they_lost() {
    is_survived("shutdown-alone").await;
}

#[tokio::test]
async fn flood_loses_nothing_that_is_not_counted() {
    is_survived("flood").await;
}

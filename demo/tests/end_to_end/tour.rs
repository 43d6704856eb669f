//! Tests the demo as users start it: the tour, which checks its own results, and the demo without a command, which
//! leaves no files or processes behind.

use std::{io::ErrorKind, process::Output};

use rustix::process::Signal;
use tokio::{net::TcpStream, time::timeout};

use crate::command::{Demo, TIMEOUT, demo};

#[tokio::test]
async fn tour_passes_for_every_scene() {
    let tour = demo(&["tour"]).output();
    let Output {
        status,
        stdout,
        stderr,
    } = timeout(TIMEOUT, tour).await.unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    let forms = 2 * checkout::pitfall_names().count();
    let scenes = checkout::catalogue::ROWS.len() + forms;
    let count = format!("\n{scenes} of {scenes} as they should be");
    assert!(stdout.contains(&count), "{stdout}");
}

#[tokio::test]
async fn stopped_demo_leaves_no_process() {
    let demo = Demo::start().await;
    let names = ["checkout", "inventory", "otlp", "traces"];
    let addresses = names.map(|name| demo.url(name).strip_prefix("http://").unwrap().to_owned());
    for address in &addresses {
        TcpStream::connect(address).await.unwrap();
    }

    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    for address in addresses {
        let refused = TcpStream::connect(&address).await.map_err(|e| e.kind());
        assert_eq!(
            refused.err(),
            Some(ErrorKind::ConnectionRefused),
            "{address}"
        );
    }
}

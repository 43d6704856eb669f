//! The demo as people start it: the tour that checks itself, and the plain one that leaves nothing behind.

use std::{
    collections::HashMap,
    io::ErrorKind,
    process::{Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpStream,
    process::{ChildStderr, Command},
    time::timeout,
};

use crate::services::PATIENCE;

#[tokio::test]
async fn tour_finds_the_whole_catalogue_and_the_whole_lab_as_they_should_be() {
    let tour = demo(&["tour"]).output();
    let Output {
        status,
        stdout,
        stderr,
    } = timeout(PATIENCE, tour).await.unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    // 11 requests, and 7 pitfalls in two forms.
    let count = "\n25 of 25 as they should be";
    assert!(stdout.contains(count), "{stdout}");
}

#[tokio::test]
async fn demo_told_to_stop_ends_well_and_leaves_nobody_behind() {
    let flags = ["checkout", "inventory", "otlp", "ui"].map(|port| format!("--{port}-port=0"));
    let mut demo = demo(&flags.each_ref().map(String::as_str))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(demo.stderr.take().unwrap());
    let addresses = timeout(PATIENCE, addresses(&mut stderr)).await;
    let addresses = addresses.expect("it tells in time where it listens");
    for address in addresses.values() {
        TcpStream::connect(address).await.unwrap();
    }

    let pid = Pid::from_raw(i32::try_from(demo.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let mut rest = String::new();
    let ended = async { tokio::join!(demo.wait(), stderr.read_to_string(&mut rest)).0 };
    let status = timeout(PATIENCE, ended).await.expect("it ends in time");
    assert!(status.unwrap().success(), "{rest}");
    for (name, address) in addresses {
        let refused = TcpStream::connect(&address).await.map_err(|e| e.kind());
        assert_eq!(
            refused.err(),
            Some(ErrorKind::ConnectionRefused),
            "{name} at {address}"
        );
    }
}

/// The demo as a command, untouched by what the tester's own shell says of telemetry and logs.
fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Where it says that it listens, by name: lines of a name, spaces, and a URL.
async fn addresses(stderr: &mut BufReader<ChildStderr>) -> HashMap<String, String> {
    let mut addresses = HashMap::new();
    let mut line = String::new();
    while addresses.len() < 4 {
        line.clear();
        let read = stderr.read_line(&mut line).await.unwrap();
        assert_ne!(read, 0, "it ended before it listened");
        if let [name, url] = line.split_whitespace().collect::<Vec<_>>()[..]
            && let Some(address) = url.strip_prefix("http://")
        {
            addresses.insert(name.to_owned(), address.to_owned());
        }
    }
    addresses
}

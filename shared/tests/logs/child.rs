//! A process that logs according to its role.

use std::{
    io::{self, PipeWriter, Read as _},
    process::{self, Command, Stdio},
};

use shared::telemetry;

use crate::{
    delivery, endings, format, hostile, parents,
    support::{self, Child, Output},
};

/// Runs the child process. Does nothing in an ordinary test run.
#[test]
fn child() {
    let Some(role) = support::role() else { return };
    // Waits until the parent process is ready.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let telemetry = telemetry::init("a \"service\"").unwrap();
    match &*role {
        "hostile_texts" => hostile::log_lines(),
        "explicit_parent" => parents::log_lines(),
        "every_kind_of_field" => format::log_lines(),
        "many_threads" => delivery::many_threads(),
        "more_than_capacity" => delivery::log_more_than_capacity(),
        "log_and_wait" => delivery::log_and_wait(),
        "log_and_exit" => return delivery::log_and_exit(telemetry),
        "more_than_pipe_capacity" => return delivery::log_more_than_pipe_capacity(telemetry),
        "thread_local_destructors" => endings::log_lines(),
        "panic_in_destructor_0" => endings::panic(0),
        "panic_in_destructor_1" => endings::panic(1),
        "panic_in_destructor_2" => endings::panic(2),
        "abort" => delivery::abort(),
        role => panic!("no such role: {role}"),
    }
    drop(telemetry);
    println!("END");
}

pub(crate) fn command(role: &str, format: &str) -> Command {
    let mut command = support::command("child::child", role);
    command.envs([
        ("OTEL_TRACES_EXPORTER", "none"),
        ("LOG_FORMAT", format),
        ("RUST_LOG", "info,logs=trace"),
    ]);
    command
}

/// Starts a child process, which waits until its standard input is closed.
pub(crate) fn start(role: &str, format: &str) -> Child {
    Child::start(&mut command(role, format))
}

/// Starts a child process that does not wait for its parent. Its standard output is a pipe that other processes share.
pub(crate) fn start_on(stdout: PipeWriter, role: &str) -> process::Child {
    let mut command = command(role, "json");
    command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs a child and returns its output.
pub(crate) fn output(role: &str, format: &str) -> Output {
    start(role, format).output()
}

/// Runs a child and returns its log lines after the start-up line.
pub(crate) fn lines(role: &str, format: &str) -> Vec<String> {
    let output = output(role, format);
    assert!(output.status.success(), "{output:?}");
    let (log, _) = output.stdout.split_once("\nEND\n").unwrap();
    let lines = log.split('\n');
    let lines = lines.skip_while(|line| !line.contains("telemetry initialized"));
    lines.skip(1).map(str::to_owned).collect()
}

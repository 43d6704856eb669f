//! [`Child`]: a process that logs according to its role.

use std::{
    env,
    io::{self, BufRead as _, BufReader, PipeWriter, Read as _},
    process::{self, ChildStderr, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use shared::telemetry;

use crate::{delivery, endings, format, hostile, parents, watchdog::Watchdog};

/// Environment variable with the role, set in the child process.
const ROLE: &str = "LOG_LINES_TEST_ROLE";
/// Time limit of a child that hangs. Far longer than a child needs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Child {
    process: process::Child,
    /// Output after the `BEGIN` line.
    stdout: BufReader<ChildStdout>,
    _watchdog: Watchdog,
}

/// Runs the child process. Does nothing in an ordinary test run.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    println!("\nBEGIN");
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

/// Runs a child that does not wait, with standard output closed.
pub(crate) fn run_with_closed_stdout(role: &str, format: &str) -> Output {
    let inner = command(role, format);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "exec \"$0\" \"$@\" >&-"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    shell.spawn().unwrap().wait_with_output().unwrap()
}

fn command(role: &str, format: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child::child", "--nocapture", "--quiet"])
        .env_clear()
        .envs([
            (ROLE, role),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("LOG_FORMAT", format),
            ("RUST_LOG", "info,log_lines=trace"),
        ])
        .stderr(Stdio::piped());
    command
}

/// Starts a child that does not wait, on a pipe that other processes share.
pub(crate) fn start_on(stdout: PipeWriter, role: &str) -> process::Child {
    let mut command = command(role, "json");
    command.stdin(Stdio::null()).stdout(stdout).spawn().unwrap()
}

impl Child {
    /// Starts a child, which waits for [`go_on`](Self::go_on).
    pub(crate) fn start(role: &str, format: &str) -> Self {
        let mut command = command(role, format);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap();
        let watchdog = Watchdog::over(process.id(), PATIENCE);
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while line != "BEGIN\n" {
            line.clear();
            assert_ne!(
                stdout.read_line(&mut line).unwrap(),
                0,
                "the child has ended"
            );
        }
        Self {
            process,
            stdout,
            _watchdog: watchdog,
        }
    }

    pub(crate) fn go_on(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Returns the next line, or `None` at the end of the output.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap();
        (read > 0).then_some(line)
    }

    pub(crate) fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.process.stderr.take().unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Waits for the child without reading its standard output, then returns the result and that output.
    pub(crate) fn end_unread(mut self) -> (Output, String) {
        self.go_on();
        let mut stderr = Vec::new();
        self.stderr().read_to_end(&mut stderr).unwrap();
        let status = self.process.wait().unwrap();
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let output = Output {
            status,
            stdout: Vec::new(),
            stderr,
        };
        (output, stdout)
    }

    /// Waits for the child and returns all of its output.
    pub(crate) fn output(mut self) -> Output {
        self.go_on();
        let mut stdout = Vec::new();
        self.stdout.read_to_end(&mut stdout).unwrap();
        let output = self.process.wait_with_output().unwrap();
        Output { stdout, ..output }
    }

    /// Waits for the child and returns its log lines after the start-up line.
    pub(crate) fn lines(self) -> Vec<String> {
        let output = self.output();
        assert!(output.status.success(), "{output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let (log, _) = stdout.split_once("\nEND\n").unwrap();
        let lines = log.split('\n');
        let lines = lines.skip_while(|line| !line.contains("telemetry initialized"));
        lines.skip(1).map(str::to_owned).collect()
    }

    /// Closes the reading end of standard output, then lets the child continue.
    pub(crate) fn wait_without_reading(self) -> Output {
        let Self {
            process, stdout, ..
        } = self;
        drop(stdout);
        process.wait_with_output().unwrap()
    }
}

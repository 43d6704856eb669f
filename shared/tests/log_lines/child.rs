//! [`Child`]: a process that logs, by its role.

use std::{
    env,
    io::{self, BufRead as _, BufReader, PipeWriter, Read as _},
    process::{self, ChildStderr, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use shared::telemetry;

use crate::{delivery, endings, format, hostile, parents, watchdog::Watchdog};

/// Set in the process that logs.
const ROLE: &str = "LOG_LINES_TEST_ROLE";
/// For the process that would log without end, or hang. Far above what one needs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Child {
    process: process::Child,
    /// What it writes after its beginning.
    stdout: BufReader<ChildStdout>,
    _watchdog: Watchdog,
}

/// The process that logs, and no test where the binary is run as one.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    println!("\nBEGIN");
    // Until whoever started this is ready.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let telemetry = telemetry::init("a \"service\"").unwrap();
    match &*role {
        "says_hostile_texts" => hostile::say(),
        "says_within_a_parent" => parents::say(),
        "says_every_kind_of_field" => format::say(),
        "says_much_from_many_threads" => delivery::many_threads(),
        "says_more_than_fits" => delivery::say_more_than_fits(),
        "says_and_waits" => delivery::say_and_wait(),
        "says_and_exits" => return delivery::say_and_exit(telemetry),
        "says_more_than_a_pipe_takes" => return delivery::say_more_than_a_pipe_takes(telemetry),
        "says_at_the_end_of_a_thread" => endings::say(),
        "panics_at_end_0" => endings::panic(0),
        "panics_at_end_1" => endings::panic(1),
        "panics_at_end_2" => endings::panic(2),
        "aborts" => delivery::abort(),
        role => panic!("no such role: {role}"),
    }
    drop(telemetry);
    println!("END");
}

/// It does not wait, and its standard output is closed.
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

/// It does not wait, and others write there too.
pub(crate) fn start_on(stdout: PipeWriter, role: &str) -> process::Child {
    let mut command = command(role, "json");
    command.stdin(Stdio::null()).stdout(stdout).spawn().unwrap()
}

impl Child {
    /// It waits at its beginning.
    pub(crate) fn start(role: &str, format: &str) -> Self {
        let mut command = command(role, format);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.unwrap();
        let watchdog = Watchdog::over(process.id(), PATIENCE);
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while line != "BEGIN\n" {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended");
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

    /// The next line, and nothing at its end.
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

    /// How it ends while its standard output is not read, and what it has written there.
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

    /// What it writes until it ends.
    pub(crate) fn output(mut self) -> Output {
        self.go_on();
        let mut stdout = Vec::new();
        self.stdout.read_to_end(&mut stdout).unwrap();
        let output = self.process.wait_with_output().unwrap();
        Output { stdout, ..output }
    }

    /// The lines that it writes to its end, without the one that telemetry itself says.
    pub(crate) fn lines(self) -> Vec<String> {
        let output = self.output();
        assert!(output.status.success(), "{output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let (log, _) = stdout.split_once("\nEND\n").unwrap();
        let lines = log.split('\n');
        let lines = lines.skip_while(|line| !line.contains("telemetry initialized"));
        lines.skip(1).map(str::to_owned).collect()
    }

    /// Closes the pipe that would be read, then lets it go on.
    pub(crate) fn wait_without_reading(self) -> Output {
        let Self {
            process, stdout, ..
        } = self;
        drop(stdout);
        process.wait_with_output().unwrap()
    }
}

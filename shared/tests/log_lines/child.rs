//! [`Child`]: a process that logs, by its role.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _},
    process::{self, ChildStdin, ChildStdout, Command, Output, Stdio},
};

use shared::telemetry;

use crate::{format, hostile};

/// Set in the process that logs.
const ROLE: &str = "LOG_LINES_TEST_ROLE";

pub(crate) struct Child {
    process: process::Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
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
        "says_every_kind_of_field" => format::say(),
        role => panic!("no such role: {role}"),
    }
    drop(telemetry);
    println!("END");
}

impl Child {
    /// It waits at its beginning.
    pub(crate) fn start(role: &str, format: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child::child", "--nocapture", "--quiet"])
            .env_clear()
            .envs([
                (ROLE, role),
                ("OTEL_TRACES_EXPORTER", "none"),
                ("LOG_FORMAT", format),
                ("RUST_LOG", "info,log_lines=trace"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while line != "BEGIN\n" {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended");
        }
        Self {
            stdin: process.stdin.take(),
            process,
            stdout,
        }
    }

    /// The lines it writes to standard output until it ends, without the one that telemetry itself says.
    pub(crate) fn lines(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        assert!(self.process.wait().unwrap().success(), "{stdout}");
        let (log, _) = stdout.split_once("\nEND\n").unwrap();
        let lines = log.split('\n');
        let lines = lines.skip_while(|line| !line.contains("telemetry is set up"));
        lines.skip(1).map(str::to_owned).collect()
    }

    /// Closes the pipe that would be read, then lets it go on.
    pub(crate) fn wait_without_reading(self) -> Output {
        let Self {
            process,
            stdin,
            stdout,
        } = self;
        drop(stdout);
        drop(stdin);
        process.wait_with_output().unwrap()
    }
}

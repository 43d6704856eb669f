//! [`Child`]: this test binary, run again as a child process. Tests of state that is global to a process need a child
//! process.

use std::{
    any::type_name,
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{self, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{Output, Watchdog};

/// Environment variable that names the role of a child process.
const ROLE: &str = "TEST_CHILD_ROLE";
/// Line between the output of the test harness and the output of the child process itself.
const BEGIN: &str = "BEGIN";
/// Time limit of a child process that hangs. Even on a busy machine, a child needs far less time.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// Returns the role of this process, or `None` in an ordinary test run.
pub(crate) fn role() -> Option<String> {
    let role = env::var(ROLE).ok()?;
    // The first line break ends a line that the test harness has started.
    println!("\n{BEGIN}");
    Some(role)
}

/// Returns a command that runs one test of this binary, such as `module::test`, in this role and with no other
/// environment variables.
pub(crate) fn command(test: &str, role: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env_clear()
        .env(ROLE, role);
    command
}

/// Returns a shell command that runs a script. The script can run `command` as `"$0" "$@"`.
pub(crate) fn in_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    let variables = command.get_envs();
    shell
        .args(["-c", script])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Runs `body` in a child process with only these environment variables. Returns the output of the child in the parent
/// process, and `None` in the child. Panics if the child fails.
pub(crate) fn in_child<C: AsyncFnOnce()>(variables: &[(&str, &str)], body: C) -> Option<Output> {
    // The type name of the closure is like `binary::module::test::{{closure}}`.
    let path = type_name::<C>();
    let (_, test) = path.split_once("::").unwrap();
    let test = test.trim_end_matches("::{{closure}}");
    if role().is_some_and(|role| role == test) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(body());
        return None;
    }
    let mut command = command(test, test);
    let output = Child::start(command.envs(variables.iter().copied())).output();
    assert!(output.status.success(), "{output:?}");
    Some(output)
}

/// A running child process. The process is killed on drop, or if it hangs.
pub(crate) struct Child {
    process: process::Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    /// Lines of standard output that were read while waiting for another line.
    skipped: Vec<String>,
    _watchdog: Watchdog,
}

impl Child {
    /// Starts a child process and waits until its test begins.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Self {
            stdin: process.stdin.take(),
            stdout: process.stdout.take().map(BufReader::new),
            skipped: Vec::new(),
            _watchdog: Watchdog::over(process.id(), TIME_LIMIT),
            process,
        };
        while child.line().expect("the child runs its test") != BEGIN {}
        child
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal, such as `-TERM`, to the child process.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let kill = Command::new("kill").args([name, &pid]).status();
        assert!(kill.unwrap().success());
    }

    /// Sends a line to the standard input of the child process.
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Closes the reading end of the child's standard output.
    pub(crate) fn close_stdout(&mut self) {
        drop(self.stdout.take());
    }

    /// Closes the reading end of the child's standard error.
    pub(crate) fn close_stderr(&mut self) {
        drop(self.process.stderr.take());
    }

    /// Returns the next line of the child's standard output, or `None` at its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("standard output is open");
        let read = stdout.read_line(&mut line).unwrap();
        let line = line.strip_suffix('\n').unwrap_or(&line);
        (read > 0).then(|| line.to_owned())
    }

    /// Returns the first line on the child's standard error.
    pub(crate) fn error_line(&mut self) -> String {
        let stderr = self.process.stderr.as_mut().unwrap();
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Returns the first line that matches, and removes it. All other lines are kept for later calls.
    pub(crate) fn find<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = |(position, line): (usize, &String)| Some((position, wanted(line)?));
        if let Some((position, found)) = self.skipped.iter().enumerate().find_map(found) {
            self.skipped.remove(position);
            return Some(found);
        }
        loop {
            let line = self.line()?;
            if let Some(found) = wanted(&line) {
                return Some(found);
            }
            self.skipped.push(line);
        }
    }

    /// Returns the next log line with this message.
    pub(crate) fn log(&mut self, message: &str) -> Value {
        let log = self.find(|line| {
            let log: Value = serde_json::from_str(line).ok()?;
            (log["message"] == message).then_some(log)
        });
        log.unwrap_or_else(|| panic!("ended without `{message}`: {:#?}", self.skipped))
    }

    /// Returns the rest of the child's standard error, for the message of a failed test.
    pub(crate) fn errors(&mut self) -> String {
        read(self.process.stderr.take())
    }

    /// Returns the lines of standard output that were read while waiting for another line.
    pub(crate) fn take_skipped(&mut self) -> Vec<String> {
        std::mem::take(&mut self.skipped)
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// Waits until the child process ends, without reading any output.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Closes the standard input of the child process, and waits until it ends. Returns the rest of its output.
    pub(crate) fn output(mut self) -> Output {
        self.close_stdin();
        let stderr = self.process.stderr.take();
        #[expect(
            clippy::disallowed_methods,
            reason = "it reads both pipes concurrently, outside any trace"
        )]
        let stderr = thread::Builder::new().spawn(|| read(stderr)).unwrap();
        let rest = read(self.stdout.take());
        let mut skipped = self.take_skipped();
        skipped.push(rest);
        Output {
            stdout: skipped.join("\n"),
            stderr: stderr.join().unwrap(),
            status: self.wait(),
        }
    }

    /// Like [`output`](Self::output), but reads the standard output only after the end of the standard error.
    pub(crate) fn output_read_late(mut self) -> Output {
        self.close_stdin();
        let stderr = read(self.process.stderr.take());
        Output {
            status: self.wait(),
            stdout: read(self.stdout.take()),
            stderr,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        let _ = self.process.wait();
    }
}

fn read(stream: Option<impl io::Read>) -> String {
    let mut text = String::new();
    if let Some(mut stream) = stream {
        stream.read_to_string(&mut text).unwrap();
    }
    text
}

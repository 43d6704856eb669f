//! A temporary `PostgreSQL` server for tests, if Debian's package is installed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A temporary `PostgreSQL` server on a Unix socket. Stopped when dropped.
pub(crate) struct Cluster {
    programs: PathBuf,
    directory: TempDir,
}

impl Cluster {
    /// Starts a server, or prints the reason why it cannot.
    pub(crate) fn start() -> Option<Self> {
        let started = Self::try_start();
        if let Err(reason) = &started {
            println!("skipped: no PostgreSQL server to try this on: {reason}");
        }
        started.ok()
    }

    fn try_start() -> Result<Self, String> {
        let cluster = Self {
            programs: programs().ok_or("no /usr/lib/postgresql/*/bin/postgres")?,
            directory: TempDir::new().map_err(|error| error.to_string())?,
        };
        let directory = cluster.directory.path();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(directory))?;
        }
        let data = directory.join("data");
        run(cluster
            .command("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data))?;
        let options = format!(
            "-c fsync=off -c listen_addresses='' -c unix_socket_directories='{}'",
            directory.display()
        );
        run(cluster
            .command("pg_ctl")
            .args(["--wait", "--options", &options, "--log"])
            .arg(directory.join("log"))
            .arg("--pgdata")
            .arg(&data)
            .arg("start"))?;
        Ok(cluster)
    }

    pub(crate) fn database_url(&self, database: &str) -> String {
        let socket = self.directory.path().display();
        format!("postgres://postgres@localhost/{database}?host={socket}")
    }

    pub(crate) fn stop(&self) {
        // The server may not have started, or may have stopped already.
        let _ = run(self
            .command("pg_ctl")
            .args(["--wait", "--mode=immediate", "--pgdata"])
            .arg(self.directory.path().join("data"))
            .arg("stop"));
    }

    /// Freezes all processes of the server (SIGSTOP) until the guard is dropped.
    pub(crate) fn freeze(&self) -> Frozen {
        let pid_file = self.directory.path().join("data/postmaster.pid");
        let pids = std::fs::read_to_string(pid_file).unwrap();
        let server = pids.lines().next().unwrap().to_owned();
        let children = format!("/proc/{server}/task/{server}/children");
        let children = std::fs::read_to_string(children).unwrap();
        let mut pids: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
        pids.push(server);
        let frozen = Frozen(pids);
        frozen.signal("-STOP");
        frozen
    }

    /// Returns a command for one of `PostgreSQL`'s programs, as another user if this test runs as root: these programs
    /// refuse to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let directory = self.directory.path();
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(directory);
        command
    }
}

pub(crate) struct Frozen(Vec<String>);

impl Frozen {
    fn signal(&self, signal: &str) {
        run(Command::new("kill").arg(signal).args(&self.0)).unwrap();
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .find(|programs| programs.join("postgres").exists())
}

/// Returns whether this test runs as root, according to the owner of `/proc/self`.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0)
}

fn run(command: &mut Command) -> Result<(), String> {
    let Output { status, stderr, .. } = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        let stderr = String::from_utf8_lossy(&stderr);
        Err(format!("{command:?}: {status}: {stderr}"))
    }
}

//! The claims on Postgres, on a server of its own where Debian's package is installed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::claims;
use crate::service::{Service, config, execute};

/// Runs each claim on a new database of the cluster.
macro_rules! on_postgres {
    ($cluster:ident: $($claim:ident),+ $(,)?) => {
        $(
            println!("{}", stringify!($claim));
            execute(&$cluster.database_url("postgres"), concat!("CREATE DATABASE ", stringify!($claim))).await;
            claims::$claim(&$cluster.database_url(stringify!($claim))).await;
        )+
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_hold_on_postgres() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    claims::for_each_claim!(on_postgres, cluster);

    let service = Service::start(&cluster.database_url("postgres")).await;
    assert_eq!(service.available("item-123").await, 1_000_000);
    cluster.stop();
    let answer = service.get("/check/item-123").await;
    answer.problem(503, "database_unavailable");
    assert_eq!(service.get("/readyz").await.status, 503);
    service.stop().await;
}

#[tokio::test]
async fn refused_connection_is_an_error_without_the_password() {
    // The port is bound and nobody listens: connections are refused, and nobody else can take it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let config = config(&format!("postgres://ann:hunter2@{address}/shop")).unwrap();
    let listener = shared::serve::bind(config.listen_addr).await.unwrap();

    let error = inventory::run(config, listener, tokio_util::sync::CancellationToken::new())
        .await
        .unwrap_err();

    assert!(
        error
            .to_string()
            .contains(&format!("postgres://{address}/shop")),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// A Postgres server in a directory of its own, on a Unix socket in it. Dropped, it is gone.
struct Cluster {
    programs: PathBuf,
    directory: TempDir,
}

impl Cluster {
    /// A running server; without one, the reason is printed.
    fn start() -> Option<Self> {
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

    fn database_url(&self, database: &str) -> String {
        let socket = self.directory.path().display();
        format!("postgres://postgres@localhost/{database}?host={socket}")
    }

    fn stop(&self) {
        // Nothing to do for one that never started, or is stopped already.
        let _ = run(self
            .command("pg_ctl")
            .args(["--wait", "--mode=immediate", "--pgdata"])
            .arg(self.directory.path().join("data"))
            .arg("stop"));
    }

    /// One of Postgres's programs, which refuse to be run by root.
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

/// Whether this test runs as root, told by whom `/proc/self` belongs to.
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

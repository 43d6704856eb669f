//! Runs the fault `slow-name` in new network and mount namespaces, so that the processes have their own network and
//! their own `/etc/resolv.conf`.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use tempfile::NamedTempFile;
use tokio::process::Command;

use super::plan::Plan;
use super::{child, names};

/// Shell script that mounts its first argument over `/etc/resolv.conf`, and runs the other arguments as a command.
const SCRIPT: &str =
    r#"mount --bind "$1" /etc/resolv.conf && ip link set lo up && shift && exec "$@""#;

/// Returns the reason as an error if this machine does not allow new namespaces.
pub(super) async fn available() -> Result<(), String> {
    let tried = async {
        let resolver = resolver()?;
        let output = command(&resolver).arg("true").output().await;
        let output = output.context("cannot run unshare, which util-linux contains")?;
        let said = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ");
        anyhow::ensure!(output.status.success(), "{said}");
        anyhow::Ok(())
    };
    tried.await.map_err(|error| {
        format!(
            "it needs a network namespace, which this machine refuses: {error:#}. Run the soak as root, or allow unprivileged \
             user namespaces (sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0); \
             it uses unshare and mount (util-linux) and ip (iproute2)"
        )
    })
}

/// Runs the fault `slow-name` in new namespaces. Returns whether all checks passed.
pub(super) async fn run(plan: &Plan, programs: &Path) -> anyhow::Result<bool> {
    let resolver = resolver()?;
    let status = command(&resolver)
        .arg(std::env::current_exe()?)
        .args(["soak", "slow-name", "--in-namespace"])
        .arg(format!("--rate={}", plan.rate))
        .arg(format!("--lasts={}s", plan.lasts.as_secs()))
        .arg(format!("--around={}s", plan.around.as_secs()))
        .arg("--services")
        .arg(programs)
        .status()
        .await?;
    Ok(status.success())
}

fn command(resolver: &NamedTempFile) -> Command {
    let mut command = child::command(Path::new("unshare"));
    command
        .args(["--user", "--map-root-user", "--net", "--mount"])
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(resolver.path());
    command
}

fn resolver() -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("cannot create a temporary file")?;
    file.write_all(names::RESOLVER.as_bytes())?;
    Ok(file)
}

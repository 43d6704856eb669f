//! Builds the two services with cargo, in the same profile as the bench.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Builds checkout and inventory, and returns the folder of their programs.
pub(super) fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Without `--package`, cargo selects the features of the whole workspace, so that an earlier build is reused.
    command.args(["build", "--bin", "checkout", "--bin", "inventory"]);
    command.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo to build the services; name their folder with --services")?;
    ensure!(
        built.status.success(),
        "cargo build ended with {}",
        built.status
    );
    let program = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo build reported no program")?;
    Ok(program
        .parent()
        .context("a program without a folder")?
        .to_owned())
}

//! The programs that run the variants: this program, or the Go program in the folder `go`, which is built first.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::variant::{Program, Variant};

/// Returns the program of a variant and the arguments that start a service.
pub(super) fn service(variant: Variant) -> anyhow::Result<(PathBuf, Vec<String>)> {
    match variant.program() {
        Program::Ours => Ok((
            std::env::current_exe()?,
            vec!["service".to_owned(), variant.name()],
        )),
        Program::Go(arguments) => {
            let arguments = arguments.iter().copied().map(str::to_owned);
            Ok((go(), arguments.collect()))
        }
    }
}

/// Builds the Go program if one of these variants needs it.
pub(super) fn build(variants: impl IntoIterator<Item = Variant>) -> anyhow::Result<()> {
    let is_go = |variant: Variant| matches!(variant.program(), Program::Go(_));
    if !variants.into_iter().any(is_go) {
        return Ok(());
    }
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(go())
        .arg(".")
        .current_dir(folder().join("go"))
        .status()
        .context("cannot run `go build`: the variants in Go need Go 1.26")?;
    ensure!(built.success(), "`go build` ended with {built}");
    Ok(())
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn go() -> PathBuf {
    folder().join("target").join("hop-in-go")
}

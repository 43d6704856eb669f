//! The bans in `clippy.toml` fire: a crate that makes every banned call gets every reason from clippy.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The banned paths of `clippy.toml`, each with code that clippy must reject.
const WRONG: [(&str, &str); 31] = [
    ("tokio::spawn", "tokio::task::spawn(async {})"),
    (
        "tokio::task::spawn_local",
        "tokio::task::spawn_local(async {})",
    ),
    (
        "tokio::task::spawn_blocking",
        "tokio::task::spawn_blocking(|| ())",
    ),
    (
        "tokio::task::JoinSet::spawn",
        "tokio::task::JoinSet::new().spawn(async {})",
    ),
    (
        "tokio::task::JoinSet::spawn_on",
        "|on: &tokio::runtime::Handle| drop(tokio::task::JoinSet::new().spawn_on(async {}, on))",
    ),
    (
        "tokio::task::JoinSet::spawn_blocking",
        "tokio::task::JoinSet::new().spawn_blocking(|| ())",
    ),
    (
        "tokio::task::LocalSet::spawn_local",
        "tokio::task::LocalSet::new().spawn_local(async {})",
    ),
    (
        "tokio::runtime::Handle::spawn",
        "tokio::runtime::Handle::current().spawn(async {})",
    ),
    (
        "tokio::runtime::Handle::spawn_blocking",
        "tokio::runtime::Handle::current().spawn_blocking(|| ())",
    ),
    (
        "tokio::runtime::Runtime::spawn",
        "|runtime: tokio::runtime::Runtime| drop(runtime.spawn(async {}))",
    ),
    (
        "tokio::runtime::Runtime::spawn_blocking",
        "|runtime: tokio::runtime::Runtime| drop(runtime.spawn_blocking(|| ()))",
    ),
    (
        "tokio_util::task::TaskTracker::spawn",
        "tokio_util::task::TaskTracker::new().spawn(async {})",
    ),
    (
        "tokio_util::task::TaskTracker::spawn_blocking",
        "tokio_util::task::TaskTracker::new().spawn_blocking(|| ())",
    ),
    ("std::thread::spawn", "std::thread::spawn(|| ())"),
    (
        "std::thread::Builder::spawn",
        "std::thread::Builder::new().spawn(|| ())",
    ),
    (
        "std::thread::Scope::spawn",
        "std::thread::scope(|scope| drop(scope.spawn(|| ())))",
    ),
    ("rayon::spawn", "rayon::spawn(|| ())"),
    ("rayon::spawn_fifo", "rayon::spawn_fifo(|| ())"),
    (
        "rayon::ThreadPool::spawn",
        "|pool: rayon::ThreadPool| pool.spawn(|| ())",
    ),
    (
        "rayon::ThreadPool::spawn_fifo",
        "|pool: rayon::ThreadPool| pool.spawn_fifo(|| ())",
    ),
    ("reqwest::Client::new", "reqwest::Client::new()"),
    ("reqwest::Client::builder", "reqwest::Client::builder()"),
    (
        "reqwest::ClientBuilder::new",
        "reqwest::ClientBuilder::new()",
    ),
    ("reqwest::get", "reqwest::get(\"http://inventory/\")"),
    (
        "reqwest::blocking::Client::new",
        "reqwest::blocking::Client::new()",
    ),
    (
        "reqwest::blocking::Client::builder",
        "reqwest::blocking::Client::builder()",
    ),
    (
        "reqwest::blocking::ClientBuilder::new",
        "reqwest::blocking::ClientBuilder::new()",
    ),
    (
        "reqwest::blocking::get",
        "reqwest::blocking::get(\"http://inventory/\")",
    ),
    (
        "opentelemetry::Context::new",
        "opentelemetry::Context::new()",
    ),
    ("std::process::exit", "std::process::exit(0)"),
    ("std::process::abort", "std::process::abort()"),
];

const MANIFEST: &str = r#"
[package]
name = "wrong"
edition = "2024"

[dependencies]
opentelemetry = { version = "*", default-features = false, features = ["trace"] }
rayon = "*"
reqwest = { version = "*", default-features = false, features = ["blocking"] }
tokio = { version = "*", default-features = false, features = ["rt-multi-thread"] }
tokio-util = { version = "*", features = ["rt"] }

# The workspace that this folder may lie in is none of its business.
[workspace]
"#;

#[test]
fn every_ban_fires_with_its_reason() {
    let bans = bans();
    let banned: BTreeSet<&str> = bans.iter().map(|(path, _)| path.as_str()).collect();
    let shown: BTreeSet<&str> = WRONG.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        banned, shown,
        "every ban of clippy.toml needs an example here"
    );

    let output = clippy(&wrong_crate());
    for (path, reason) in &bans {
        let refusals = output.split("use of a disallowed method ");
        let refused =
            |refusal: &str| refusal.starts_with(&format!("`{path}`")) && refusal.contains(reason);
        assert!(
            refusals.skip(1).any(refused),
            "no `{path}` with its reason in the output of clippy:\n{output}"
        );
    }
}

/// Returns the path and reason of each ban in `clippy.toml`, which has one ban per line.
fn bans() -> Vec<(String, String)> {
    let file = fs::read_to_string(root().join("clippy.toml")).unwrap();
    let ban = |line: &str| {
        let rest = line.trim().strip_prefix("{ path = \"")?;
        let (path, rest) = rest.split_once("\", reason = \"")?;
        let (reason, _) = rest.split_once('"')?;
        Some((path.to_owned(), reason.to_owned()))
    };
    file.lines().filter_map(ban).collect()
}

/// Creates a crate with all banned code and the dependency versions of the workspace. The crate stays in cargo's
/// temporary directory, so that its dependencies are only checked once.
fn wrong_crate() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guard");
    let mut code = String::new();
    for (index, (_, wrong)) in WRONG.iter().enumerate() {
        writeln!(code, "pub fn wrong_{index}() {{ let _ = {wrong}; }}").unwrap();
    }
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(folder.join("Cargo.toml"), MANIFEST).unwrap();
    fs::write(folder.join("src/lib.rs"), code).unwrap();
    folder
}

/// Returns the output of clippy for the crate in this folder. If clippy is not installed, the test fails, because
/// untested bans may have no effect.
fn clippy(folder: &Path) -> String {
    let clippy = || {
        let mut clippy = Command::new(env!("CARGO"));
        clippy.arg("clippy").current_dir(folder);
        clippy
    };
    let installed = clippy().arg("--version").output();
    assert!(
        installed.is_ok_and(|version| version.status.success()),
        "this test needs cargo clippy: `rustup component add clippy`"
    );
    let output = clippy()
        .args(["--offline", "--color", "never"])
        .env("CLIPPY_CONF_DIR", root())
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

//! The crates that each cargo feature compiles, and those that it must not compile.

use std::{collections::BTreeSet, process::Command};

const SERVERS: &[&str] = &["axum", "clap", "tokio-io-timeout"];
const CLIENTS: &[&str] = &["reqwest", "reqwest-middleware", "url"];
const TELEMETRY: &[&str] = &[
    "tracing-log",
    "opentelemetry_sdk",
    "tracing-opentelemetry",
    "tracing-subscriber",
];
const EXPORT: &[&str] = &["flate2", "opentelemetry-otlp", "prost"];

/// Returns the crates that are compiled for `shared` with only these cargo features, each as `name features`. Cannot be
/// used for the features `grpc` and `tls`, because their crates may not have been downloaded.
fn compiled(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "shared"])
        .args(["--edges", "normal", "--prefix", "none"])
        .args(["--format", "{lib} {f}"])
        .args(["--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {error}");
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().map(str::to_owned).collect()
}

fn names(compiled: &BTreeSet<String>) -> BTreeSet<String> {
    let name = |line: &String| line.split(' ').next().unwrap().replace('_', "-");
    compiled.iter().map(name).collect()
}

/// Asserts that `shared` with only these cargo features compiles none of the crates in `groups`.
fn assert_without(features: &str, groups: &[&[&str]]) {
    let names = names(&compiled(features));
    assert!(names.contains("shared"), "{names:?}");
    let unwanted = groups.iter().copied().flatten();
    let there: Vec<_> = unwanted
        .filter(|name| names.contains(&name.replace('_', "-")))
        .collect();
    assert!(there.is_empty(), "`{features}` compiles {there:?}");
}

/// Asserts that `shared` with only these cargo features compiles all crates in `groups`. This shows that the crate
/// names in the other tests are spelled correctly.
fn assert_with(features: &str, groups: &[&[&str]]) {
    let names = names(&compiled(features));
    for name in groups.iter().copied().flatten() {
        let name = name.replace('_', "-");
        assert!(names.contains(&name), "`{features}` is without {name}");
    }
}

#[test]
fn client_feature_compiles_no_server() {
    let reqwest: &[&str] = &["reqwest", "reqwest-middleware"];
    assert_without("client", &[SERVERS, TELEMETRY, EXPORT, reqwest]);
    assert_without("reqwest", &[SERVERS, TELEMETRY, EXPORT]);
    for features in ["client", "reqwest"] {
        let compiled = compiled(features);
        let of_server = |line: &&String| {
            let (name, features) = line.split_once(' ').unwrap_or((line, ""));
            let is_hyper = ["hyper", "hyper_util"].contains(&name);
            is_hyper && features.split(',').any(|feature| feature == "server")
        };
        assert_eq!(compiled.iter().find(of_server), None);
    }
}

#[test]
fn server_feature_compiles_no_framework() {
    assert_without("server", &[SERVERS, CLIENTS, TELEMETRY, EXPORT, &["hyper"]]);
    assert_without("axum", &[&["clap"], CLIENTS, TELEMETRY, EXPORT]);
}

#[test]
fn no_feature_compiles_no_optional_crate() {
    let all = [SERVERS, CLIENTS, TELEMETRY, EXPORT, &["hyper", "serde"]];
    assert_without("", &all);
    assert_without("database,metrics", &all);
}

#[test]
fn telemetry_feature_compiles_no_exporter() {
    let logs: &[&str] = &["tracing-log"];
    assert_without("telemetry", &[SERVERS, CLIENTS, EXPORT, logs]);
    assert_without("testing", &[SERVERS, CLIENTS, EXPORT, logs]);
    assert_without("logs", &[SERVERS, CLIENTS, EXPORT]);
    assert_without("cli", &[CLIENTS, EXPORT, logs]);
    assert_without("otlp", &[SERVERS, logs, &["tonic"]]);
}

#[test]
fn features_compile_their_own_crates() {
    assert_with("cli", &[SERVERS]);
    assert_with("reqwest", &[CLIENTS]);
    assert_with("logs", &[TELEMETRY]);
    assert_with("otlp", &[EXPORT]);
}

//! Runs the examples: each creates one joined trace with the attributes of the conventions.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

#[expect(dead_code, unreachable_pub, reason = "examples have a `main`")]
#[path = "../../examples/grpc.rs"]
mod grpc;
mod grpc_service;
#[expect(dead_code, unreachable_pub, reason = "examples have a `main`")]
#[path = "../../examples/hyper.rs"]
mod hyper;
mod hyper_service;
#[path = "../support/mod.rs"]
mod support;

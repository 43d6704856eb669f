//! The examples, run: each leaves one joined trace, with the attributes that the conventions ask for.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

#[expect(dead_code, unreachable_pub, reason = "an example, with its `main`")]
#[path = "../../examples/grpc.rs"]
mod grpc;
mod grpc_service;
#[expect(dead_code, unreachable_pub, reason = "an example, with its `main`")]
#[path = "../../examples/hyper.rs"]
mod hyper;
mod hyper_service;
#[path = "../support/mod.rs"]
mod support;

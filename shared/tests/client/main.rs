//! The client middleware and layer: spans, context, baggage and secrets.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod attempts;
mod baggage;
mod context;
mod failures;
mod layer;
mod layer_failures;
mod layer_stack;
mod resends;
mod secrets;
#[path = "../support/mod.rs"]
mod support;

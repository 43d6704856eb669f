//! Propagation according to the specifications, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "what comes in is read into an empty context"
)]

mod adapters;
mod b3;
mod baggage;
mod carriers;
#[expect(dead_code, unreachable_pub, reason = "an example, with its `main`")]
#[path = "../../examples/channel.rs"]
mod channel;
mod properties;
#[path = "../support/mod.rs"]
mod support;
mod traceparent;
mod tracestate;
mod trust;

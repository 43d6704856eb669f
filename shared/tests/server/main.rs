//! The server layer: spans, context, logs and every end of a request.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod abandoned;
mod access_log;
mod bodies;
mod claims;
mod clock_step;
mod context;
mod current_span;
mod exits;
mod failures;
mod hops;
mod hostile;
mod idioms;
mod layers;
mod load;
mod logs;
mod methods;
mod nested;
mod options;
mod panics;
mod recording;
mod routes;
mod sampling;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
mod tower;

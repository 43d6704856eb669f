//! Tools to test propagation: record the spans of this process, show them as a tree, and find orphans.
//!
//! Requires the cargo feature `testing`.
//!
//! ```
//! # fn main() { tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use shared::testing::recorder;
//!
//! #[tracing::instrument]
//! async fn place_order() {
//!     charge_payment().await;
//! }
//! #[tracing::instrument]
//! async fn charge_payment() {}
//!
//! let recorder = recorder();
//! let (trace_id, ()) = recorder.in_trace("test", place_order()).await;
//! let trace = recorder.trace(&trace_id, 3).await;
//! trace.assert_joined();
//! assert_eq!(trace.tree(), "\
//! INTERNAL test
//!   INTERNAL place_order
//!     INTERNAL charge_payment
//! ");
//! # }) }
//! ```
//!
//! All tests of a process share one recorder and run in parallel, so each test looks only at its own trace.

mod recorder;
mod trace;

pub use self::{
    recorder::{Recorder, recorder},
    trace::{Event, Span, Trace},
};

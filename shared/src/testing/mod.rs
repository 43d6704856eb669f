//! For tests of one's own propagation: record spans in the process, look at them as a tree, and be told what fell off.
//!
//! With the cargo feature `testing`:
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
//! The recorder is the process's own and tests run in parallel, so each looks at its own trace.

mod recorder;
mod trace;

pub use self::{
    recorder::{Recorder, recorder},
    trace::{Event, Span, Trace},
};

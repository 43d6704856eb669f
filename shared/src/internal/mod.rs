//! Internals that the public modules share. Only [`error`] and [`redact`] are public; they are exported at the crate
//! root.
//!
//! - [`tracer`]: starts the spans of this crate, timed by [`clock`] and sampled by [`decision`]
//! - [`semconv`]: the names from the semantic conventions
//! - [`metrics`] and [`headers`]: instruments and recorded headers of server and client
//! - [`stdio`] and [`thread_context`]: output and context of the log and the panic hook, which must work even while a thread
//!   or the process ends

pub(crate) mod clock;
#[cfg(any(feature = "client", feature = "server", feature = "telemetry"))]
#[cfg_attr(
    not(all(feature = "telemetry", any(feature = "client", feature = "server"))),
    expect(
        dead_code,
        reason = "`telemetry` sets it, `client` and `server` read it"
    )
)]
pub(crate) mod decision;
pub mod error;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) mod headers;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) mod metrics;
pub mod redact;
pub(crate) mod semconv;
#[cfg(feature = "telemetry")]
pub(crate) mod stdio;
#[cfg(feature = "telemetry")]
pub(crate) mod thread_context;
pub(crate) mod tracer;

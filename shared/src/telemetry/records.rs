//! Records of the `log` crate, on their way into the log.

use tracing::level_filters::LevelFilter;
use tracing_log::{AsLog as _, LogTracer};

/// Makes an event of every record that passes the subscriber's filters. Whoever has set a logger before keeps it.
pub(super) fn bridge() {
    // A record that no filter lets through costs one comparison.
    let most = LevelFilter::current().as_log();
    let _ = LogTracer::builder().with_max_level(most).init();
}

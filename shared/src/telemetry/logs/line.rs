//! [`Lines`]: the layer that writes each event as one line, built in reusable buffers.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context};

use super::{buffers::Buffers, json::Json, output, pretty::Pretty};

/// Maximum size, in bytes, of a buffer that is kept for the next line.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

pub(super) enum Lines {
    Json(Json),
    Pretty(Pretty),
}

impl Lines {
    fn log(&self, event: &Event<'_>, buffers: &mut Buffers) {
        buffers.clear();
        // `humantime` cannot format times before 1970.
        let time = SystemTime::now().max(UNIX_EPOCH);
        match self {
            Self::Json(json) => json.write(event, time, buffers),
            Self::Pretty(pretty) => pretty.write(event, time, buffers),
        }
        buffers.line.push('\n');
        output::log(&buffers.line, *event.metadata().level());
        buffers.line.shrink_to(KEPT_BYTES);
        buffers.text.shrink_to(KEPT_BYTES);
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let logged = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.try_borrow_mut().ok()?;
            self.log(event, &mut buffers);
            Some(())
        });
        // The buffers of the thread are unavailable if a value logs while it is formatted, or if the thread
        // is ending.
        if !matches!(logged, Ok(Some(()))) {
            self.log(event, &mut Buffers::default());
        }
    }
}

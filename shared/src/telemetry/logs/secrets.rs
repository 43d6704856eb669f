//! [`Redacting`]: removes secrets from error texts in fields of log lines.

use std::{error::Error, fmt};

use tracing::field::{Field, Visit};

use crate::{error, redact};

/// Passes fields to another visitor and redacts error texts. A field contains an error text if its value is
/// an error, or if its name indicates an error, such as `error`.
pub(super) struct Redacting<'a, V>(pub(super) &'a mut V);

impl<V: Visit> Visit for Redacting<'_, V> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.record_f64(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.record_i64(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.record_u64(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.record_i128(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.record_u128(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.record_bool(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if redact::is_error(field.name()) {
            self.0.record_str(field, &redact::text(value));
        } else {
            self.0.record_str(field, value);
        }
    }

    /// Records the error and its causes as one text.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let chain = error::chain(value);
        self.0.record_debug(field, &format_args!("{chain}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if redact::is_error(field.name()) {
            let text = text(value);
            self.0
                .record_debug(field, &format_args!("{}", redact::text(&text)));
        } else {
            self.0.record_debug(field, value);
        }
    }
}

/// Formats a value. If formatting fails, returns the part written so far.
fn text(value: &dyn fmt::Debug) -> String {
    let mut text = String::new();
    let _ = fmt::Write::write_fmt(&mut text, format_args!("{value:?}"));
    text
}

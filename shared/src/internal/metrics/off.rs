//! Replaces `on` without the cargo feature `metrics`. Nothing here can be constructed, so the compiler removes the code.

use std::sync::OnceLock;

use opentelemetry::KeyValue;

use super::Instruments;

/// Never has instruments, since [`Meter`] cannot be constructed.
#[derive(Debug)]
pub(crate) struct Metrics<I>(Option<(Meter, OnceLock<I>)>);

impl<I: Instruments> Metrics<I> {
    pub(crate) fn instruments(&self) -> Option<&I> {
        let (meter, made) = self.0.as_ref()?;
        Some(made.get_or_init(|| I::new(meter)))
    }
}

impl<I> Default for Metrics<I> {
    fn default() -> Self {
        Self(None)
    }
}

impl<I> Clone for Metrics<I> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

#[derive(Debug)]
pub(crate) enum Meter {}

impl Meter {
    pub(crate) fn seconds(&self, _name: &str, _description: &str) -> Histogram {
        match *self {}
    }

    #[cfg(feature = "server")]
    pub(crate) fn requests(&self, _name: &str, _description: &str) -> UpDownCounter {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) enum Histogram {}

impl Histogram {
    pub(crate) fn record(&self, _seconds: f64, _attributes: &[KeyValue]) {
        match *self {}
    }
}

#[cfg(feature = "server")]
#[derive(Debug)]
pub(crate) enum UpDownCounter {}

#[cfg(feature = "server")]
impl UpDownCounter {
    pub(crate) fn add(&self, _change: i64, _attributes: &[KeyValue]) {
        match *self {}
    }
}

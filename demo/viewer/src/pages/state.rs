//! The state that all pages share.

use std::sync::Arc;

use crate::store::Store;
use crate::summary::Summaries;

/// The state that all pages share.
#[derive(Clone)]
pub(super) struct Viewer {
    pub(super) store: Store,
    pub(super) summaries: Arc<Summaries>,
}

//! The state that all pages share.

use std::sync::Arc;

use super::back_link::BackLink;
use super::shell::Shell;
use crate::store::Store;
use crate::summary::Summaries;

/// The state that all pages share.
#[derive(Clone)]
pub(super) struct Viewer {
    pub(super) store: Store,
    pub(super) summaries: Arc<Summaries>,
    pub(super) back_link: BackLink,
}

impl Viewer {
    /// Creates a page with this title.
    pub(super) fn shell(&self, title: &str) -> Shell {
        Shell::new(title, self.back_link.clone())
    }
}

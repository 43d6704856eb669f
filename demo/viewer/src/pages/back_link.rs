//! The link from the viewer's pages back to the program whose requests they show.

use std::sync::{Arc, OnceLock};

/// A link on every page of the viewer, such as `Back to checkout`. Clones share the link.
///
/// The link can be set after the pages are served, since the program may start later. Until then, the pages do not have
/// the link.
#[derive(Clone, Debug, Default)]
pub struct BackLink(Arc<OnceLock<Target>>);

#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) url: String,
}

impl BackLink {
    /// Sets the name of the program and the URL of its page. Only the first call has an effect.
    pub fn set(&self, name: &str, url: &str) {
        let (name, url) = (name.to_owned(), url.to_owned());
        let _ = self.0.set(Target { name, url });
    }

    pub(super) fn target(&self) -> Option<&Target> {
        self.0.get()
    }
}

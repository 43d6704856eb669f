//! [`KnownRoute`]: the matched route, from axum or from the [`Route`] extension, kept without copying the text.

use http::request::Parts;

use super::{extensions::Route, framework::MatchedPath};

pub(super) enum KnownRoute {
    Told(Route),
    /// Available to layers added with `Router::layer`.
    Matched(MatchedPath),
}

impl KnownRoute {
    pub(super) fn of(request: &Parts) -> Option<Self> {
        let told = request.extensions.get().cloned().map(Self::Told);
        told.or_else(|| request.extensions.get().cloned().map(Self::Matched))
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Told(Route(route)) => route,
            Self::Matched(path) => path.as_str(),
        }
    }
}

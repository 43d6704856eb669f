//! [`KnownRoute`]: the matched route, from axum or from the [`Route`] extension, kept without copying the text.

#[cfg(feature = "axum")]
use axum::extract::MatchedPath;
use http::request::Parts;

use super::extensions::Route;

pub(super) enum KnownRoute {
    Declared(Route),
    /// The route that axum matched. Available only to layers added with `Router::layer`.
    #[cfg(feature = "axum")]
    Matched(MatchedPath),
}

impl KnownRoute {
    pub(super) fn of(request: &Parts) -> Option<Self> {
        let route = request.extensions.get().cloned().map(Self::Declared);
        #[cfg(feature = "axum")]
        let route = route.or_else(|| request.extensions.get().cloned().map(Self::Matched));
        route
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Declared(Route(route)) => route,
            #[cfg(feature = "axum")]
            Self::Matched(path) => path.as_str(),
        }
    }
}

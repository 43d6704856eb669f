//! [`Attempts`]: counts the attempts of a request. Stored in the extensions of the request.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use http::{Extensions, Method};

/// The last request that was sent with a set of extensions. The caller may reuse the extensions for a different
/// request, which is not a resend.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    /// A hash of the method and the URL, which is cheaper than copies of both for each request.
    request: u64,
    sent: i64,
    is_answered: bool,
}

impl Attempts {
    /// Counts an attempt and returns the number of previous attempts. The count restarts at zero if the method or URL
    /// changes, and after a successful response.
    pub(super) fn next(extensions: &mut Extensions, method: &Method, url: &str) -> i64 {
        let mut hasher = DefaultHasher::new();
        (method, url).hash(&mut hasher);
        let request = hasher.finish();
        if let Some(last) = extensions.get_mut::<Self>()
            && !last.is_answered
            && last.request == request
        {
            last.sent += 1;
            return last.sent - 1;
        }
        extensions.insert(Self {
            request,
            sent: 1,
            is_answered: false,
        });
        0
    }

    /// Records that the last attempt had a successful response.
    #[cfg(feature = "reqwest")]
    pub(super) fn answered(extensions: &mut Extensions) {
        if let Some(last) = extensions.get_mut::<Self>() {
            last.is_answered = true;
        }
    }
}

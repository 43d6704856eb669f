//! [`Attempts`]: how often a request was sent, kept in its extensions from attempt to attempt.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use http::{Extensions, Method};

/// The request that these extensions went with last. The caller may use them for another one, which is no resend.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    /// A hash of method and URL, which are not kept for every request just to be compared with those of a rare second.
    request: u64,
    sent: i64,
    is_answered: bool,
}

impl Attempts {
    /// Counts an attempt; gives how many there were before it. A request of another method or URL begins anew, and so
    /// does one that was answered well: nobody sends that a second time because of how the first went.
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

    /// The last attempt had an answer that is no error.
    #[cfg(feature = "reqwest")]
    pub(super) fn answered(extensions: &mut Extensions) {
        if let Some(last) = extensions.get_mut::<Self>() {
            last.is_answered = true;
        }
    }
}

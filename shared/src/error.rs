//! An error and what is behind it.

use std::error::Error;

/// An error and its causes as one line, from the outermost to the root: for a log line, never for a caller.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The error itself, then what caused it, then what caused that.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

//! [`ErrorKind`]: derives `error.type` from the error of the inner client, which is typed or boxed.

use std::error::Error;

use super::failure;

/// A boxed error, as returned by tower's `Buffer`, `Timeout` and `SpawnReady`.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Derives the value of `error.type` from a client's error.
pub trait ErrorKind<E> {
    #[doc(hidden)]
    fn error_type(error: &E) -> &'static str;
}

/// The kind of errors that implement [`Error`].
#[derive(Debug, Clone, Copy)]
pub struct Typed;

/// The kind of boxed errors, which do not implement [`Error`] themselves.
#[derive(Debug, Clone, Copy)]
pub struct Boxed;

impl<E: Error + 'static> ErrorKind<E> for Typed {
    fn error_type(error: &E) -> &'static str {
        failure::name(error)
    }
}

impl ErrorKind<BoxError> for Boxed {
    fn error_type(error: &BoxError) -> &'static str {
        failure::name(&**error)
    }
}

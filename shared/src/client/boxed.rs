//! [`ErrorKind`]: reads the error of the inner client, typed or boxed.

use std::error::Error;

use super::failure;

/// A boxed error, as returned by tower's `Buffer`, `Timeout` and `SpawnReady`.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Names the cause of a failure, for `error.type`.
pub trait ErrorKind<E> {
    #[doc(hidden)]
    fn error_type(error: &E) -> &'static str;
}

/// Errors that implement [`Error`].
#[derive(Debug, Clone, Copy)]
pub struct Typed;

/// Boxed errors, which do not implement it.
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

//! [`sqlite_url`]: a database file as a `DATABASE_URL`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Characters to percent-encode: all that may have a special meaning in a URL, such as `?`, `#`, `%` and spaces.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// Returns the URL of a database file, which is created if it is missing.
pub(crate) fn sqlite_url(file: &Path) -> String {
    let file = percent_encode(file.as_os_str().as_bytes(), &ENCODED);
    format!("sqlite://{file}?mode=rwc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_reserved_characters_is_encoded() {
        assert_eq!(
            sqlite_url(Path::new("/tmp/a?b#c%41 d/x-1_2.sqlite")),
            "sqlite:///tmp/a%3Fb%23c%2541%20d/x-1_2.sqlite?mode=rwc"
        );
    }
}

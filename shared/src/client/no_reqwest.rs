//! No `reqwest`, and none of its errors.

pub(super) fn name(_: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    None
}

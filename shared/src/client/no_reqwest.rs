//! Replaces `reqwest.rs` without the cargo feature `reqwest`.

pub(super) fn name(_: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    None
}

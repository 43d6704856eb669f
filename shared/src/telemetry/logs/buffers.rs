//! [`Buffers`]: reusable memory in which a thread formats its log lines.

use std::ops::Range;

/// The key of each field and its byte range in the text, in the order in which fields are recorded.
pub(super) type Parts = Vec<(&'static str, Range<usize>)>;

#[derive(Default)]
pub(super) struct Buffers {
    pub(super) line: String,
    /// A part of the line that is formatted before its position in the line is known, or before it is
    /// escaped.
    pub(super) text: String,
    pub(super) parts: Parts,
}

impl Buffers {
    pub(super) fn clear(&mut self) {
        self.line.clear();
        self.text.clear();
        self.parts.clear();
    }
}

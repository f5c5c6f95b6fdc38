//! Keeps text that goes into answers short. It never splits a character.

/// `text`, or as much of its beginning as fits into `max_bytes`.
pub(crate) fn cut(mut text: String, max_bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}

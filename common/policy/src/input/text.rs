//! Bytes as text, as Go's JSON has them.

/// The bytes as text, each that isn't UTF-8 as U+FFFD.
pub(super) fn go_lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

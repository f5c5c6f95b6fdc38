//! A request's headers in the one form that tokens, correlation and policy see them in: lower-case names, sorted, repeats
//! joined by a comma, which is how Envoy fills its `headers` map. Never decides what a header means.

use std::borrow::Cow;

/// The headers of one request.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    /// Sorted by name, each name once.
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Headers<'a> {
    /// From text, where repeats may be joined already.
    pub fn from_text(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::collect(
            pairs
                .into_iter()
                .map(|(name, value)| (lower_case(name), Cow::Borrowed(value))),
        )
    }

    /// From raw bytes, each repeat on its own. What isn't UTF-8 becomes `!`, byte for byte, as Envoy does it.
    pub fn from_raw(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self::collect(
            pairs
                .into_iter()
                .map(|(name, value)| (lower_case(name), text_of(value))),
        )
    }

    fn collect(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut sorted: Vec<_> = pairs.collect();
        // Stable: repeats stay in the order in which they were sent.
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        let mut entries: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(sorted.len());
        for (name, value) in sorted {
            match entries.last_mut() {
                Some((last, joined)) if *last == name => {
                    let joined = joined.to_mut();
                    joined.push(',');
                    joined.push_str(&value);
                }
                _ => entries.push((name, value)),
            }
        }
        Self { entries }
    }

    /// The value under `name`, which must be lower case; repeats are joined by `,`.
    pub fn value(&self, name: &str) -> Option<&str> {
        let at = self
            .entries
            .binary_search_by(|(entry, _)| entry.as_ref().cmp(name))
            .ok()?;
        self.entries.get(at).map(|(_, value)| value.as_ref())
    }

    /// All headers by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn text_of(value: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(value) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(value.len());
    for chunk in value.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '!'));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_joined_in_the_order_sent_whatever_their_case() {
        let headers = Headers::from_raw([
            ("X-B", b"1".as_slice()),
            ("accept", b"text/html".as_slice()),
            ("x-b", b"2".as_slice()),
            ("x-B", b"0".as_slice()),
        ]);
        assert_eq!(headers.value("x-b"), Some("1,2,0"));
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("accept", "text/html"), ("x-b", "1,2,0")]
        );
    }

    #[test]
    fn bytes_that_are_not_text_become_exclamation_marks() {
        let headers = Headers::from_raw([("x-a", b"a\xff\xfe\xc3\xa9".as_slice())]);
        assert_eq!(headers.value("x-a"), Some("a!!é"));
    }

    #[test]
    fn both_forms_of_a_request_give_the_same_headers() {
        let raw = Headers::from_raw([("x-a", b"1".as_slice()), ("x-a", b"2".as_slice())]);
        let text = Headers::from_text([("x-a", "1,2")]);
        assert_eq!(raw.iter().collect::<Vec<_>>(), text.iter().collect::<Vec<_>>());
    }

    #[test]
    fn an_absent_header_is_none_and_an_empty_one_is_empty() {
        let headers = Headers::from_text([("x-a", "")]);
        assert_eq!(headers.value("x-a"), Some(""));
        assert_eq!(headers.value("x-b"), None);
    }
}

//! A request's headers in the one form that tokens, correlation and policy see them in: lower-case names, each once, repeats
//! joined by a comma, which is how Envoy fills its `headers` map. Never decides what a header means.

use std::borrow::Cow;

/// So many headers are looked through one by one; Envoy takes no more than 100 where nobody raised that.
const FEW: usize = 128;

/// The headers of one request.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    /// Each name once, in the order of its first.
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// How many came, repeats one by one where they were told so.
    lines: usize,
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
        let mut headers = Self {
            entries: Vec::with_capacity(pairs.size_hint().0.min(FEW)),
            lines: 0,
        };
        let mut seen = Seen::default();
        for (name, value) in pairs {
            headers.lines += 1;
            if headers.entries.len() < FEW {
                headers.add(&mut seen, name, value);
            } else {
                headers.entries.push((name, value));
            }
        }
        if headers.entries.len() >= FEW {
            headers.join_sorted();
        }
        headers
    }

    /// Most names come once, and aren't looked for among those before.
    fn add(&mut self, seen: &mut Seen, name: Cow<'a, str>, value: Cow<'a, str>) {
        let repeated = seen.note(&name);
        match self
            .entries
            .iter_mut()
            .find(|(entry, _)| repeated && *entry == name)
        {
            Some((_, joined)) => join(joined, &value),
            None => self.entries.push((name, value)),
        }
    }

    /// For so many that looking for each among all would take long.
    fn join_sorted(&mut self) {
        // Stable: repeats stay in the order in which they were sent.
        self.entries.sort_by(|left, right| left.0.cmp(&right.0));
        self.entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                join(&mut earlier.1, &later.1);
            }
            same
        });
    }

    /// The value under `name`, which must be lower case; repeats are joined by `,`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(entry, _)| entry.as_ref() == name)
            .map(|(_, value)| value.as_ref())
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

    /// How many headers came: repeats one by one, as far as they weren't joined on the way.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Which names may have come: says yes for all that did, and for some that didn't. A mesh's own headers begin alike and
/// differ in their last letters.
#[derive(Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Whether `name` may have come before; now it has.
    fn note(&mut self, name: &str) -> bool {
        let bytes = name.as_bytes();
        let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                u32::from_le_bytes(*first).rotate_left(13) ^ u32::from_le_bytes(*last)
            }
            _ => bytes.iter().fold(0, |ends, byte| ends << 8 | u32::from(*byte)),
        };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let place = (ends ^ length).wrapping_mul(0x9e37_79b1) >> 24;
        let bit = 1 << (place % 64);
        let Some(word) = self.0.get_mut((place / 64) as usize) else {
            return true;
        };
        let came = *word & bit != 0;
        *word |= bit;
        came
    }
}

fn join(joined: &mut Cow<'_, str>, value: &str) {
    let joined = joined.to_mut();
    joined.push(',');
    joined.push_str(value);
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
            [("x-b", "1,2,0"), ("accept", "text/html")]
        );
    }

    #[test]
    fn many_headers_are_joined_as_few_are() {
        let names: Vec<String> = (0..400).map(|at| format!("x-{}", at % 150)).collect();
        let headers = Headers::from_raw(names.iter().map(|name| (name.as_str(), b"v".as_slice())));
        assert_eq!(headers.len(), 150);
        assert_eq!(headers.value("x-7"), Some("v,v,v"));
        assert_eq!(headers.value("x-149"), Some("v,v"));
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

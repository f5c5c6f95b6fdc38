//! A request's headers as they came, told in the one form that tokens, correlation and policy see them in: lower-case names,
//! each once, repeats joined by a comma, which is how Envoy fills its `headers` map. What nobody asks for isn't looked at:
//! most of a request's bytes are. Never decides what a header means.

use std::borrow::Cow;
use std::sync::OnceLock;

/// So many headers are looked through one by one; Envoy takes no more than 100 where nobody raised that.
const FEW: usize = 128;

/// A header as it came: a name, which is UTF-8, and a value.
pub type Line<'a> = (&'a [u8], &'a [u8]);

/// The headers of one request.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    lines: Vec<Line<'a>>,
    /// Made when it is first needed: by what asks for all, or for a value that isn't one line of text.
    joined: OnceLock<Box<[Entry]>>,
}

impl<'a> Headers<'a> {
    /// From text, where repeats may be joined already.
    pub fn from_text(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::from_raw(pairs.into_iter().map(|(name, value)| (name, value.as_bytes())))
    }

    /// From raw bytes, each repeat on its own. What isn't UTF-8 becomes `!`, byte for byte, as Envoy does it.
    pub fn from_raw(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self::from_lines(
            pairs
                .into_iter()
                .map(|(name, value)| (name.as_bytes(), value))
                .collect(),
        )
    }

    /// The same, of which the reader has seen that all names are UTF-8: nobody has to look again.
    pub fn from_lines(lines: Vec<Line<'a>>) -> Self {
        Self {
            lines,
            joined: OnceLock::new(),
        }
    }

    /// The value under `name`, which must be lower case; repeats are joined by `,`.
    pub fn value(&self, name: &str) -> Option<&str> {
        match self.only_line(name)? {
            Some(value) if let Ok(text) = std::str::from_utf8(value) => Some(text),
            _ => self.joined_value(name),
        }
    }

    /// The same, as it came where it is one line: for what is compared, or hashed, rather than read.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        match self.only_line(name)? {
            Some(value) => Some(value),
            None => self.joined_value(name).map(str::as_bytes),
        }
    }

    /// The value of the one line of that name; `Some(None)` for several.
    fn only_line(&self, name: &str) -> Option<Option<&'a [u8]>> {
        let mut lines = self
            .lines
            .iter()
            .filter(|(came, _)| came.eq_ignore_ascii_case(name.as_bytes()));
        let (_, value) = lines.next()?;
        Some(lines.next().is_none().then_some(*value))
    }

    fn joined_value(&self, name: &str) -> Option<&str> {
        let mut all = self.iter();
        all.find(|(came, _)| *came == name).map(|(_, value)| value)
    }

    /// All headers by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.joined().iter().filter_map(|entry| {
            let (name, value) = self.lines.get(entry.line)?;
            let value = match &entry.value {
                Some(made) => made,
                None => std::str::from_utf8(value).ok()?,
            };
            let name = match &entry.name {
                Some(made) => made,
                None => std::str::from_utf8(name).ok()?,
            };
            Some((name, value))
        })
    }

    /// The headers as they came, of a reader who knows that names and values are UTF-8 and that no name comes twice.
    pub fn verbatim(&self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        self.lines.iter().filter_map(|(name, value)| {
            Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
        })
    }

    /// The value of the header that came under exactly this name, of the same reader.
    pub fn verbatim_value(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.lines.iter();
        let (_, value) = lines.find(|(came, _)| *came == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// The names as they came: in any case, and repeated.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.lines.iter().map(|(name, _)| *name)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.joined().len()
    }

    /// How many headers came: repeats one by one, as far as they weren't joined on the way.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The headers as they came, given back.
    #[must_use]
    pub fn into_lines(self) -> Vec<Line<'a>> {
        self.lines
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn joined(&self) -> &[Entry] {
        self.joined
            .get_or_init(|| Joining::of(&self.lines).into_entries())
    }
}

/// A header under its one name.
#[derive(Debug, Clone)]
struct Entry {
    /// Its first line.
    line: usize,
    /// What it is told as, where it isn't told as it came.
    name: Option<String>,
    value: Option<String>,
}

/// Headers being joined: each name once, in the order of its first.
struct Joining<'a> {
    entries: Vec<Joined<'a>>,
}

struct Joined<'a> {
    line: usize,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Joining<'a> {
    fn of(lines: &[Line<'a>]) -> Self {
        let mut joining = Self {
            entries: Vec::with_capacity(lines.len()),
        };
        let mut seen = SeenNames::default();
        for (line, (name, value)) in lines.iter().enumerate() {
            let entry = Joined {
                line,
                name: lower_case(text_of(name)),
                value: text_of(value),
            };
            if joining.entries.len() < FEW {
                joining.add(&mut seen, entry);
            } else {
                joining.entries.push(entry);
            }
        }
        if joining.entries.len() >= FEW {
            joining.join_sorted();
        }
        joining
    }

    fn into_entries(self) -> Box<[Entry]> {
        let entries = self.entries.into_iter();
        entries
            .map(|joined| Entry {
                line: joined.line,
                name: made(joined.name),
                value: made(joined.value),
            })
            .collect()
    }

    /// Most names come once, and aren't looked for among those before.
    fn add(&mut self, seen: &mut SeenNames, entry: Joined<'a>) {
        let repeated = seen.note(entry.name.as_bytes());
        let mut earlier = self.entries.iter_mut();
        match earlier.find(|earlier| repeated && earlier.name == entry.name) {
            Some(earlier) => join(&mut earlier.value, &entry.value),
            None => self.entries.push(entry),
        }
    }

    /// For so many that looking for each among all would take long.
    fn join_sorted(&mut self) {
        // Stable: repeats stay in the order in which they were sent.
        self.entries.sort_by(|left, right| left.name.cmp(&right.name));
        self.entries.dedup_by(|later, earlier| {
            let same = later.name == earlier.name;
            if same {
                join(&mut earlier.value, &later.value);
            }
            same
        });
    }
}

fn made(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

/// Which names may have come: says yes for all that did, and for some that didn't. A mesh's own headers begin alike and
/// differ in their last letters.
#[derive(Debug, Default)]
pub struct SeenNames([u64; 16]);

impl SeenNames {
    /// Whether this name may have come before, in whatever case; now it has.
    #[inline]
    pub fn note(&mut self, bytes: &[u8]) -> bool {
        const LOWER: u32 = 0x2020_2020;
        let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                (u32::from_le_bytes(*first) | LOWER).rotate_left(13) ^ (u32::from_le_bytes(*last) | LOWER)
            }
            _ => bytes
                .iter()
                .fold(0, |ends, byte| ends << 8 | u32::from(*byte | 0x20)),
        };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let place = (ends ^ length).wrapping_mul(0x9e37_79b1) >> 22;
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

fn lower_case(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        name
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

//! The little of Rego's text that must be understood without its compiler: references of names, and the package that a
//! module begins with. What isn't understood isn't guessed at; OPA's parser then has the word.

use postern_rego::Value;

use super::path::Segment;

/// The package of a module, below `data`; `None` where the text doesn't begin with one.
#[must_use]
pub fn package(module: &str) -> Option<Vec<String>> {
    let mut scanner = Scanner::new(module.strip_prefix('\u{feff}').unwrap_or(module));
    scanner.skip();
    if scanner.word() != Some("package") || !scanner.skip() {
        return None;
    }
    let mut package = vec![scanner.word()?.to_owned()];
    while let Some(step) = scanner.step() {
        match step? {
            Segment::Name(name) => package.push(name),
            Segment::Number(_) => return None,
        }
    }
    Some(package)
}

/// A reference to a document: its steps as far as they are names and numbers, and what comes after them. `None` for another
/// document than `data`.
pub(crate) fn reference(text: &str) -> Option<(Vec<Segment>, &str)> {
    let mut scanner = Scanner::new(text);
    if scanner.word() != Some("data") {
        return None;
    }
    let mut steps = Vec::new();
    loop {
        let before = scanner.rest;
        match scanner.step() {
            Some(Some(step)) => steps.push(step),
            Some(None) | None => return Some((steps, before)),
        }
    }
}

/// Whether it can stand after a dot.
pub(super) fn is_word(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.word().is_some() && scanner.is_at_end()
}

/// Goes over a text from its beginning.
pub(super) struct Scanner<'t> {
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Skips white space and comments; whether there was any.
    fn skip(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if !self.rest.starts_with('#') {
                return self.rest.len() < before;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    /// A name as it stands without quotes.
    pub(super) fn word(&mut self) -> Option<&'t str> {
        let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        let end = self
            .rest
            .find(|c: char| !is_letter(c) && !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        if !word.starts_with(is_letter) {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    fn take(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next step of a reference: `None` at its end, `Some(None)` where it goes on with something that is neither a name
    /// nor a number.
    pub(super) fn step(&mut self) -> Option<Option<Segment>> {
        if self.take('.') {
            return Some(self.word().map(|word| Segment::Name(word.to_owned())));
        }
        if !self.take('[') {
            return None;
        }
        self.skip();
        let segment = self
            .string()
            .map(Segment::Name)
            .or_else(|| self.number().map(Segment::Number));
        self.skip();
        Some(segment.filter(|_| self.take(']')))
    }

    fn string(&mut self) -> Option<String> {
        if let Some(rest) = self.rest.strip_prefix('`') {
            let (text, rest) = rest.split_once('`')?;
            self.rest = rest;
            return Some(text.to_owned());
        }
        let inner = self.rest.strip_prefix('"')?;
        let mut escaped = false;
        let end = inner.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let (quoted, rest) = self.rest.split_at_checked(end.checked_add(2)?)?;
        let value = Value::from_json_str(quoted).ok()?;
        self.rest = rest;
        value.as_str().map(str::to_owned)
    }

    fn number(&mut self) -> Option<i64> {
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let sign = self.rest.len().saturating_sub(digits.len());
        let (number, rest) = self.rest.split_at_checked(sign.checked_add(length)?)?;
        let number = number.parse().ok()?;
        self.rest = rest;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as `opa parse` has it; `tests/compile.rs` holds some of them to it.
    #[test]
    fn a_package_is_read_as_opas_parser_reads_it() {
        for (text, expected) in [
            ("package a.b\nx := 1\n", Some("a b")),
            ("package\na.b\n", Some("a b")),
            ("package  # c\n a.b\n", Some("a b")),
            ("# hi\n\n\tpackage a[\"b c\"].d[\"\\u00e9\"]\n", Some("a b c d é")),
            ("package a[`raw`]", Some("a raw")),
            ("package a[ \"b\" ]", Some("a b")),
            ("\u{feff}package a", Some("a")),
            ("package a x := 1", Some("a")),
            ("package a.if", Some("a if")),
            ("package a.b\r\n\r\nx := 1", Some("a b")),
            ("package \"a\"", None),
            ("package é.b", None),
            ("package a. b", None),
            ("package a[1]", None),
            ("package a.9", None),
            ("package a[$\"x\"]", None),
            ("packages a", None),
            ("import a", None),
            ("package", None),
            ("", None),
            ("{}", None),
        ] {
            assert_eq!(
                package(text).map(|names| names.join(" ")).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}

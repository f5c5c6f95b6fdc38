//! Letters and words of what `--set` says.

use crate::tree::Value;

pub(crate) struct Cursor<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
        }
    }

    pub(crate) fn is_at_end(&mut self) -> bool {
        self.rest.peek().is_none()
    }

    /// Passes over `letter`, if it is next.
    pub(crate) fn take(&mut self, letter: char) -> bool {
        self.rest.next_if_eq(&letter).is_some()
    }

    /// What comes before one of `stops`, and which it was; `None` at the end. After `\` a letter is only itself.
    pub(crate) fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut word = String::new();
        while let Some(letter) = self.rest.next() {
            match letter {
                stop if stops.contains(&stop) => return (word, Some(stop)),
                '\\' => word.extend(self.rest.next()),
                letter => word.push(letter),
            }
        }
        (word, None)
    }
}

/// What the word after `=` is: a boolean or whole number if it looks like one, else text. `null` is an empty map, which
/// is what OPA makes of it.
pub(crate) fn typed(word: &str) -> Value {
    if word.eq_ignore_ascii_case("true") {
        return Value::Flag(true);
    }
    if word.eq_ignore_ascii_case("false") {
        return Value::Flag(false);
    }
    if word.eq_ignore_ascii_case("null") {
        return Value::Map(Vec::new());
    }
    let may_be_number = word == "0" || !word.starts_with('0');
    match word.parse::<i64>() {
        Ok(number) if may_be_number => Value::Number(as_float(number)),
        _ => Value::text(word),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JSON's numbers in Go are floats of 64 bits, too"
)]
fn as_float(number: i64) -> f64 {
    number as f64
}

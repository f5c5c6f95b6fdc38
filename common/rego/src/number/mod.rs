//! A number as Rego has it: the text its author wrote, compared by value.
//! Never an `f64`: integers are of any size, everything else is decimal text, computed with as OPA does (`arithmetic`).

pub(crate) mod arithmetic;
mod decimal;
mod digits;
mod float;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use decimal::Decimal;

/// The largest number of digits, or of zeros that an exponent stands for, that arithmetic takes on.
pub(crate) const MAX_DIGITS: usize = 40_000;

/// A JSON number. `1.0`, `1e0` and `1` print as they were written, and are equal.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// An integer whose text is the plain one.
    Int(i64),
    /// Everything else.
    Text(Arc<Decimal>),
}

impl Number {
    /// Reads a number in JSON's grammar and keeps its text.
    ///
    /// `None` if it isn't one, or if it has an exponent that takes it beyond 2^±100000, which OPA refuses too.
    #[must_use]
    pub fn from_source(text: &str) -> Option<Self> {
        Self::read(text, Decimal::parse)
    }

    /// Reads a number as Rego's literals may have it besides: `.5`, `+5`, `007`.
    pub(crate) fn from_literal(text: &str) -> Option<Self> {
        Self::read(text, Decimal::parse_literal)
    }

    fn read(text: &str, parse: fn(&str) -> Option<Decimal>) -> Option<Self> {
        if let Some(int) = plain_integer(text) {
            return Some(Self(Repr::Int(int)));
        }
        let decimal = parse(text)?;
        if decimal.has_exponent_mark() && !decimal.is_in_range() {
            return None;
        }
        Some(Self(Repr::Text(Arc::new(decimal))))
    }

    /// An integer.
    #[must_use]
    pub const fn from_i64(int: i64) -> Self {
        Self(Repr::Int(int))
    }

    /// An integer.
    #[must_use]
    pub fn from_u64(int: u64) -> Self {
        i64::try_from(int).map_or_else(|_| Self::from_computed(&int.to_string()), Self::from_i64)
    }

    /// A length or a position.
    #[must_use]
    pub fn from_usize(int: usize) -> Self {
        Self::from_u64(int as u64)
    }

    /// The integer, if this is one in plain form (`7`, `-0`, `7.0`, not `7e0`) of at most 19 characters that fits.
    ///
    /// This is what OPA takes for an index and for builtins' integer operands.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Text(decimal) => decimal.plain_int(),
        }
    }

    /// The integer, if the number is kept as one: its text is the plain one.
    pub(crate) fn kept_int(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Text(_) => None,
        }
    }

    /// The text of the number, as it was written if it was written in JSON's grammar.
    #[must_use]
    pub fn as_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Int(int) => Cow::Owned(int.to_string()),
            Repr::Text(decimal) => Cow::Borrowed(decimal.text()),
        }
    }

    /// The text of the number as it was written, be it JSON's grammar or not.
    pub(crate) fn source(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Int(int) => Cow::Owned(int.to_string()),
            Repr::Text(decimal) => Cow::Borrowed(decimal.source()),
        }
    }

    /// Takes the text of a computed number, which is in JSON's grammar and not held to the bound on exponents.
    fn from_computed(text: &str) -> Self {
        if let Some(int) = plain_integer(text) {
            return Self(Repr::Int(int));
        }
        match Decimal::parse(text) {
            Some(decimal) => Self(Repr::Text(Arc::new(decimal))),
            None => Self(Repr::Int(0)),
        }
    }

    fn decimal(&self) -> Cow<'_, Decimal> {
        match &self.0 {
            Repr::Int(int) => Cow::Owned(Decimal::from_i64(*int)),
            Repr::Text(decimal) => Cow::Borrowed(decimal),
        }
    }

    /// How many digits the number has when written out, near enough; 0 for small integers. Computing with it costs as
    /// the square of that.
    pub(crate) fn size(&self) -> usize {
        match &self.0 {
            Repr::Int(_) => 0,
            Repr::Text(decimal) => decimal.size(),
        }
    }

    /// Whether it is written as the other is.
    pub(crate) fn is_written_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Int(own), Repr::Int(other)) => own == other,
            (Repr::Text(own), Repr::Text(other)) => own.text() == other.text(),
            _ => false,
        }
    }

    /// How many bytes of text are kept for it; none for small integers.
    pub(crate) fn text_len(&self) -> usize {
        match &self.0 {
            Repr::Int(_) => 0,
            Repr::Text(decimal) => decimal.text().len(),
        }
    }

    /// The bytes of what is kept for it, unless others have it, too.
    pub(crate) fn own_text(&self) -> usize {
        match &self.0 {
            // The text, and its digits.
            Repr::Text(decimal) if Arc::strong_count(decimal) == 1 => 96 + 2 * decimal.text().len(),
            Repr::Int(_) | Repr::Text(_) => 0,
        }
    }

    /// Whether the value is an integer, whatever its form and size.
    pub(crate) fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Text(decimal) => decimal.is_int(),
        }
    }

    /// The integer that this number is by value, whatever its form.
    fn int_value(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Text(decimal) => decimal.int_value(),
        }
    }
}

/// Reads `text` if it is exactly what `i64` prints.
fn plain_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.int_value(), other.int_value()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => self.decimal().compare(&other.decimal()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (&self.0, self.int_value()) {
            (_, Some(int)) => int.hash(state),
            (Repr::Text(decimal), None) => decimal.hash_value(state),
            (Repr::Int(int), None) => int.hash(state),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(int) => int.fmt(f),
            Repr::Text(decimal) => f.write_str(decimal.text()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self::from_i64(int)
    }
}

#[cfg(test)]
mod tests;

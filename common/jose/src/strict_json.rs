//! JSON objects with one meaning: duplicate members at any level, more than [`MAX_JSON_DEPTH`] levels and anything
//! after the object are refused. Never repairs what it reads.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::claims_form::{ClaimsForm, ClaimsMap, Scalar};

/// Levels of objects and arrays allowed in headers, payloads and key sets; `{}` has one.
pub const MAX_JSON_DEPTH: usize = 32;

/// The object in `text`, or `None` when it isn't exactly one JSON object within the rules above.
pub(crate) fn parse_object(text: &str) -> Option<Map<String, Value>> {
    Some(read::<ClaimsMap>(text)?.members.into_iter().collect())
}

/// The members of one object.
type Members<F> = Vec<(<F as ClaimsForm>::Name, <F as ClaimsForm>::Value)>;

/// An object that was read.
pub(crate) struct Strict<F: ClaimsForm> {
    /// Its members in the order in which they were written, no name twice.
    pub(crate) members: Members<F>,
    /// Whether each number in it, however deep, is an integer of 64 bits, so that nothing was lost.
    pub(crate) exact: bool,
}

/// As [`parse_object`], in any form.
pub(crate) fn read<F: ClaimsForm>(text: &str) -> Option<Strict<F>> {
    let exact = Cell::new(true);
    let levels = Levels::<F> {
        left: MAX_JSON_DEPTH,
        exact: &exact,
        form: PhantomData,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Outermost(levels).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(Strict {
        members,
        exact: exact.get(),
    })
}

/// How many levels of nesting are still allowed.
#[derive(Clone, Copy)]
struct Levels<'r, F> {
    left: usize,
    exact: &'r Cell<bool>,
    form: PhantomData<F>,
}

impl<F: ClaimsForm> Levels<'_, F> {
    fn descend<E: Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        let left = left.ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { left, ..self })
    }

    /// Reads an object's members behind `members`, which is empty.
    fn members<'de, A: MapAccess<'de>>(
        self,
        mut object: A,
        mut members: Members<F>,
    ) -> Result<Members<F>, A::Error> {
        let below = self.descend()?;
        while let Some(name) = object.next_key_seed(Name(PhantomData))? {
            members.push((name, object.next_value_seed(below)?));
        }
        if repeats(&members) {
            return Err(A::Error::custom("a member is there twice"));
        }
        Ok(members)
    }
}

/// Up to so many names are compared each with each, which for few is quicker than sorting them.
const FEW_NAMES: usize = 16;

/// Whether a name is there twice. Never takes more than a sort of the names, whatever they are.
fn repeats<N: AsRef<str>, V>(members: &[(N, V)]) -> bool {
    if members.len() > FEW_NAMES {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        return names.array_windows().any(|[one, next]| one == next);
    }
    // Most names are told apart without a look at their text, where each would be looked at many times.
    let mut marks = [0; FEW_NAMES];
    for ((name, _), mark) in members.iter().zip(&mut marks) {
        *mark = mark_of(name.as_ref());
    }
    members
        .iter()
        .zip(marks)
        .enumerate()
        .any(|(at, ((name, _), mark))| {
            let earlier = marks.get(..at).unwrap_or_default();
            let mut named = members.iter().take(at);
            earlier.contains(&mark) && named.any(|(other, _)| other.as_ref() == name.as_ref())
        })
}

/// A name's beginning and length: equal for equal names.
fn mark_of(name: &str) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    u64::from_le_bytes(first).wrapping_add((name.len() as u64).rotate_right(8))
}

/// The object that a text must be.
struct Outermost<'r, F>(Levels<'r, F>);

impl<'de, F: ClaimsForm> DeserializeSeed<'de> for Outermost<'_, F> {
    type Value = Members<F>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<F>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: ClaimsForm> Visitor<'de> for Outermost<'_, F> {
    type Value = Members<F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Members<F>, A::Error> {
        self.0.members(object, Members::<F>::with_capacity(FEW_NAMES))
    }
}

/// A member's name.
struct Name<N>(PhantomData<N>);

impl<'de, N: for<'n> From<&'n str>> DeserializeSeed<'de> for Name<N> {
    type Value = N;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<N, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<N: for<'n> From<&'n str>> Visitor<'_> for Name<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<N, E> {
        Ok(N::from(name))
    }
}

impl<'de, F: ClaimsForm> DeserializeSeed<'de> for Levels<'_, F> {
    type Value = F::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<F::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: ClaimsForm> Visitor<'de> for Levels<'_, F> {
    type Value = F::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<F::Value, E> {
        Ok(F::scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<F::Value, E> {
        Ok(F::scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<F::Value, E> {
        Ok(F::scalar(Scalar::Signed(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<F::Value, E> {
        let scalar = i64::try_from(value).map_or(Scalar::Unsigned(value), Scalar::Signed);
        Ok(F::scalar(scalar))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<F::Value, E> {
        if !value.is_finite() {
            return Err(E::custom("not a finite number"));
        }
        self.exact.set(false);
        Ok(F::scalar(Scalar::Double(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<F::Value, E> {
        Ok(F::scalar(Scalar::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<F::Value, A::Error> {
        let below = self.descend()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(below)? {
            items.push(item);
        }
        Ok(F::array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<F::Value, A::Error> {
        let members = self.members(object, Vec::new())?;
        Ok(F::nested(F::object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, open: &str, close: &str) -> String {
        format!(
            "{{\"a\":{}1{}}}",
            open.repeat(levels - 1),
            close.repeat(levels - 1)
        )
    }

    #[test]
    fn an_object_is_read_whole() {
        let text = r#" {"a":[1,-2,0.5,"\u00e9",null,true,{"b":18446744073709551615}]} "#;
        assert_eq!(
            parse_object(text).map(Value::Object),
            serde_json::from_str(text).ok()
        );
    }

    #[test]
    fn duplicate_members_are_refused_at_every_level_and_in_every_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
        ] {
            assert_eq!(parse_object(text), None, "{text}");
        }
    }

    #[test]
    fn duplicates_among_many_members_are_refused_wherever_they_stand() {
        for (count, twice) in [(16, 0), (17, 0), (17, 16), (500, 0), (500, 250), (500, 499)] {
            let members: Vec<String> = (0..count).map(|number| format!("\"m{number}\":0")).collect();
            let text = format!("{{{}}}", members.join(","));
            assert_eq!(parse_object(&text).map(|object| object.len()), Some(count));
            for text in [
                format!("{{{},\"m{twice}\":1}}", members.join(",")),
                format!("{{\"m{twice}\":1,{}}}", members.join(",")),
            ] {
                assert_eq!(parse_object(&text), None, "{text}");
            }
        }
    }

    #[test]
    fn only_integers_of_64_bits_are_exact() {
        let exact = |number: &str| {
            read::<ClaimsMap>(&format!(r#"{{"a":[{{"b":{number}}}]}}"#)).map(|read| read.exact)
        };
        for number in [
            "0",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
        ] {
            assert_eq!(exact(number), Some(true), "{number}");
        }
        for number in [
            "-0",
            "1.0",
            "1e0",
            "0.1",
            "18446744073709551616",
            "-9223372036854775809",
        ] {
            assert_eq!(exact(number), Some(false), "{number}");
        }
    }

    #[test]
    fn thirty_two_levels_are_read_and_thirty_three_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(parse_object(&nested(32, open, close)).is_some());
            assert!(parse_object(&nested(33, open, close)).is_none());
            assert!(parse_object(&nested(5_000, open, close)).is_none());
        }
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for text in [
            "",
            "1",
            "[]",
            "null",
            "\"a\"",
            "{",
            "{}{}",
            "{} x",
            "{,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\":01}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1,}",
            "\u{feff}{}",
        ] {
            assert_eq!(parse_object(text), None, "{text:?}");
        }
    }
}

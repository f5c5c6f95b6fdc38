//! What is read of a value, as bytes for a hasher: what a memory of answers is asked by.

use std::hash::Hasher;

use super::Reads;
use crate::value::Value;

/// What stands before a value.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INTEGER: u8 = 3;
    pub(super) const NUMBER: u8 = 4;
    pub(super) const STRING: u8 = 5;
    pub(super) const ARRAY: u8 = 6;
    pub(super) const SET: u8 = 7;
    pub(super) const OBJECT: u8 = 8;
    /// Of which only some members are read.
    pub(super) const PART: u8 = 9;
    /// For a member that isn't there.
    pub(super) const ABSENT: u8 = 10;
}

impl Reads {
    /// Writes what is read of `document` to `into`, with lengths before texts and kinds before values: from one and the same
    /// `Reads` the same bytes come only of documents of which [`Reads::prune`] leaves the same, down to the text of numbers, so
    /// that an evaluation can't tell them apart. Costs what is read, not what is there.
    pub fn feed(&self, document: Option<&Value>, into: &mut impl Hasher) {
        let Some(document) = document else {
            return into.write_u8(tag::ABSENT);
        };
        let (Reads::Members(members), Value::Object(object)) = (self, document) else {
            return whole(document, into);
        };
        into.write_u8(tag::PART);
        for (name, reads) in members {
            reads.feed(object.get_str(name), into);
        }
    }
}

/// Recurses as deep as the value is nested, which is bounded.
fn whole(value: &Value, into: &mut impl Hasher) {
    match value {
        Value::Null => into.write_u8(tag::NULL),
        Value::Bool(false) => into.write_u8(tag::FALSE),
        Value::Bool(true) => into.write_u8(tag::TRUE),
        Value::Number(number) => match number.kept_int() {
            Some(integer) => {
                into.write_u8(tag::INTEGER);
                into.write_i64(integer);
            }
            None => {
                into.write_u8(tag::NUMBER);
                text(&number.source(), into);
            }
        },
        Value::String(string) => {
            into.write_u8(tag::STRING);
            text(string, into);
        }
        Value::Array(array) => {
            into.write_u8(tag::ARRAY);
            into.write_u64(array.len() as u64);
            array.iter().for_each(|element| whole(element, into));
        }
        Value::Set(set) => {
            into.write_u8(tag::SET);
            into.write_u64(set.len() as u64);
            set.iter().for_each(|element| whole(element, into));
        }
        Value::Object(object) => {
            into.write_u8(tag::OBJECT);
            into.write_u64(object.len() as u64);
            for (key, value) in object {
                whole(key, into);
                whole(value, into);
            }
        }
    }
}

fn text(text: &str, into: &mut impl Hasher) {
    into.write_u64(text.len() as u64);
    into.write(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Keeps what it is given.
    #[derive(Default)]
    struct Bytes(Vec<u8>);

    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    fn fed(reads: &Reads, document: &Value) -> Vec<u8> {
        let mut bytes = Bytes::default();
        reads.feed(Some(document), &mut bytes);
        bytes.0
    }

    /// Of few names and values, so that equal ones come up.
    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop::sample::select(
            &[
                "null", "true", "false", "1", "1.0", "1e0", "-1", "\"\"", "\"1\"", "[]",
            ][..],
        )
        .prop_map(|json| Value::from_json_str(json).unwrap());
        leaf.prop_recursive(3, 12, 3, |inner| {
            let name = prop::sample::select(&["a", "b", "ab"][..]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..3).prop_map(Value::object_from),
            ]
        })
    }

    fn reads() -> impl Strategy<Value = Reads> {
        let leaf = prop_oneof![Just(Reads::All), Just(Reads::nothing())];
        leaf.prop_recursive(3, 8, 3, |inner| {
            let name = prop::sample::select(&["a", "b", "ab"][..]).prop_map(std::sync::Arc::from);
            prop::collection::vec((name, inner), 0..3)
                .prop_map(|members| Reads::Members(members.into_iter().collect::<BTreeMap<_, _>>()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_same_is_fed_of_what_reads_the_same_and_of_nothing_else(
            reads in reads(),
            one in document(),
            other in document(),
        ) {
            let same = reads.prune(&one).to_json() == reads.prune(&other).to_json();
            prop_assert_eq!(fed(&reads, &one) == fed(&reads, &other), same, "{:?} {:?} {:?}", reads, one, other);
            prop_assert_eq!(fed(&reads, &reads.prune(&one)), fed(&reads, &one));
        }
    }

    #[test]
    fn a_set_is_no_array_and_a_part_that_is_not_there_no_null() {
        let elements = || [Value::from(1), Value::from(2)].into_iter();
        let set = Value::Set(elements().collect());
        let array = Value::Array(elements().collect());
        assert_ne!(fed(&Reads::All, &set), fed(&Reads::All, &array));
        let mut absent = Bytes::default();
        Reads::All.feed(None, &mut absent);
        assert_ne!(absent.0, fed(&Reads::All, &Value::Null));
    }
}

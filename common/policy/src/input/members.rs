//! An object of the document under construction: what isn't read isn't made, and what is unset isn't put in.

use postern_rego::{Object, Value};

use super::InputError;
use super::names::Names;
use super::reads::{InputReads, Part};

/// What the making of a document goes by.
#[derive(Clone, Copy)]
pub(super) struct Making<'r> {
    pub(super) reads: &'r InputReads,
    pub(super) names: &'r Names,
}

/// Members so far, to be set in the order of their names, so that nothing needs sorting.
pub(super) struct Members<'r> {
    making: Making<'r>,
    members: Vec<(Value, Value)>,
}

impl<'r> Members<'r> {
    pub(super) fn new(making: Making<'r>) -> Self {
        Self {
            making,
            members: Vec::with_capacity(4),
        }
    }

    /// Sets a member, if it is read and there is a value.
    pub(super) fn value(&mut self, part: Part, name: &Value, value: impl FnOnce() -> Option<Value>) {
        if self.making.reads.has(part)
            && let Some(value) = value()
        {
            self.members.push((name.clone(), value));
        }
    }

    /// As [`Members::value`], of one that may fail.
    pub(super) fn try_value(
        &mut self,
        part: Part,
        name: &Value,
        value: impl FnOnce() -> Result<Value, InputError>,
    ) -> Result<(), InputError> {
        if self.making.reads.has(part) {
            self.members.push((name.clone(), value()?));
        }
        Ok(())
    }

    /// As [`Members::value`]; no text is an empty one.
    pub(super) fn text(&mut self, part: Part, name: &Value, text: &str) {
        self.value(part, name, || (!text.is_empty()).then(|| text.into()));
    }

    /// As [`Members::text`], of a text that is the same for many requests.
    pub(super) fn word(&mut self, part: Part, name: &Value, text: &str) {
        let names = self.making.names;
        self.value(part, name, || (!text.is_empty()).then(|| names.word(text)));
    }

    /// As [`Members::value`]; no number is zero.
    pub(super) fn integer(&mut self, part: Part, name: &Value, number: i64) {
        self.value(part, name, || (number != 0).then(|| number.into()));
    }

    /// As [`Members::value`]; no map is an empty one.
    pub(super) fn map(&mut self, part: Part, name: &Value, pairs: &[(&str, &str)]) {
        self.value(part, name, || (!pairs.is_empty()).then(|| map(pairs)));
    }

    pub(super) fn build(self) -> Value {
        Value::Object(self.members.into())
    }
}

fn map(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter().map(|(k, v)| (Value::from(*k), Value::from(*v)));
    Value::Object(pairs.collect::<Object>())
}

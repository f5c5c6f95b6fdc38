//! An input that its host makes as a policy looks at it: what nobody asks for is never built. Knows nothing of what the
//! document means.

use crate::number::Number;
use crate::value::Value;

/// An object whose members are made when they are looked at.
///
/// Its parts are objects with strings for keys; what isn't an object is a value. A document answers the same each time:
/// it is what [`Document::value`] of [`Part::WHOLE`] gives, in parts. A host that leaves out what
/// [`Program::reads`](crate::Program::reads) doesn't name leaves it out of both.
pub trait Document {
    /// What `part` has under `name`; `None` where it has no such member.
    fn member(&self, part: Part, name: &str) -> Option<Member<'_>>;

    /// All of a part, for who iterates over it, compares it or keeps it.
    fn value(&self, part: Part) -> &Value;

    /// Tells the document, for who writes it down elsewhere: the same as [`Document::value`] of [`Part::WHOLE`], in any
    /// order. Of parts that aren't `wanted` it may be told that they are there, and no more ([`Sink::left_out`]).
    fn tell(&self, wanted: Parts, sink: &mut dyn Sink) {
        let _ = wanted;
        tell(self.value(Part::WHOLE), sink);
    }
}

/// Who writes down a document that is told piece by piece. Names come before their values.
pub trait Sink {
    /// `null`.
    fn null(&mut self);
    /// A boolean.
    fn bool(&mut self, flag: bool);
    /// A number.
    fn number(&mut self, number: &Number);
    /// A string.
    fn text(&mut self, text: &str);
    /// What follows are elements, up to the end of the array.
    fn begin_array(&mut self);
    /// The end of the innermost array.
    fn end_array(&mut self);
    /// What follows are members, up to the end of the object. Where a name comes twice, the last one stands.
    fn begin_object(&mut self);
    /// The name of the member that comes next.
    fn key(&mut self, name: &str);
    /// The end of the innermost object.
    fn end_object(&mut self);
    /// A value that JSON doesn't have: a set, or an object with a key that is no string.
    fn odd(&mut self, value: &Value);
    /// A value that is there, in the place of which stands that it is this part.
    fn left_out(&mut self, part: Part);
}

/// Tells a value. Recurses once for each level of nesting.
pub fn tell(value: &Value, sink: &mut dyn Sink) {
    match value {
        Value::Null => sink.null(),
        Value::Bool(flag) => sink.bool(*flag),
        Value::Number(number) => sink.number(number),
        Value::String(text) => sink.text(text),
        Value::Array(array) => {
            sink.begin_array();
            array.iter().for_each(|item| tell(item, sink));
            sink.end_array();
        }
        Value::Object(object) if object.iter().all(|(key, _)| key.as_str().is_some()) => {
            sink.begin_object();
            for (key, value) in object {
                sink.key(key.as_str().unwrap_or_default());
                tell(value, sink);
            }
            sink.end_object();
        }
        Value::Object(_) | Value::Set(_) => sink.odd(value),
    }
}

/// A part of a [`Document`], by the number that its host gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part(pub u16);

impl Part {
    /// All of the document.
    pub const WHOLE: Part = Part(0);

    /// 0 for a number that has no bit.
    const fn bit(self) -> u64 {
        match 1_u64.checked_shl(self.0 as u32) {
            Some(bit) => bit,
            None => 0,
        }
    }
}

/// Some of the parts of a document. Of those with numbers from 64 on all belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(u64);

impl Parts {
    /// None that can be left out.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(u64::MAX);

    /// Those whose bits are set, each at the place that is its number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// A bit for each.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, part: Part) -> Self {
        Self(self.0 | part.bit())
    }

    /// Whether a part is one of them.
    #[must_use]
    pub const fn has(self, part: Part) -> bool {
        part.bit() == 0 || self.0 & part.bit() != 0
    }
}

/// What a part has under a name.
#[derive(Clone, Copy)]
pub enum Member<'d> {
    /// A value, made already.
    Value(&'d Value),
    /// An object of which nothing need be made yet.
    Part(Part),
}

/// A value is a document of one part.
impl Document for Value {
    fn member(&self, part: Part, name: &str) -> Option<Member<'_>> {
        if part != Part::WHOLE {
            return None;
        }
        self.get(name).map(Member::Value)
    }

    fn value(&self, _part: Part) -> &Value {
        self
    }
}

/// What a policy is asked about.
#[derive(Clone, Copy)]
pub enum Input<'e> {
    /// Nothing: whatever refers to `input` is undefined, which is not the same as an input of `null`.
    Undefined,
    /// A value.
    Value(&'e Value),
    /// A document that is made as it is looked at.
    Document(&'e dyn Document),
}

impl<'e> From<Option<&'e Value>> for Input<'e> {
    fn from(value: Option<&'e Value>) -> Self {
        value.map_or(Input::Undefined, Input::Value)
    }
}

impl<'e> From<&'e Value> for Input<'e> {
    fn from(value: &'e Value) -> Self {
        Input::Value(value)
    }
}

impl<'e> From<&'e dyn Document> for Input<'e> {
    fn from(document: &'e dyn Document) -> Self {
        Input::Document(document)
    }
}

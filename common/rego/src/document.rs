//! An input that its host makes as a policy looks at it: what nobody asks for is never built. Knows nothing of what the
//! document means.

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
}

/// A part of a [`Document`], by the number that its host gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part(pub u16);

impl Part {
    /// All of the document.
    pub const WHOLE: Part = Part(0);
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

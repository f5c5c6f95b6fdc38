//! An input as a host may give it: every object whose keys are strings is a part, and becomes a value only when it is
//! asked for whole.

use postern_rego::{Document, Member, Part, Value};

/// A value in parts.
pub(crate) struct Parted {
    parts: Vec<Node>,
}

struct Node {
    value: Value,
    /// Members that are parts.
    parts: Vec<(String, u16)>,
}

impl Parted {
    /// `None` for what isn't such an object.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let mut parted = Parted { parts: Vec::new() };
        parted.add(value)?;
        Some(parted)
    }

    fn add(&mut self, value: &Value) -> Option<u16> {
        let object = value.as_object()?;
        let names: Option<Vec<&str>> = object.keys().map(Value::as_str).collect();
        let number = u16::try_from(self.parts.len()).ok()?;
        self.parts.push(Node {
            value: value.clone(),
            parts: Vec::new(),
        });
        let inner = names?.into_iter().filter_map(|name| {
            let part = self.add(object.get_str(name)?)?;
            Some((name.to_owned(), part))
        });
        let inner: Vec<_> = inner.collect();
        self.parts[usize::from(number)].parts = inner;
        Some(number)
    }
}

impl Document for Parted {
    fn member(&self, Part(part): Part, name: &str) -> Option<Member<'_>> {
        let node = &self.parts[usize::from(part)];
        match node.parts.iter().find(|(known, _)| known == name) {
            Some((_, part)) => Some(Member::Part(Part(*part))),
            None => node.value.get(name).map(Member::Value),
        }
    }

    fn value(&self, Part(part): Part) -> &Value {
        &self.parts[usize::from(part)].value
    }
}

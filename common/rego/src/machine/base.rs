//! Lookups in the base document. OPA reads it from its storage, whose paths are made of text: `data.list["0"]` is the
//! list's first element, and `data.object[2]` the member under `"2"`. Elsewhere in Rego neither is.

use super::Machine;
use super::fault::Fault;
use super::slot::Slot;
use crate::program::{Local, Operand};
use crate::value::Value;

/// The local that holds `data`.
pub(super) const DATA: Local = 1;

impl Machine<'_> {
    /// `target := source[key]`, where `source` was reached from `data`.
    pub(super) fn dot_base(
        &mut self,
        source: Operand,
        key: Operand,
        target: Local,
        place: u32,
    ) -> Result<bool, Fault> {
        let (Some(document), Some(wanted)) = (self.read(source), self.read(key)) else {
            self.set(target, Slot::Undefined);
            return Ok(false);
        };
        // A member of an object by name is the same in storage as elsewhere.
        let by_name = matches!((document, wanted), (Value::Object(_), Value::String(_)));
        if by_name {
            let defined = self.dot(source, key, target)?;
            if defined || self.reads_storage() {
                return Ok(defined);
            }
        }
        self.dot_by_path(source, key, target, place)
    }

    /// The same where that isn't a member of an object by name.
    #[cold]
    #[inline(never)]
    fn dot_by_path(
        &mut self,
        source: Operand,
        key: Operand,
        target: Local,
        place: u32,
    ) -> Result<bool, Fault> {
        if !self.reads_storage() {
            return self.dot_beside_with(source, key, target, place);
        }
        let Some(wanted) = self.read(key) else {
            return Ok(false);
        };
        let found = self.copy(source).map(|document| storage_lookup(document, wanted));
        let defined = found.is_defined();
        self.set(target, found);
        Ok(defined)
    }

    /// Whether no `with` stands between `data` and the base document.
    pub(super) fn reads_storage(&self) -> bool {
        self.local(DATA).is_some_and(|data| data.same(self.data))
    }
}

/// What OPA's storage has at a path that ends in `key`.
pub(super) fn storage_lookup<'v>(source: &'v Value, key: &Value) -> Option<&'v Value> {
    match (source, key) {
        (Value::Object(object), Value::Number(number)) => object.get_str(&number.as_str()),
        (Value::Object(object), Value::String(text)) => object.get_str(text),
        (Value::Array(array), Value::Number(number)) => array.get(index(&number.as_str())?),
        (Value::Array(array), Value::String(text)) => array.get(index(text)?),
        _ => None,
    }
}

/// The index that a path's text stands for: digits, at most 19 with the fraction, a sign before and a fraction of zeros
/// after them allowed (OPA's `util.Atoi`).
fn index(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_whole =
        whole.bytes().all(|byte| byte.is_ascii_digit()) && fraction.bytes().all(|byte| byte == b'0');
    if !is_whole {
        return None;
    }
    let index = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    (index == 0 || !text.starts_with('-')).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::index;

    #[test]
    fn a_path_indexes_an_array_as_in_opas_storage() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("+3", Some(3)),
            ("-0", Some(0)),
            ("2.00", Some(2)),
            ("-1", None),
            ("2.5", None),
            ("1e1", None),
            ("x", None),
            ("", None),
            ("10000000000000000000", None),
        ] {
            assert_eq!(index(text), expected, "{text:?}");
        }
    }
}

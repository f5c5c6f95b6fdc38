//! Base data while a `with` replaces some of it. OPA asks of each path whether it lies at or below what is replaced, or above it:
//! any other it reads from its storage, where a text may be an index.

use super::Machine;
use super::base::{DATA, storage_lookup};
use super::fault::Fault;
use super::slot::Slot;
use crate::program::{Local, Operand, Path};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// `target := source[key]`, where `source` is at a place in `data`.
    #[cold]
    #[inline(never)]
    pub(super) fn dot_beside_with(
        &mut self,
        source: Operand,
        key: Operand,
        target: Local,
        place: u32,
    ) -> Result<bool, Fault> {
        let wanted: Vec<Value> = self.read(key).cloned().into_iter().collect();
        let Some(found) = self.stored(place, &wanted)? else {
            return self.dot(source, key, target);
        };
        let defined = found.is_defined();
        self.set(target, found);
        Ok(defined)
    }

    /// The lookups of `path`, which begins at a place in `data`.
    #[cold]
    #[inline(never)]
    pub(super) fn follow_beside_with(
        &mut self,
        path: &'e Path,
        target: Local,
        place: u32,
    ) -> Result<bool, Fault> {
        let constants = self.program.constants.as_slice();
        let keys = || path.keys.iter().filter_map(|key| constants.get(*key as usize));
        // Members by name are the same in both, where there are any.
        let by_name = |source: &Value| -> Option<Value> {
            keys()
                .try_fold(source, |at, key| match (at, key) {
                    (Value::Object(object), Value::String(name)) => object.get_shared(name),
                    _ => None,
                })
                .cloned()
        };
        let mut found: Slot<'e> = self.local(path.source).and_then(by_name).into();
        if !found.is_defined() {
            found = match self.stored(place, &keys().cloned().collect::<Vec<_>>())? {
                Some(found) => found,
                None => {
                    let source = self.local(path.source);
                    let found = source.and_then(|source| keys().try_fold(source, |at, key| at.lookup(key)));
                    found.cloned().into()
                }
            };
        }
        let defined = found.is_defined();
        self.set(target, found);
        Ok(defined)
    }

    /// What OPA's storage has under `keys` at a place in `data`; `None` where a `with` has put something there, or no place is
    /// known.
    pub(super) fn stored(&mut self, place: u32, keys: &[Value]) -> Result<Option<Slot<'e>>, Fault> {
        self.spend(1 + self.scratch.saved.len() as u64 / 8)?;
        let Some(way) = self.program.places.get(place as usize) else {
            return Ok(None);
        };
        let path: Option<Vec<&Value>> = way.iter().map(|key| self.read(*key)).collect();
        let Some(mut path) = path else { return Ok(None) };
        path.extend(keys);
        let found = self.stored_at(&path);
        Ok(found.map(Slot::from))
    }

    /// The same of a whole path.
    pub(super) fn stored_at(&self, path: &[&Value]) -> Option<Option<&'e Value>> {
        if self.is_replaced(path) {
            return None;
        }
        Some(path.iter().try_fold(self.data, |at, key| storage_lookup(at, key)))
    }

    /// Whether some `with` puts something at the path, above it or below it.
    fn is_replaced(&self, path: &[&Value]) -> bool {
        let constants = &self.program.constants;
        self.replacing().into_iter().any(|with| {
            let with = self.program.withs.get(with as usize);
            let target = with.map(|with| with.path.as_ref()).unwrap_or_default();
            std::iter::zip(target, path).all(|(own, key)| constants.get(*own as usize) == Some(*key))
        })
    }

    /// The `with`s that have made `data` what it is, from the base document on. Where a plan puts back what was there before, which
    /// is a `with` too, it is as it was then.
    fn replacing(&self) -> Vec<u32> {
        let mut saved = self
            .scratch
            .saved
            .iter()
            .filter(|saved| saved.local == DATA)
            .peekable();
        let mut before: Vec<(Option<&Value>, Vec<u32>)> = Vec::new();
        let mut now = Vec::new();
        while let Some(one) = saved.next() {
            let is_whole = self
                .program
                .withs
                .get(one.with as usize)
                .is_some_and(|with| with.path.is_empty());
            before.push((one.value.value(), now.clone()));
            let after = saved
                .peek()
                .map_or_else(|| self.local(DATA), |next| next.value.value());
            let known = before.iter().rev().find(|(value, _)| match (value, after) {
                (Some(value), Some(after)) => is_whole && value.same(after),
                _ => false,
            });
            match known {
                Some((_, then)) => now.clone_from(then),
                None if is_whole => now = vec![one.with],
                None => now.push(one.with),
            }
        }
        now
    }
}

//! Which rules of a function are visited: those that the index finds for this input, data and arguments.

use super::Machine;
use super::base::storage_lookup;
use super::fault::{Fault, LIGHT};
use super::slot::{Slot, part_member};
use crate::document::{Document, Part};
use crate::program::Address;
use crate::program::index::{Branch, Condition, Index, Place, Test, split};
use crate::value::Value;

impl Machine<'_> {
    /// Finds the rules and gives where the first is; `done` where there is none.
    pub(super) fn select(&mut self, index: u32, done: Address) -> Result<Address, Fault> {
        let program = self.program;
        let Some(index) = program.indices.get(index as usize) else {
            return Ok(done);
        };
        let mut found = std::mem::take(&mut self.scratch.found);
        found.truncate(self.frame.found);
        let tests = self.find(index, &mut found);
        if index.is_wrong {
            found.truncate(found.len().saturating_sub(1).max(self.frame.found));
        }
        let own = found.get(self.frame.found..).unwrap_or_default();
        let mut values = own
            .iter()
            .map(|branch| index.branches.get(*branch as usize)?.value);
        let first = values.next().flatten();
        self.frame.early = first.is_some() && values.all(|value| value == first);
        self.frame.next = self.frame.found;
        self.scratch.found = found;
        // What stands beside a `with` is looked for among all that are open.
        let open = if self.reads_storage() {
            0
        } else {
            self.scratch.saved.len() as u64 / 8
        };
        self.spend(tests.saturating_mul(1 + open))?;
        Ok(self.next_found(index).unwrap_or(done))
    }

    /// Goes to the next rule that was found, from `group` on.
    pub(super) fn next_group(&mut self, index: u32, group: u32, fail: Address) -> Address {
        let program = self.program;
        let Some(index) = program.indices.get(index as usize) else {
            return fail;
        };
        while let Some(branch) = self.scratch.found.get(self.frame.next) {
            let own = index.branches.get(*branch as usize).map(|branch| branch.group);
            if own.is_some_and(|own| own >= group) {
                break;
            }
            self.frame.next += 1;
        }
        self.next_found(index).unwrap_or(index.done)
    }

    fn next_found(&self, index: &Index) -> Option<Address> {
        let branch = self.scratch.found.get(self.frame.next)?;
        let group = index.branches.get(*branch as usize)?.group;
        // What comes after the `Group` itself.
        index.groups.get(group as usize).map(|group| *group + 1)
    }

    /// Whether a rule of a chain is among those found.
    pub(super) fn is_found(&self, branch: u32) -> bool {
        let found = self.scratch.found.get(self.frame.found..).unwrap_or_default();
        found.binary_search(&branch).is_ok()
    }

    /// The rules that the running function's index found, by their numbers.
    pub(super) fn found_rules(&self) -> &[u32] {
        self.scratch.found.get(self.frame.found..).unwrap_or_default()
    }

    /// Whether there is something at a place.
    pub(super) fn has(&self, place: &Place) -> bool {
        !matches!(self.at(place), Found::Nothing)
    }

    /// Adds the rules that can succeed, in order, and says how much was looked at.
    fn find(&self, index: &Index, found: &mut Vec<u32>) -> u64 {
        let mut tests = 0;
        let mut try_one = |number: u32, branch: &Branch| {
            if self.can_succeed(index, branch, &mut tests) {
                found.push(number);
            }
        };
        let Some(leading) = &index.leading else {
            index
                .branches
                .iter()
                .zip(0..)
                .for_each(|(branch, number)| try_one(number, branch));
            return tests;
        };
        let named = index
            .refs
            .get(leading.at)
            .and_then(|place| self.at(place).value());
        // What its hash costs.
        let weight = named.filter(|value| !value.is_light()).map_or(0, Value::weight) / LIGHT;
        let named = named.and_then(|value| leading.by_value.get(value));
        let mut named = named
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .copied()
            .peekable();
        let mut others = leading.others.iter().copied().peekable();
        loop {
            let next = match (named.peek(), others.peek()) {
                (Some(a), Some(b)) if a < b => named.next(),
                (Some(_), None) => named.next(),
                _ => others.next(),
            };
            let Some(number) = next else { return tests + weight };
            if let Some(branch) = index.branches.get(number as usize) {
                try_one(number, branch);
            }
        }
    }

    fn can_succeed(&self, index: &Index, branch: &Branch, tests: &mut u64) -> bool {
        branch.conditions.iter().all(|Condition { at, test }| {
            *tests += 1;
            let found = index.refs.get(*at).map_or(Found::Nothing, |place| self.at(place));
            match test {
                // No value is made to see that there is one.
                Test::Defined => !matches!(found, Found::Nothing),
                test => found.value().is_some_and(|value| passes(test, value, tests)),
            }
        }) && (!index.asks_collections
            || branch.memberships.iter().all(|(key, collection)| {
                *tests += 1;
                let [key, collection] =
                    [key, collection].map(|at| index.refs.get(*at).and_then(|place| self.at(place).value()));
                match (key, collection) {
                    (Some(key), Some(Value::Object(object))) => object.contains_key(key),
                    (Some(key), Some(Value::Set(set))) => set.contains(key),
                    (Some(_), Some(_)) => true,
                    _ => false,
                }
            }))
    }

    /// What is at a path in `data` while a `with` replaces some of that.
    #[cold]
    #[inline(never)]
    fn at_beside_with<'v>(&'v self, place: &'v Place) -> Found<'v> {
        let path: Vec<&Value> = place.keys.iter().collect();
        let found = self.stored_at(&path).unwrap_or_else(|| {
            let data = self.local(place.source);
            data.and_then(|data| path.iter().try_fold(data, |at, key| at.lookup(key)))
        });
        found.map_or(Found::Nothing, Found::Value)
    }

    /// What is at a place.
    fn at<'v>(&'v self, place: &'v Place) -> Found<'v> {
        let mut keys = place.keys.iter();
        let mut at = match self.slot(place.source) {
            Some(Slot::Part(document, part)) => {
                let mut part = *part;
                loop {
                    let Some(key) = keys.next() else {
                        return Found::Part(document, part);
                    };
                    match part_member(document, part, key) {
                        Slot::Part(_, inner) => part = inner,
                        Slot::Borrowed(value) => break value,
                        Slot::Undefined | Slot::Owned(_) => return Found::Nothing,
                    }
                }
            }
            Some(slot) => match slot.value() {
                Some(value) => value,
                None => return Found::Nothing,
            },
            None => return Found::Nothing,
        };
        let in_storage = place.base && self.reads_storage();
        let beside_with = place.base && !in_storage;
        for key in keys {
            let next = match (at, key) {
                (Value::Object(object), Value::String(name)) => object.get_shared(name),
                _ if in_storage => storage_lookup(at, key),
                _ if beside_with => None,
                _ => at.lookup(key),
            };
            match next {
                Some(next) => at = next,
                None if beside_with => return self.at_beside_with(place),
                None => return Found::Nothing,
            }
        }
        Found::Value(at)
    }
}

/// What is at a place: a part of the input may be there of which no value was made yet.
#[derive(Clone, Copy)]
enum Found<'v> {
    Nothing,
    Value(&'v Value),
    Part(&'v &'v dyn Document, Part),
}

impl<'v> Found<'v> {
    fn value(self) -> Option<&'v Value> {
        match self {
            Found::Nothing => None,
            Found::Value(value) => Some(value),
            Found::Part(document, part) => Some(document.value(part)),
        }
    }
}

fn passes(test: &Test, value: &Value, tests: &mut u64) -> bool {
    match test {
        Test::Defined => true,
        Test::Is(wanted) => {
            if !value.is_light() {
                *tests += value.weight().min(wanted.weight()) / LIGHT;
            }
            value == wanted
        }
        Test::Array(items, delimiters) => match (value, delimiters) {
            (Value::Array(array), _) => fits(items, array.iter(), array.len()),
            (Value::String(text), Some(delimiters)) => {
                *tests += text.len() as u64 / 16;
                let parts: Vec<Value> = split(text, delimiters, items.len())
                    .into_iter()
                    .map(Value::from)
                    .collect();
                fits(items, parts.iter(), parts.len())
            }
            _ => false,
        },
        Test::Holds(wanted) => elements(value, tests, wanted.weight(), |element| element == wanted),
        Test::Prefix(prefix) => ends(value, tests, prefix, |text| text.starts_with(prefix.as_str())),
        Test::Suffix(suffix) => ends(value, tests, suffix, |text| text.ends_with(suffix.as_str())),
        Test::AnyOf { scalars, others } => {
            scalars.contains(value) || others.iter().any(|other| passes(other, value, tests))
        }
    }
}

fn fits<'v>(items: &[Option<Value>], array: impl Iterator<Item = &'v Value>, len: usize) -> bool {
    items.len() == len
        && std::iter::zip(items, array)
            .all(|(wanted, item)| wanted.as_ref().is_none_or(|wanted| wanted == item))
}

/// Whether an element of a collection passes a test with something of that weight.
fn elements(value: &Value, tests: &mut u64, weight: u64, mut passes: impl FnMut(&Value) -> bool) -> bool {
    let mut count = 0_u64;
    let mut counted = |element: &Value| {
        count += 1;
        passes(element)
    };
    let any = match value {
        Value::Array(array) => array.iter().any(&mut counted),
        Value::Set(set) => set.iter().any(&mut counted),
        Value::Object(object) => object.iter().any(|(_, element)| counted(element)),
        _ => false,
    };
    *tests += count / 4 + count.saturating_mul(weight / LIGHT);
    any
}

/// Whether a string passes, or one in a collection.
fn ends(value: &Value, tests: &mut u64, end: &str, passes: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => passes(text),
        other => {
            let weight = 1 + end.len() as u64 / 64;
            elements(other, tests, weight, |element| {
                element.as_str().is_some_and(&passes)
            })
        }
    }
}

//! A document under edits, step for step OPA's (`internal/edittree`): what several operations make of one document
//! depends on how it keeps them.

use super::super::{BuiltinError, Context, fail};
use super::array::Elements;
use super::keys::{go_type, no_collection, to_index};
use super::members::{Child, Members, is_composite};
use super::{crash, shown};
use crate::value::{Object, Set, Value};

/// A value and the edits below it.
pub(super) struct Tree {
    /// `None` once deleted, which only the root can be.
    value: Option<Value>,
    edits: Edits,
}

enum Edits {
    /// Of an object or a set. `None` where OPA may have no table to write to, and would crash.
    Members(Option<Members>),
    Elements(Elements),
    /// A scalar has none.
    Scalar,
}

impl Tree {
    pub(super) fn new(context: &mut Context<'_>, value: Value) -> Result<Self, BuiltinError> {
        let edits = match &value {
            Value::Array(array) => Edits::Elements(Elements::new(context, array, true)?),
            Value::Object(_) | Value::Set(_) => Edits::Members(Some(Members::default())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Edits::Scalar,
        };
        Ok(Self {
            value: Some(value),
            edits,
        })
    }

    pub(super) fn insert_at(
        &mut self,
        context: &mut Context<'_>,
        path: &[Value],
        value: Value,
    ) -> Result<(), BuiltinError> {
        let Some((key, way)) = path.split_last() else {
            return self.become_value(context, value);
        };
        self.with(context, way, |context, tree| tree.insert(context, key, value))
    }

    pub(super) fn delete_at(
        &mut self,
        context: &mut Context<'_>,
        path: &[Value],
    ) -> Result<(), BuiltinError> {
        let Some((key, way)) = path.split_last() else {
            if self.value.take().is_none() {
                return fail("deleted node encountered during delete operation");
            }
            self.edits = Edits::Scalar;
            return Ok(());
        };
        self.with(context, way, |context, tree| tree.delete(context, key))
    }

    pub(super) fn render_at(
        &mut self,
        context: &mut Context<'_>,
        path: &[Value],
    ) -> Result<Option<Value>, BuiltinError> {
        self.with(context, path, |context, tree| tree.render(context))
    }

    /// A new document. OPA keeps the tables that the old one had, and can't write to those that it hadn't.
    fn become_value(&mut self, context: &mut Context<'_>, value: Value) -> Result<(), BuiltinError> {
        let had_values = match &self.edits {
            Edits::Members(members) => members.is_some(),
            Edits::Elements(elements) => elements.writable(),
            Edits::Scalar => false,
        };
        let had_keys = matches!(&self.edits, Edits::Members(Some(_)));
        self.edits = match &value {
            Value::Array(array) => Edits::Elements(Elements::new(context, array, had_values)?),
            Value::Object(_) | Value::Set(_) => Edits::Members(had_keys.then(Members::default)),
            // Whether it had tables is forgotten here: what comes after is refused, where OPA might do it.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Edits::Scalar,
        };
        self.value = Some(value);
        Ok(())
    }

    /// Goes down the path, making every step of it editable, and does `then` there. Recurses as deep as the document
    /// nests, which insertions bound.
    fn with<T>(
        &mut self,
        context: &mut Context<'_>,
        path: &[Value],
        then: impl FnOnce(&mut Context<'_>, &mut Tree) -> Result<T, BuiltinError>,
    ) -> Result<T, BuiltinError> {
        let mut here = self;
        for (at, key) in path.iter().enumerate() {
            let below = path.get(at.saturating_add(1)..).unwrap_or_default();
            match here.step(context, key)? {
                Step::Node(child) => here = child,
                Step::Scalar(value) => {
                    let mut leaf = Tree::new(context, value)?;
                    return match below.first() {
                        None => then(context, &mut leaf),
                        Some(key) => leaf.step(context, key).and_then(|_| Err(crash())),
                    };
                }
            }
        }
        then(context, here)
    }

    /// One step down.
    fn step(&mut self, context: &mut Context<'_>, key: &Value) -> Result<Step<'_>, BuiltinError> {
        let Some(value) = &self.value else {
            return fail("nil value encountered where composite value was expected");
        };
        match value {
            Value::Object(object) => {
                let found = object.get(key).cloned();
                self.step_of_object(context, key, found)
            }
            Value::Set(_) => self.step_of_set(context, key),
            Value::Array(_) => self.step_of_array(context, key),
            scalar => fail(format!(
                "expected composite type for path {}, found value: {} (type: {})",
                shown(key),
                shown(scalar),
                go_type(scalar)
            )),
        }
    }

    fn step_of_object(
        &mut self,
        context: &mut Context<'_>,
        key: &Value,
        found: Option<Value>,
    ) -> Result<Step<'_>, BuiltinError> {
        let is_edited = matches!(&self.edits, Edits::Members(Some(members)) if members.0.contains_key(key));
        if !is_edited {
            let Some(found) = found else {
                let all = self.value.as_ref().map(shown).unwrap_or_default();
                return fail(format!("path {} does not exist in object term {all}", shown(key)));
            };
            self.members()?.put(key, Child::of(context, found)?);
        }
        match self.members()?.get_mut(key) {
            Some(Child::Scalar(Some(value))) => Ok(Step::Scalar(value.clone())),
            Some(Child::Composite(Some(child))) => Ok(Step::Node(child)),
            Some(Child::Scalar(None)) => fail(format!(
                "cannot unfold the already deleted scalar node for key {}",
                shown(key)
            )),
            Some(Child::Composite(None)) => fail(format!(
                "cannot unfold the already deleted composite node for key {}",
                shown(key)
            )),
            None => Err(crash()),
        }
    }

    fn step_of_set(&mut self, context: &mut Context<'_>, key: &Value) -> Result<Step<'_>, BuiltinError> {
        if is_composite(key) {
            self.collapse(context)?;
        } else if let Edits::Members(Some(members)) = &mut self.edits {
            match members.get_mut(key) {
                Some(Child::Scalar(Some(value))) => return Ok(Step::Scalar(value.clone())),
                Some(Child::Scalar(None)) => return Err(crash()),
                _ => {}
            }
        }
        if !matches!(&self.value, Some(Value::Set(set)) if set.contains(key)) {
            let name = match key {
                Value::String(text) => text.as_ref().to_owned(),
                other => shown(other),
            };
            let all = self.value.as_ref().map(shown).unwrap_or_default();
            return fail(format!("path {name} does not exist in set term {all}"));
        }
        self.members()?.put(key, Child::of(context, key.clone())?);
        match self.members()?.get_mut(key) {
            Some(Child::Scalar(Some(value))) => Ok(Step::Scalar(value.clone())),
            Some(Child::Composite(Some(child))) => Ok(Step::Node(child)),
            _ => Err(crash()),
        }
    }

    fn step_of_array(&mut self, context: &mut Context<'_>, key: &Value) -> Result<Step<'_>, BuiltinError> {
        let (Some(Value::Array(original)), Edits::Elements(elements)) = (&self.value, &mut self.edits) else {
            return Err(crash());
        };
        let index = to_index(elements.len(), key)?;
        let at = usize::try_from(index).ok();
        let is_edited =
            at.is_some_and(|at| elements.scalar(at).is_some() || elements.composite(at).is_some());
        if !is_edited {
            // The original's element at the place that the path names now, as in OPA.
            let Some(found) = at.and_then(|at| original.get(at)).cloned() else {
                return fail(format!(
                    "path {index} does not exist in array term {}",
                    shown(&Value::Array(original.clone()))
                ));
            };
            elements.delete(context, index)?;
            elements.insert(context, index, found)?;
        }
        let at = at.ok_or_else(crash)?;
        if let Some(scalar) = elements.scalar(at) {
            return Ok(Step::Scalar(scalar.clone()));
        }
        elements.composite(at).map(Step::Node).ok_or_else(crash)
    }

    fn insert(&mut self, context: &mut Context<'_>, key: &Value, value: Value) -> Result<(), BuiltinError> {
        match &self.value {
            None => fail("deleted node encountered during insert operation"),
            Some(Value::Object(_)) => {
                self.members()?.put(key, Child::of(context, value)?);
                Ok(())
            }
            Some(Value::Set(_)) => {
                if *key != value {
                    return fail(format!(
                        "set key {} does not equal value to be inserted {}",
                        shown(key),
                        shown(&value)
                    ));
                }
                if is_composite(key) {
                    self.collapse(context)?;
                }
                self.members()?.put(key, Child::of(context, value)?);
                Ok(())
            }
            Some(Value::Array(_)) => {
                let Edits::Elements(elements) = &mut self.edits else {
                    return Err(crash());
                };
                let at = to_index(elements.len(), key)?;
                elements.insert(context, at, value)
            }
            Some(scalar) => fail(no_collection(scalar)),
        }
    }

    fn delete(&mut self, context: &mut Context<'_>, key: &Value) -> Result<(), BuiltinError> {
        let found = match &self.value {
            None => return fail("deleted node encountered during delete operation"),
            Some(Value::Object(object)) => object.get(key).cloned(),
            Some(Value::Set(_)) => {
                if is_composite(key) {
                    self.collapse(context)?;
                }
                match &self.value {
                    Some(Value::Set(set)) => set.contains(key).then(|| key.clone()),
                    _ => None,
                }
            }
            Some(Value::Array(_)) => {
                let Edits::Elements(elements) = &mut self.edits else {
                    return Err(crash());
                };
                let at = to_index(elements.len(), key)?;
                return elements.delete(context, at);
            }
            Some(scalar) => return fail(no_collection(scalar)),
        };
        let known = match &mut self.edits {
            Edits::Members(Some(members)) => members.get_mut(key),
            _ => None,
        };
        let deleted = match (known, &found) {
            (Some(Child::Scalar(None)), _) => {
                return fail(format!(
                    "cannot delete the already deleted scalar node for key {}",
                    shown(key)
                ));
            }
            (Some(Child::Composite(None)), _) => {
                return fail(format!(
                    "cannot delete the already deleted composite node for key {}",
                    shown(key)
                ));
            }
            (Some(Child::Scalar(Some(_))), _) => Child::Scalar(None),
            (Some(Child::Composite(Some(_))), _) => Child::Composite(None),
            (None, Some(value)) => Child::deleted(value),
            (None, None) => {
                return fail(format!(
                    "cannot delete child key {} that does not exist",
                    shown(key)
                ));
            }
        };
        self.members()?.put(key, deleted);
        Ok(())
    }

    /// A set is known by its contents: before a member that is a collection is looked for, edits are carried out.
    fn collapse(&mut self, context: &mut Context<'_>) -> Result<(), BuiltinError> {
        self.value = self.render(context)?;
        if let Edits::Members(Some(members)) = &mut self.edits {
            *members = Members::default();
        }
        Ok(())
    }

    fn members(&mut self) -> Result<&mut Members, BuiltinError> {
        match &mut self.edits {
            Edits::Members(Some(members)) => Ok(members),
            _ => Err(crash()),
        }
    }

    /// The value with all edits. Recurses as deep as the document nests, which insertions bound.
    pub(super) fn render(&self, context: &mut Context<'_>) -> Result<Option<Value>, BuiltinError> {
        let Some(value) = &self.value else { return Ok(None) };
        Ok(Some(match (value, &self.edits) {
            (Value::Object(object), Edits::Members(Some(members))) if !members.0.is_empty() => {
                let kept = object.iter().filter(|(key, _)| !members.0.contains_key(key));
                context.spend(object.len().saturating_mul(4))?;
                context.make(object.len().saturating_add(members.0.len()))?;
                let mut pairs: Vec<_> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
                for (key, child) in members.0.values() {
                    pairs.extend(render_child(context, child)?.map(|value| (key.clone(), value)));
                }
                Value::from(Object::from(pairs))
            }
            (Value::Set(set), Edits::Members(Some(members))) if !members.0.is_empty() => {
                let kept = set.iter().filter(|member| !members.0.contains_key(member));
                context.spend_on_sort(set.weight(), set.len())?;
                context.make(set.len().saturating_add(members.0.len()))?;
                let mut all: Vec<Value> = kept.cloned().collect();
                for (_, child) in members.0.values() {
                    all.extend(render_child(context, child)?);
                }
                Value::from(all.into_iter().collect::<Set>())
            }
            (Value::Array(array), Edits::Elements(elements)) => elements.render(context, array)?,
            _ => value.clone(),
        }))
    }
}

/// What lies a step below.
enum Step<'a> {
    Node(&'a mut Tree),
    Scalar(Value),
}

fn render_child(context: &mut Context<'_>, child: &Child) -> Result<Option<Value>, BuiltinError> {
    match child {
        Child::Scalar(scalar) => Ok(scalar.clone()),
        Child::Composite(None) => Ok(None),
        Child::Composite(Some(tree)) => tree.render(context),
    }
}

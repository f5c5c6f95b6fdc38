//! The edits of an array, kept as OPA keeps them: which elements of the original are gone, which places hold something
//! inserted. What OPA makes of mixed edits follows from this, its mistakes included, so nothing here is simpler than there.

use std::collections::BTreeMap;

use super::super::{BuiltinError, Context, fail};
use super::crash;
use super::members::is_composite;
use super::tree::Tree;
use crate::value::{Array, Value};

pub(super) struct Elements {
    /// Of the original: what was knocked out.
    eliminated: Vec<bool>,
    /// Of the present array: what was inserted.
    insertions: Vec<bool>,
    /// What was inserted at which place; [`None`] where OPA may have no table to write to, and would crash.
    scalars: Option<BTreeMap<usize, Value>>,
    composites: BTreeMap<usize, Tree>,
}

impl Elements {
    pub(super) fn new(
        context: &mut Context<'_>,
        original: &Array,
        writable: bool,
    ) -> Result<Self, BuiltinError> {
        context.spend(original.len() / 8)?;
        context.build(original.len().saturating_mul(2))?;
        Ok(Self {
            eliminated: vec![false; original.len()],
            insertions: vec![false; original.len()],
            scalars: writable.then(BTreeMap::new),
            composites: BTreeMap::new(),
        })
    }

    pub(super) fn writable(&self) -> bool {
        self.scalars.is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.insertions.len()
    }

    pub(super) fn scalar(&self, at: usize) -> Option<&Value> {
        self.scalars.as_ref()?.get(&at)
    }

    pub(super) fn composite(&mut self, at: usize) -> Option<&mut Tree> {
        self.composites.get_mut(&at)
    }

    /// Puts `value` before the element at `at`.
    pub(super) fn insert(
        &mut self,
        context: &mut Context<'_>,
        at: i64,
        value: Value,
    ) -> Result<(), BuiltinError> {
        let at = match usize::try_from(at) {
            Ok(at) if at <= self.len() => at,
            _ => return fail("index for array insertion out of bounds"),
        };
        context.spend(self.len().saturating_mul(4))?;
        context.build(256)?;
        let (scalars, composites) = self.inserted_from(at)?;
        // The last first, to make room; a scalar that was moved may be lost to a collection's move, as in OPA.
        for from in scalars.into_iter().rev() {
            self.rename_scalar(from, from.saturating_add(1));
        }
        for from in composites.into_iter().rev() {
            self.rename_composite(from, from.saturating_add(1));
        }
        self.insertions.insert(at, true);
        if is_composite(&value) {
            if !self.writable() {
                return Err(crash());
            }
            self.composites.insert(at, Tree::new(context, value)?);
        } else {
            self.scalars.as_mut().ok_or_else(crash)?.insert(at, value);
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, context: &mut Context<'_>, at: i64) -> Result<(), BuiltinError> {
        let at = match usize::try_from(at) {
            Ok(at) if at < self.len() => at,
            _ => return fail("index for array delete out of bounds"),
        };
        context.spend(self.len().saturating_mul(4))?;
        context.build(256)?;
        let (scalars, composites) = self.inserted_from(at.saturating_add(1))?;
        self.forget(at);
        for from in scalars {
            self.rename_scalar(from, from.saturating_sub(1));
        }
        for from in composites {
            self.rename_composite(from, from.saturating_sub(1));
        }
        let inserted = self.insertions.iter().take(at);
        let originals_before = inserted.filter(|inserted| !**inserted).count();
        if !self.insertions.remove(at) {
            let mut left = self.eliminated.iter_mut().filter(|gone| !**gone);
            *left.nth(originals_before).ok_or_else(crash)? = true;
        }
        Ok(())
    }

    pub(super) fn render(&self, context: &mut Context<'_>, original: &Array) -> Result<Value, BuiltinError> {
        context.make(self.len())?;
        let mut kept = original
            .iter()
            .zip(&self.eliminated)
            .filter(|(_, gone)| !**gone)
            .map(|(element, _)| element);
        let mut elements = Vec::with_capacity(self.len());
        for (at, inserted) in self.insertions.iter().enumerate() {
            elements.push(if !inserted {
                kept.next().ok_or_else(crash)?.clone()
            } else if let Some(scalar) = self.scalar(at) {
                scalar.clone()
            } else {
                let child = self.composites.get(&at).ok_or_else(crash)?;
                child.render(context)?.ok_or_else(crash)?
            });
        }
        Ok(Value::from(elements))
    }

    /// The places from `at` on that hold something inserted: scalars, collections.
    fn inserted_from(&self, at: usize) -> Result<(Vec<usize>, Vec<usize>), BuiltinError> {
        let (mut scalars, mut composites) = (Vec::new(), Vec::new());
        for (at, inserted) in self.insertions.iter().enumerate().skip(at) {
            if !inserted {
                continue;
            }
            if self.scalar(at).is_some() {
                scalars.push(at);
            } else if self.composites.contains_key(&at) {
                composites.push(at);
            } else {
                return Err(crash());
            }
        }
        Ok((scalars, composites))
    }

    fn forget(&mut self, at: usize) {
        if let Some(scalars) = &mut self.scalars {
            scalars.remove(&at);
        }
        self.composites.remove(&at);
    }

    fn rename_scalar(&mut self, from: usize, to: usize) {
        let scalar = self.scalars.as_mut().and_then(|scalars| scalars.remove(&from));
        self.composites.remove(&from);
        if let (Some(scalar), Some(scalars)) = (scalar, &mut self.scalars) {
            scalars.insert(to, scalar);
        }
    }

    fn rename_composite(&mut self, from: usize, to: usize) {
        let composite = self.composites.remove(&from);
        self.forget(from);
        if let Some(composite) = composite {
            self.composites.insert(to, composite);
        }
    }
}

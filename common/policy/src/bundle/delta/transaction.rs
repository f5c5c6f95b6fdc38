//! OPA's write transaction over its store in memory (`v1/storage/inmem/txn.go`): what was written so far lies beside the
//! document, and is put into it at the end. What OPA makes of several operations at one place follows from that, its mistakes
//! included (a member that one operation adds can't be removed by another of the same delta, say), so nothing here is simpler
//! than there. One thing is: where an operation fails, nothing has changed.
//!
//! OPA goes over all updates at each write. Of two whose paths lead through one another the shorter one is always the newer,
//! so that those that a path meets are found by their paths here.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use postern_rego::{Object, Value};

use super::DeltaError;
use super::node::{Node, Work, no_document};
use super::path::{self, Names};
use super::update::{Planned, Write, find, plan, put};

/// What is written so far.
pub(super) struct Transaction {
    base: Node,
    updates: BTreeMap<Vec<Arc<str>>, Update>,
    /// How many were made: their order.
    made: u64,
    /// Whether there may be an update within another, or one that can't be put into the document.
    is_mixed: bool,
    work: Work,
}

#[derive(Clone)]
struct Update {
    number: u64,
    is_removal: bool,
    node: Node,
}

impl Transaction {
    /// Nothing is written yet.
    pub(super) fn over(base: Value) -> Self {
        Self {
            base: base.into(),
            updates: BTreeMap::new(),
            made: 0,
            is_mixed: false,
            work: Work::new(),
        }
    }

    /// Adds with all that must lead there.
    pub(super) fn upsert(&mut self, path: &Names, value: Value) -> Result<(), DeltaError> {
        let parent = path.split_last().map_or(path, |(_, parent)| parent);
        match self.read(parent) {
            Ok(()) => {}
            Err(DeltaError::NotFound(_)) => self.make_object(parent)?,
            Err(error) => return Err(error),
        }
        self.write(Write::Add, path, value)
    }

    pub(super) fn write(&mut self, write: Write, path: &Names, value: Value) -> Result<(), DeltaError> {
        let new = Node::from(value);
        if let Some(length) = self.above(path, false) {
            let (above, suffix) = path.split_at_checked(length).unwrap_or((path, &[]));
            let update = self.updates.get_mut(above).filter(|update| !update.is_removal);
            let update = update.ok_or_else(no_document)?;
            let planned = plan(&update.node, write, suffix, new, &mut self.work)?;
            let at = suffix.get(..planned.length).unwrap_or(suffix);
            return put(
                &mut update.node,
                at,
                planned.is_removal,
                &planned.node,
                &mut self.work,
            );
        }
        if let Some(update) = self.updates.get(path) {
            if update.is_removal && write != Write::Add {
                return Err(no_document());
            }
            if is_same(&update.node, &new) {
                return Ok(());
            }
            self.updates.remove(path);
        } else {
            let below: Vec<Vec<Arc<str>>> = self.below(path).map(|(path, _)| path.clone()).collect();
            for path in below {
                self.updates.remove(&path);
            }
        }
        let Planned {
            length,
            is_removal,
            node,
        } = plan(&self.base, write, path, new, &mut self.work)?;
        let at = path.get(..length).unwrap_or(path);
        // Two spellings of an index are two paths to OPA.
        let is_mixed = at.iter().any(|name| path::is_odd_index(name)) || self.below(at).next().is_some();
        self.is_mixed = self.is_mixed || is_mixed;
        self.made += 1;
        let update = Update {
            number: self.made,
            is_removal,
            node,
        };
        self.updates.insert(at.to_vec(), update);
        Ok(())
    }

    /// The document with all that was written.
    pub(super) fn commit(mut self) -> Result<Value, DeltaError> {
        let mut document = self.base.clone();
        self.merge(&[], &mut document)?;
        Ok(document.value())
    }

    /// Puts the updates below a path into what is there, the newest first, as OPA does. Of one that lies within a newer one,
    /// that one has it from then on.
    fn merge(&mut self, path: &Names, document: &mut Node) -> Result<(), DeltaError> {
        let below = self.below(path);
        let mut below: Vec<(Vec<Arc<str>>, Update)> = below
            .map(|(below, update)| {
                (
                    below.get(path.len()..).unwrap_or_default().to_vec(),
                    update.clone(),
                )
            })
            .collect();
        self.work.spend(below.len())?;
        below.sort_by_key(|(_, update)| Reverse(update.number));
        for (at, update) in below {
            put(document, &at, update.is_removal, &update.node, &mut self.work)?;
        }
        Ok(())
    }

    /// Whether there is something.
    fn read(&mut self, path: &Names) -> Result<(), DeltaError> {
        if let Some(length) = self.above(path, true) {
            let (above, suffix) = path.split_at_checked(length).unwrap_or((path, &[]));
            let update = self.updates.get(above).filter(|update| !update.is_removal);
            let node = update.ok_or_else(no_document)?.node.clone();
            return find(&node, suffix, &mut self.work).map(drop);
        }
        let found = find(&self.base, path, &mut self.work)?;
        if self.is_mixed {
            // OPA puts together what it reads, in a copy.
            self.merge(path, &mut Node::from(found.value()))?;
        }
        Ok(())
    }

    fn make_object(&mut self, path: &Names) -> Result<(), DeltaError> {
        let Some((_, parent)) = path.split_last() else {
            return Ok(());
        };
        match self.is_object(path)? {
            Some(true) => Ok(()),
            Some(false) => Err(DeltaError::Conflict(path::shown(path))),
            None => {
                self.make_object(parent)?;
                self.write(Write::Add, path, Value::Object(Object::default()))
            }
        }
    }

    /// Whether what is at a path is an object; `None` where nothing is.
    fn is_object(&mut self, path: &Names) -> Result<Option<bool>, DeltaError> {
        let (node, path) = if let Some(length) = self.above(path, true) {
            let (above, suffix) = path.split_at_checked(length).unwrap_or((path, &[]));
            match self.updates.get(above).filter(|update| !update.is_removal) {
                Some(update) => (update.node.clone(), suffix),
                None => return Ok(None),
            }
        } else if self.below(path).next().is_some() {
            // OPA takes for an object whatever something was written into.
            return Ok(Some(true));
        } else {
            (self.base.clone(), path)
        };
        match find(&node, path, &mut self.work) {
            Ok(node) => Ok(Some(node.is_object())),
            Err(DeltaError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many names of a path lead to the update above it: the shortest, which is the newest. The path's own counts where
    /// `itself`.
    fn above(&self, path: &Names, itself: bool) -> Option<usize> {
        let most = if itself {
            path.len()
        } else {
            path.len().checked_sub(1)?
        };
        (1..=most).find(|length| {
            path.get(..*length)
                .is_some_and(|above| self.updates.contains_key(above))
        })
    }

    fn below<'t>(&'t self, path: &'t Names) -> impl Iterator<Item = (&'t Vec<Arc<str>>, &'t Update)> {
        let behind = (Bound::Excluded(path), Bound::Unbounded);
        self.updates
            .range::<Names, _>(behind)
            .take_while(move |(below, _)| below.starts_with(path))
    }
}

/// Scalars that are written alike (`comparableEquals`): OPA does nothing then.
fn is_same(a: &Node, b: &Node) -> bool {
    let (Node::Scalar(a), Node::Scalar(b)) = (a, b) else {
        return false;
    };
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.as_str() == b.as_str(),
        _ => false,
    }
}

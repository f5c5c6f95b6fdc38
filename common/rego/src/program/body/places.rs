//! Where in `data` a lookup of a base document begins. While a `with` replaces some of `data`, OPA asks of each path whether it
//! lies there: only the others are read from its storage.

use super::{Body, Local, Operand};
use crate::error::LoadError;
use crate::plan::{self, Block, Kind};
use crate::program::op::{NOWHERE, Source};

/// A way is told no further than so many keys.
const MOST_KEYS: usize = 64;

/// The keys that lead from `data` to a local; `None` where they aren't all known.
#[derive(Clone)]
pub(super) struct Way(Option<Vec<Operand>>);

impl Default for Way {
    /// To `data` itself.
    fn default() -> Self {
        Way(Some(Vec::new()))
    }
}

impl Way {
    /// The way to what is under a key there.
    pub(super) fn to(mut self, key: Option<Operand>) -> Self {
        match (&mut self.0, key) {
            (Some(keys), Some(key)) if keys.len() < MOST_KEYS => keys.push(key),
            _ => self.0 = None,
        }
        self
    }
}

impl Body<'_, '_> {
    /// The way to a local that was reached from `data` without anything in between.
    pub(super) fn way(&self, operand: Operand) -> Option<Way> {
        match operand.source() {
            Source::Local(local) => self.base.get::<Local>(&local).cloned(),
            Source::Constant(_) => None,
        }
    }

    /// Notes a way among the program's places. Each operation has its own, since each may come to read other locals.
    pub(super) fn place_at(&mut self, way: &Way) -> Result<u32, LoadError> {
        let Some(keys) = &way.0 else {
            return Ok(NOWHERE);
        };
        let place = self.index(self.builder.places.len())?;
        self.builder.places.push(keys.clone().into());
        Ok(place)
    }

    /// Whether something is looked up in a local, or in what is found there, by what may be an index in OPA's storage and isn't one
    /// elsewhere: it has to be known then where the local is.
    pub(super) fn asks_by_index(&self, block: &Block, value: i64) -> bool {
        let mut last = value;
        block.statements.iter().any(|statement| match &statement.kind {
            Kind::Dot {
                source: plan::Operand::Local(source),
                key,
                target,
            } if *source == last => {
                last = *target;
                self.may_index(*key)
            }
            Kind::Scan { source, .. } => *source == last,
            _ => false,
        })
    }

    fn may_index(&self, key: plan::Operand) -> bool {
        match key {
            plan::Operand::Local(_) => true,
            plan::Operand::String(index) => {
                let text = self.builder.constants.text(index);
                text.is_none_or(|text| {
                    text.bytes()
                        .all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte))
                })
            }
            plan::Operand::Bool(_) => false,
        }
    }
}

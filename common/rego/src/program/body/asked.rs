//! Calls of which one key is asked for, and the functions that answer them: every rule is left as soon as it can't give
//! that key. What is computed is what OPA computes, which binds the key before it visits a rule.

use super::{Body, LATER, Local, Op, Operand};
use crate::error::LoadError;
use crate::plan::{self, Block, Kind, Statement};
use crate::program::index::{self, Keys};
use crate::program::live::reads_once;
use crate::program::op::Call;

/// The parameters for the keys, as the plan could number them but never does.
const FIRST_KEY: i64 = i64::MAX - 64;
/// A local that nothing writes.
const NEVER: i64 = i64::MAX - 65;
/// So many keys can be asked for at once.
pub(in crate::program) const MOST_KEYS: usize = 8;

/// The parameters of a variant for so many keys.
pub(in crate::program) fn params(keys: usize) -> impl Iterator<Item = i64> {
    (FIRST_KEY..).take(keys)
}

impl Body<'_, '_> {
    /// Lowers a call whose result is only looked into, with the lookups; gives how many statements those are.
    pub(super) fn ask(&mut self, kind: &Kind, after: &[Statement]) -> Result<Option<usize>, LoadError> {
        let Kind::Call {
            function,
            args,
            result,
        } = kind
        else {
            return Ok(None);
        };
        let Some((variant, most)) = self.builder.variant(function) else {
            return Ok(None);
        };
        let asking = index::asking(*result, after);
        let fits = self
            .builder
            .function(function)
            .is_some_and(|(_, params)| params == args.len());
        if asking.keys.is_empty() || !fits || !reads_once(after, *result) {
            return Ok(None);
        }
        for make in &asking.makes {
            self.simple(make)?;
        }
        let mut operands = self.operands(args)?.into_vec();
        for at in 0..most {
            operands.push(match asking.keys.get(at) {
                Some(key) => self.operand(*key)?,
                None => Operand::local(self.local(NEVER)?),
            });
        }
        let same_world = super::calls::hands_world_on(&operands);
        let result = self.target(*result)?;
        let call = self.index(self.builder.calls.len())?;
        self.builder.calls.push(Call {
            function: variant,
            args: operands.into(),
            result,
            same_world,
        });
        self.emit_failing(Op::Call { call, fail: LATER })?;
        for dot in &asking.dots {
            self.location = dot.location;
            self.builder.check_file(self.name, self.location)?;
            self.simple(&dot.kind)?;
        }
        Ok(Some(asking.len()))
    }

    /// A rule's block, with what can be said of its keys before it begins; the rest is said as they come.
    pub(super) fn rule(&mut self, block: &Block, number: usize) -> Result<(), LoadError> {
        let keys: Keys = self.keys.get(number).cloned().unwrap_or_default();
        self.scopes.open_block();
        self.filters.clear();
        for (key, at) in keys.iter().zip(0..) {
            let constant = match key {
                plan::Operand::Local(local) => match index::made(block, *local) {
                    Some(make) => {
                        self.simple(make)?;
                        true
                    }
                    None => {
                        self.filters.push((*local, at));
                        false
                    }
                },
                plan::Operand::String(_) | plan::Operand::Bool(_) => true,
            };
            if constant {
                let key = self.operand(*key)?;
                self.is_asked(key, at)?;
            }
        }
        self.statements(block)?;
        self.filters.clear();
        let waiting = self.scopes.close_block();
        self.patch(&waiting)
    }

    /// A variable got its value: if it is a key, it has to be the one asked for.
    pub(super) fn filter(&mut self, var: i64, local: Local) -> Result<(), LoadError> {
        let found: Vec<usize> = self
            .filters
            .iter()
            .filter(|(key, _)| *key == var)
            .map(|(_, at)| *at)
            .collect();
        for at in found {
            self.is_asked(Operand::local(local), at)?;
        }
        Ok(())
    }

    fn is_asked(&mut self, key: Operand, at: usize) -> Result<(), LoadError> {
        let Some(param) = params(MOST_KEYS).nth(at) else {
            return Ok(());
        };
        let asked = self.local(param)?;
        self.emit_failing(Op::IsAsked {
            key,
            asked,
            fail: LATER,
        })
    }
}

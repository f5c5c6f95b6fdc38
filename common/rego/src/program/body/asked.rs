//! Calls of which one key is asked for, and the functions that answer them: every rule is left as soon as it can't give
//! that key. What is computed is what OPA computes, which binds the key before it visits a rule.

use super::{Body, LATER, Local, NOWHERE, Op, Operand};
use crate::error::LoadError;
use crate::plan::{self, Block, Kind, Statement};
use crate::program::index::{self, Compared, FurtherKey};
use crate::program::live::reads_once;
use crate::program::op::{Call, Collection};

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
        if let Some(variant) = self.builder.result_variant(function) {
            return self.ask_result((function, variant), args, *result, after);
        }
        let Some((variant, most)) = self.builder.variant(function) else {
            return Ok(None);
        };
        let fits = self
            .builder
            .function(function)
            .is_some_and(|(_, params)| params == args.len());
        if !fits || !reads_once(after, *result) {
            return Ok(None);
        }
        let asking = index::asking(*result, after);
        let rest = after.get(asking.len()..).unwrap_or_default();
        let further = index::further(asking.found(*result), rest, |var| self.asked_for(var).is_some());
        if asking.keys.is_empty() && further.keys.is_empty() {
            return Ok(None);
        }
        for make in asking.makes.iter().chain(&further.makes) {
            self.simple(make)?;
        }
        let mut operands = self.operands(args)?.into_vec();
        let first = operands.len();
        for key in &asking.keys {
            operands.push(self.operand(*key)?);
        }
        for key in &further.keys {
            operands.push(match key {
                FurtherKey::Known(key) => self.operand(*key)?,
                FurtherKey::Taken(var) => match self.asked_for(*var) {
                    Some(asked) => Operand::local(asked),
                    None => break,
                },
            });
        }
        let never = Operand::local(self.local(NEVER)?);
        operands.resize(first + most, never);
        self.emit_call(variant, operands, *result)?;
        for dot in &asking.dots {
            self.location = dot.location;
            self.builder.check_file(self.name, self.location)?;
            self.simple(&dot.kind)?;
        }
        Ok(Some(asking.len()))
    }

    /// Lowers a call whose result is compared at once with what is asked for.
    fn ask_result(
        &mut self,
        (function, variant): (&str, u32),
        args: &[plan::Operand],
        result: i64,
        after: &[Statement],
    ) -> Result<Option<usize>, LoadError> {
        let fits = self
            .builder
            .function(function)
            .is_some_and(|(_, params)| params == args.len());
        if !fits {
            return Ok(None);
        }
        let (makes, asked) = match index::compared(result, after) {
            Some(Compared::Becomes(var)) => match self.asked_for(var) {
                Some(asked) => (Vec::new(), Operand::local(asked)),
                None => return Ok(None),
            },
            Some(Compared::Equals { makes, with }) => {
                for make in &makes {
                    self.simple(make)?;
                }
                (makes, self.operand(with)?)
            }
            None => return Ok(None),
        };
        let mut operands = self.operands(args)?.into_vec();
        operands.push(asked);
        self.emit_call(variant, operands, result)?;
        Ok(Some(makes.len()))
    }

    /// A call of a variant with what it is asked for behind its operands.
    fn emit_call(&mut self, variant: u32, operands: Vec<Operand>, result: i64) -> Result<(), LoadError> {
        let same_world = super::calls::hands_world_on(&operands);
        let result = self.target(result)?;
        let call = self.index(self.builder.calls.len())?;
        self.builder.calls.push(Call {
            function: variant,
            args: operands.into(),
            result,
            same_world,
        });
        self.emit_failing(Op::Call { call, fail: LATER })
    }

    /// The key that is asked for, if the iteration over a block's elements takes only what is under it.
    pub(super) fn asked_key(&self, key: i64, block: &Block) -> Option<Local> {
        let var = index::taken_key(key, block);
        self.asked_for(var?)
    }

    /// What a variable is to be, if that is asked for.
    fn asked_for(&self, var: i64) -> Option<Local> {
        let known = self.filters.iter().find(|(own, _)| *own == var);
        known.map(|(_, asked)| *asked)
    }

    /// A variable got its value: if it is a key, it has to be the one asked for.
    pub(super) fn filter(&mut self, var: i64, local: Local) -> Result<(), LoadError> {
        let own = self.filters.iter().filter(|(key, _)| *key == var);
        let found: Vec<Local> = own.map(|(_, asked)| *asked).collect();
        for asked in found {
            self.emit_failing(Op::TakeAsked {
                var: local,
                asked,
                fail: LATER,
            })?;
        }
        Ok(())
    }

    /// A collection is about to be made: if it becomes a key, one of its kind has to be asked for. OPA doesn't come to look
    /// into a comprehension for another.
    pub(super) fn before_made(&mut self, kind: &Kind, after: &[Statement]) -> Result<(), LoadError> {
        if self.filters.is_empty() {
            return Ok(());
        }
        let Some((made, kind)) = index::collection(kind) else {
            return Ok(());
        };
        let Some(var) = index::becomes(made, after) else {
            return Ok(());
        };
        match self.asked_for(var) {
            Some(asked) => self.asked_is(asked, kind, NOWHERE),
            None => Ok(()),
        }
    }

    pub(super) fn asked_is(&mut self, asked: Local, kind: Collection, len: u32) -> Result<(), LoadError> {
        self.emit_failing(Op::AskedIs {
            asked,
            kind,
            len,
            fail: LATER,
        })
    }
}

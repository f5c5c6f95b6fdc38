//! Calls of which one key is asked for, and the functions that answer them: every rule is left as soon as it can't give
//! that key. What is computed is what OPA computes, which binds the key before it visits a rule.

use super::{Body, LATER, Local, Op, Operand};
use crate::error::LoadError;
use crate::plan::{self, Block, Kind, Statement};
use crate::program::index::{self, Keys};
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
        let Some((variant, most)) = self.builder.variant(function) else {
            return Ok(None);
        };
        let asking = index::asking(*result, after);
        if let Some(key) = self.scanned_key(*result, after)? {
            return self.ask_scanned((variant, most), args, *result, key).map(Some);
        }
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

    /// The key that is asked for, if the iteration over a block's elements takes only what is under it.
    pub(super) fn asked_key(&mut self, key: i64, block: &Block) -> Result<Option<Local>, LoadError> {
        let at = index::taken_key(key, block).and_then(|var| {
            let known = self.filters.iter().find(|(own, _)| *own == var);
            known.map(|(_, at)| *at)
        });
        match at.and_then(|at| params(MOST_KEYS).nth(at)) {
            Some(param) => self.local(param).map(Some),
            None => Ok(None),
        }
    }

    /// The same of the iteration right after a call, over its result and nothing else.
    fn scanned_key(&mut self, result: i64, after: &[Statement]) -> Result<Option<Local>, LoadError> {
        match after.first().map(|next| &next.kind) {
            Some(Kind::Scan {
                source, key, block, ..
            }) if *source == result && reads_once(after, result) => self.asked_key(*key, block),
            _ => Ok(None),
        }
    }

    /// Lowers a call over whose result is iterated for the sake of one key; all statements after it are still to come.
    fn ask_scanned(
        &mut self,
        (variant, most): (u32, usize),
        args: &[plan::Operand],
        result: i64,
        key: Local,
    ) -> Result<usize, LoadError> {
        let mut operands = self.operands(args)?.into_vec();
        operands.push(Operand::local(key));
        for _ in 1..most {
            operands.push(Operand::local(self.local(NEVER)?));
        }
        let same_world = super::calls::hands_world_on(&operands);
        let result = self.target(result)?;
        let call = self.index(self.builder.calls.len())?;
        self.builder.calls.push(Call {
            function: variant,
            args: operands.into(),
            result,
            same_world,
        });
        self.emit_failing(Op::Call { call, fail: LATER })?;
        Ok(0)
    }

    /// A rule's block, with what can be said of its keys before it begins; the rest is said as they come.
    pub(super) fn rule(&mut self, block: &Block, number: usize) -> Result<(), LoadError> {
        let keys: Keys = self.keys.get(number).cloned().unwrap_or_default();
        self.scopes.open_block();
        self.filters.clear();
        for (place, number) in keys.iter().zip(0..) {
            if number == 0 {
                self.same_keys(place)?;
            }
            for (key, at) in place.iter().zip(0..) {
                self.begin_key(block, *key, at, number == 0)?;
            }
        }
        self.statements(block)?;
        self.filters.clear();
        let waiting = self.scopes.close_block();
        self.patch(&waiting)
    }

    /// A variable that stands for several keys has to be asked for as all of them.
    fn same_keys(&mut self, keys: &[plan::Operand]) -> Result<(), LoadError> {
        for (at, key) in keys.iter().enumerate() {
            let plan::Operand::Local(var) = key else { continue };
            let first = keys
                .iter()
                .position(|key| matches!(key, plan::Operand::Local(other) if other == var));
            let Some(first) = first.filter(|first| *first < at) else {
                continue;
            };
            if let Some(param) = params(MOST_KEYS).nth(first) {
                let first = self.local(param)?;
                self.is_asked(Operand::local(first), at)?;
            }
        }
        Ok(())
    }

    /// What can be said of a key before its rule begins; of a constant it is said once.
    fn begin_key(
        &mut self,
        block: &Block,
        key: plan::Operand,
        at: usize,
        is_first: bool,
    ) -> Result<(), LoadError> {
        if let plan::Operand::Local(local) = key {
            let Some(make) = index::made(block, local) else {
                match index::made_collection(block, local) {
                    Some(kind) if is_first => self.asked_is(at, kind)?,
                    Some(_) => {}
                    None => self.filters.push((local, at)),
                }
                return Ok(());
            };
            if is_first {
                self.simple(make)?;
            }
        }
        if is_first {
            let key = self.operand(key)?;
            self.is_asked(key, at)?;
        }
        Ok(())
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
            if let Some(param) = params(MOST_KEYS).nth(at) {
                let asked = self.local(param)?;
                self.emit_failing(Op::TakeAsked {
                    var: local,
                    asked,
                    fail: LATER,
                })?;
            }
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
        let at = self
            .filters
            .iter()
            .find(|(own, _)| *own == var)
            .map(|(_, at)| *at);
        at.map_or(Ok(()), |at| self.asked_is(at, kind))
    }

    /// The local of the key that is asked for at this place.
    fn asked(&mut self, at: usize) -> Result<Option<Local>, LoadError> {
        params(MOST_KEYS)
            .nth(at)
            .map(|param| self.local(param))
            .transpose()
    }

    fn asked_is(&mut self, at: usize, kind: Collection) -> Result<(), LoadError> {
        let Some(asked) = self.asked(at)? else {
            return Ok(());
        };
        self.emit_failing(Op::AskedIs {
            asked,
            kind,
            fail: LATER,
        })
    }

    fn is_asked(&mut self, key: Operand, at: usize) -> Result<(), LoadError> {
        let Some(asked) = self.asked(at)? else {
            return Ok(());
        };
        self.emit_failing(Op::IsAsked {
            key,
            asked,
            fail: LATER,
        })
    }
}

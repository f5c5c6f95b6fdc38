//! What can be said of a rule before it begins, in a variant that is asked for keys or for a result: what is asked for is put
//! beside the head's terms, and taken apart where those are collections.

use super::asked::{MOST_KEYS, params};
use super::{Body, LATER, Local, Op, Operand};
use crate::error::LoadError;
use crate::plan::Block;
use crate::program::index::{Keys, Pattern};
use crate::program::op::Collection;

/// The parts of what is asked for, as the plan could number them but never does.
const FIRST_PART: i64 = i64::MAX - 2_001_000;

/// The variables of a rule's head: which part of what is asked for each stands beside.
#[derive(Default)]
struct Beside {
    /// As they come; one that comes twice is here twice.
    variables: Vec<(i64, Local)>,
    /// How many parts were taken.
    parts: i64,
}

impl<'p> Body<'_, 'p> {
    /// A rule's block, with what can be said of its keys or its value before it begins; the rest is said as they come.
    pub(super) fn rule(&mut self, block: &Block, number: usize) -> Result<(), LoadError> {
        let keys: Keys<'p> = self.keys.get(number).cloned().unwrap_or_default();
        self.scopes.open_block();
        self.filters.clear();
        let location = std::mem::take(&mut self.location);
        let mut beside = Beside::default();
        for (place, number) in keys.iter().zip(0..) {
            if number == 0 {
                for (pattern, param) in place.iter().zip(params(MOST_KEYS)) {
                    let asked = self.local(param)?;
                    self.put_beside(pattern, asked, &mut beside)?;
                }
                self.filters.clone_from(&beside.variables);
            } else {
                // The same terms, and variables of its own.
                let mut at = 0;
                let filters = &mut self.filters;
                let mut add = |var| {
                    filters.extend(beside.variables.get(at).map(|(_, asked)| (var, *asked)));
                    at += 1;
                };
                place.iter().for_each(|pattern| pattern.each_var(&mut add));
            }
        }
        self.location = location;
        self.statements(block)?;
        self.filters.clear();
        let waiting = self.scopes.close_block();
        self.patch(&waiting)
    }

    /// Puts (a part of) what is asked for beside a term of the head.
    fn put_beside(
        &mut self,
        pattern: &Pattern<'p>,
        asked: Local,
        beside: &mut Beside,
    ) -> Result<(), LoadError> {
        match pattern {
            Pattern::Known { makes, operand } => {
                for make in makes {
                    self.simple(make)?;
                }
                let key = self.operand(*operand)?;
                self.is_asked(key, asked)
            }
            Pattern::Var(var) => {
                let first = beside.variables.iter().find(|(own, _)| own == var).copied();
                beside.variables.push((*var, asked));
                first.map_or(Ok(()), |(_, first)| self.is_asked(Operand::local(first), asked))
            }
            Pattern::Array(items) => {
                let len = u32::try_from(items.len()).unwrap_or(u32::MAX - 1);
                self.asked_is(asked, Collection::Array, len)?;
                for (item, at) in items.iter().zip(0..) {
                    let at = self.builder.constants.int(at);
                    let at = at.ok_or_else(|| self.too_large("the number of constants"))?;
                    let key = self.builder.constants.operand(at);
                    let part = self.part(asked, key, beside)?;
                    self.put_beside(item, part, beside)?;
                }
                Ok(())
            }
            Pattern::Object(members) => {
                let len = u32::try_from(members.len()).unwrap_or(u32::MAX - 1);
                self.asked_is(asked, Collection::Object, len)?;
                for (key, value) in members {
                    let Pattern::Known { makes, operand } = key else {
                        continue;
                    };
                    for make in makes {
                        self.simple(make)?;
                    }
                    let key = self.operand(*operand)?;
                    let part = self.part(asked, key, beside)?;
                    self.put_beside(value, part, beside)?;
                }
                Ok(())
            }
            Pattern::Never => self.emit_failing(Op::IsUndefined {
                source: asked,
                fail: LATER,
            }),
            Pattern::Unknown => Ok(()),
        }
    }

    fn part(&mut self, asked: Local, key: Operand, beside: &mut Beside) -> Result<Local, LoadError> {
        let target = self.local(FIRST_PART + beside.parts)?;
        beside.parts += 1;
        self.emit_failing(Op::AskedPart {
            asked,
            key,
            target,
            fail: LATER,
        })?;
        Ok(target)
    }

    fn is_asked(&mut self, key: Operand, asked: Local) -> Result<(), LoadError> {
        self.emit_failing(Op::IsAsked {
            key,
            asked,
            fail: LATER,
        })
    }
}

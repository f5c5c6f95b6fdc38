//! A function whose rules are known: they are searched as OPA searches them. What the plan says of each stays as it is;
//! what is added is which of them are visited, and when the search ends.

use super::{Address, Body, LATER, Op, Operand};
use crate::error::LoadError;
use crate::plan::{self, Block};
use crate::program::index::{Early, Group, Index, Made, Rules, Search};

/// The search of which a rule is being lowered, where the rules make one value together.
#[derive(Clone, Copy)]
pub(super) struct Searched {
    /// The locals, as the plan numbers them, for the rule's value and for what the function returns.
    result: i64,
    returned: i64,
    early: Early,
    /// Whether the rule is one of an `else` chain.
    chained: bool,
}

impl Body<'_, '_> {
    pub(super) fn search(&mut self, rules: &Rules<'_>, search: Search<'_>) -> Result<(), LoadError> {
        self.searched = (rules.made == Made::Value).then_some(Searched {
            result: rules.result,
            returned: rules.returned,
            early: search.early,
            chained: false,
        });
        self.blocks_of(rules.begin)?;
        match search.index {
            Some(index) => self.indexed(rules, index)?,
            None => {
                let mut branches = 0..;
                for group in &rules.groups {
                    self.one_of(rules, group, &mut branches)?;
                }
            }
        }
        self.searched = None;
        self.rest(rules)
    }

    /// The rules behind the index that finds them.
    fn indexed(&mut self, rules: &Rules<'_>, mut index: Index) -> Result<(), LoadError> {
        let number = self.index(self.builder.indices.len())?;
        let select = self.emit(Op::Select {
            index: number,
            done: LATER,
        })?;
        index.first_rule = self.index(self.builder.rules.len())?;
        let mut branches = 0..;
        let mut open: Option<Address> = None;
        for (group, at) in rules.groups.iter().zip(0..) {
            self.patch(open.as_slice())?;
            let entry = self.emit(Op::Group {
                index: number,
                group: at,
                fail: LATER,
            })?;
            open = Some(entry);
            if let Some(place) = index.groups.get_mut(at as usize) {
                *place = entry;
            }
            self.enter(group);
            match group.branches.as_slice() {
                [branch] => {
                    let number = branches.next().unwrap_or(u32::MAX);
                    self.within((branch, rules), |body| body.rule(branch, number as usize))?;
                }
                chain => {
                    // The first of the chain may be passed over, and with it what makes room for its value.
                    let target = self.target(rules.result)?;
                    self.emit(Op::Reset { target })?;
                    for branch in chain {
                        let number = branches.next().unwrap_or(u32::MAX);
                        let at = self.emit(Op::Branch {
                            branch: number,
                            fail: LATER,
                        })?;
                        self.within((branch, rules), |body| body.rule(branch, number as usize))?;
                        self.patch(&[at])?;
                    }
                }
            }
        }
        self.patch(open.as_slice())?;
        self.patch(&[select])?;
        index.done = self.here()?;
        self.builder.indices.push(index);
        // Something has to be there for `done` to point to.
        self.emit(Op::Nothing)?;
        Ok(())
    }

    fn one_of(
        &mut self,
        rules: &Rules<'_>,
        group: &Group<'_>,
        branches: &mut impl Iterator<Item = usize>,
    ) -> Result<(), LoadError> {
        self.enter(group);
        if !self.keys.is_empty() && group.branches.len() > 1 {
            // The first of the chain may be left before it makes room for its value.
            let target = self.target(rules.result)?;
            self.emit(Op::Reset { target })?;
        }
        for branch in &group.branches {
            let number = branches.next().unwrap_or(usize::MAX);
            self.within((branch, rules), |body| body.rule(branch, number))?;
        }
        Ok(())
    }

    fn enter(&mut self, group: &Group<'_>) {
        if let Some(searched) = &mut self.searched {
            searched.chained = group.branches.len() > 1;
        }
    }

    fn blocks_of(&mut self, block: Option<&Block>) -> Result<(), LoadError> {
        block.map_or(Ok(()), |block| self.blocks(std::slice::from_ref(block)))
    }

    /// `AssignVarOnce`. A rule's value becomes the function's at once, and conflicts with another's then: the plan has the
    /// rule come to its end first. Where the first value is enough, the function returns it.
    pub(super) fn assign_once(&mut self, source: plan::Operand, target: i64) -> Result<(), LoadError> {
        let searched = self.searched.filter(|searched| searched.result == target);
        let to = match searched {
            Some(searched) if !searched.chained => searched.returned,
            _ => target,
        };
        let (source, local) = (self.operand(source)?, self.target(to)?);
        self.emit_failing(Op::AssignOnce {
            source,
            target: local,
            fail: LATER,
        })?;
        self.note_given(target);
        let Some(searched) = searched else { return Ok(()) };
        match searched.early {
            Early::Never => {}
            Early::Always => return self.emit(Op::Return { source: local }).map(drop),
            Early::ByValue => {
                let at = self.emit(Op::IsEarly { fail: LATER })?;
                self.emit(Op::Return { source: local })?;
                self.patch(&[at])?;
            }
        }
        if !searched.chained {
            return Ok(());
        }
        let (source, target) = (Operand::local(local), self.target(searched.returned)?);
        self.emit_failing(Op::AssignOnce {
            source,
            target,
            fail: LATER,
        })
    }
}

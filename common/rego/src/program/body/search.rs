//! A function whose rules are known: they are searched as OPA searches them. What the plan says of each stays as it is;
//! what is added is which of them are visited, and when the search ends.

use super::{Address, Body, LATER, Local, Op};
use crate::error::LoadError;
use crate::plan::Block;
use crate::program::index::{Early, Group, Index, Rules, Search};

impl Body<'_, '_> {
    pub(super) fn search(&mut self, rules: &Rules<'_>, search: Search) -> Result<(), LoadError> {
        self.early = Some((rules.result, search.early));
        self.blocks_of(rules.begin)?;
        match search.index {
            Some(index) => self.indexed(rules, index)?,
            None => {
                for (group, at) in rules.groups.iter().zip(0..) {
                    self.one_of(rules, group, at)?;
                }
            }
        }
        self.early = None;
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
            match group.branches.as_slice() {
                [branch] => {
                    let _ = branches.next();
                    self.within((branch, rules), |body| body.rule(branch, at as usize))?;
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
                        self.within((branch, rules), |body| body.blocks_of(Some(branch)))?;
                        self.patch(&[at])?;
                    }
                }
            }
            self.blocks_of(group.end)?;
        }
        self.patch(open.as_slice())?;
        self.patch(&[select])?;
        index.done = self.here()?;
        self.builder.indices.push(index);
        // Something has to be there for `done` to point to.
        self.emit(Op::Nothing)?;
        Ok(())
    }

    fn one_of(&mut self, rules: &Rules<'_>, group: &Group<'_>, at: usize) -> Result<(), LoadError> {
        match group.branches.as_slice() {
            [rule] => self.within((rule, rules), |body| body.rule(rule, at))?,
            chain => {
                for branch in chain {
                    self.within((branch, rules), |body| body.blocks_of(Some(branch)))?;
                }
            }
        }
        self.blocks_of(group.end)
    }

    fn blocks_of(&mut self, block: Option<&Block>) -> Result<(), LoadError> {
        block.map_or(Ok(()), |block| self.blocks(std::slice::from_ref(block)))
    }

    /// A rule has its value: where that is enough, the function returns it.
    pub(super) fn end_search(&mut self, result: i64, source: Local) -> Result<(), LoadError> {
        let Some((_, early)) = self.early.filter(|(own, _)| *own == result) else {
            return Ok(());
        };
        match early {
            Early::Never => Ok(()),
            Early::Always => self.emit(Op::Return { source }).map(drop),
            Early::ByValue => {
                let at = self.emit(Op::IsEarly { fail: LATER })?;
                self.emit(Op::Return { source })?;
                self.patch(&[at])
            }
        }
    }
}

//! What has to hold to its end under a `not`. OPA's planner leaves it at the end of the negated expression, which may lie in
//! a block within (`not data.roles[input.user].admin`, where the role is looked up by name among rules): a statement that is
//! undefined there leaves that block alone, and what `not` is about would count as defined. OPA's evaluator knows no such
//! blocks.

use super::{Address, Block, Body, Kind, LATER, Op};
use crate::error::LoadError;

impl Body<'_, '_> {
    /// Lowers a block that is undefined unless its last statement is come to the end of.
    pub(super) fn whole(&mut self, block: &Block) -> Result<(), LoadError> {
        let Some((last, others)) = block.statements.split_last() else {
            return Ok(());
        };
        let before = others.last().map(|statement| &statement.kind);
        match &last.kind {
            Kind::Block { blocks } if !fills(blocks, before) => {
                self.first_statements(block, others.len())?;
                self.location = last.location;
                self.one_whole(blocks)
            }
            Kind::With {
                local,
                path,
                value,
                block: inner,
            } => {
                self.first_statements(block, others.len())?;
                self.location = last.location;
                self.with(*local, path, *value, inner, true)
            }
            _ => self.statements(block),
        }
    }

    /// Lowers blocks of which one has to hold to its end.
    fn one_whole(&mut self, blocks: &[Block]) -> Result<(), LoadError> {
        let mut done: Vec<Address> = Vec::new();
        for block in blocks {
            self.scopes.open_block();
            self.whole(block)?;
            let waiting = self.scopes.close_block();
            done.push(self.emit(Op::Jump { to: LATER })?);
            self.patch(&waiting)?;
        }
        self.emit_failing(Op::Jump { to: LATER })?;
        self.patch(&done)
    }
}

/// Whether blocks fill a collection that was made just before, as those of comprehensions do.
fn fills(blocks: &[Block], before: Option<&Kind>) -> bool {
    matches!(
        before,
        Some(Kind::MakeArray { .. } | Kind::MakeSet { .. } | Kind::MakeObject { .. })
    ) && blocks.len() == 1
}

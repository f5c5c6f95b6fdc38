//! `with`: what it replaces, and where it ends.

use super::{Block, Body, DATA, INPUT, LATER, Op};
use crate::error::LoadError;
use crate::plan;
use crate::program::op::With;

impl Body<'_, '_> {
    /// The block with a local replaced; undefined if the block is, or, where it has to hold to its end, if it doesn't.
    pub(super) fn with(
        &mut self,
        local: i64,
        path: &[i64],
        value: plan::Operand,
        block: &Block,
        whole: bool,
    ) -> Result<(), LoadError> {
        let restores =
            path.is_empty() && matches!(value, plan::Operand::Local(saved) if self.saved.contains(saved));
        let (local, value) = (self.local(local)?, self.operand(value)?);
        let path = path
            .iter()
            .map(|key| self.string(*key))
            .collect::<Result<_, _>>()?;
        let changes_world = (local == INPUT || local == DATA) && !self.builder.planted.memo_through_with;
        let with = self.index(self.builder.withs.len())?;
        self.builder.withs.push(With {
            local,
            path,
            value,
            changes_world,
            restores,
        });
        let start = self.here()?;
        let slot = self.scopes.open_with();
        self.emit(Op::WithStart {
            with,
            slot,
            fail: LATER,
        })?;
        self.scopes.open_block();
        if whole {
            self.whole(block)?;
        } else {
            self.statements(block)?;
        }
        let waiting = self.scopes.close_block();
        self.emit(Op::WithEnd { slot })?;
        self.scopes.close_with();
        let defined = self.emit(Op::Jump { to: LATER })?;
        self.patch(&waiting)?;
        self.emit(Op::WithEnd { slot })?;
        self.patch(&[start])?;
        self.emit_failing(Op::Jump { to: LATER })?;
        self.patch(&[defined])
    }
}

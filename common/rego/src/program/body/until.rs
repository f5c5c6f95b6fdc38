//! Bodies of which one solution is enough: of `every`, `and` and `or`. OPA doesn't look for a second, and an `every`
//! doesn't go on after an element that fails. The planner goes through all and notes in a local whether one was found.

use super::{Body, Kind, LATER, Op};
use crate::error::LoadError;
use crate::plan::{Operand, Statement};

/// The local that says whether a solution was found, if that is all that comes of the statement.
pub(super) fn condition(kind: &Kind, next: Option<&Statement>) -> Option<i64> {
    let (Kind::IsDefined { source: condition } | Kind::IsUndefined { source: condition }) = next?.kind else {
        return None;
    };
    match kind {
        Kind::Block { blocks } => match blocks.as_slice() {
            [block] => sets(&block.statements, condition),
            _ => false,
        },
        Kind::Scan { block, .. } => sets(&block.statements, condition),
        _ => false,
    }
    .then_some(condition)
}

fn sets(statements: &[Statement], condition: i64) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        Kind::AssignVar {
            source: Operand::Bool(true),
            target,
        } => *target == condition,
        Kind::Block { blocks } => blocks.iter().any(|block| sets(&block.statements, condition)),
        Kind::Scan { block, .. } | Kind::With { block, .. } => sets(&block.statements, condition),
        _ => false,
    })
}

impl Body<'_, '_> {
    /// Lowers a statement that is left once the condition holds.
    pub(super) fn until(&mut self, condition: i64, kind: &Kind) -> Result<(), LoadError> {
        self.scopes.open_until(condition);
        self.statement(kind)?;
        let waiting = self.scopes.close_until();
        self.patch(&waiting)
    }

    /// Leaves what a condition ends that was just set.
    pub(super) fn leave_until(&mut self, kind: &Kind) -> Result<(), LoadError> {
        let Kind::AssignVar {
            source: Operand::Bool(true),
            target,
        } = kind
        else {
            return Ok(());
        };
        let Some(unwinding) = self.scopes.unwinding_until(*target) else {
            return Ok(());
        };
        for op in unwinding {
            self.emit(op)?;
        }
        let at = self.emit(Op::Jump { to: LATER })?;
        self.scopes.wait_until(*target, at);
        Ok(())
    }
}

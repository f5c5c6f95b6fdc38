//! What has to hold to its end under a `not`. OPA's planner leaves it at the end of the negated expression, which may lie in
//! a block within (`not data.roles[input.user].admin`, where the role is looked up by name among rules): a statement that is
//! undefined there leaves that block alone, and what `not` is about would count as defined. OPA's evaluator knows no such
//! blocks.

use super::{Address, Block, Body, Kind, LATER, Op};
use crate::error::LoadError;
use crate::plan::Statement;

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
            Kind::Scan {
                source,
                key,
                value,
                block: inner,
            } => match rules_before(others) {
                Some(rules) => self.rules_or_data(block, rules, ([*source, *key, *value], inner)),
                None => self.statements(block),
            },
            _ => self.statements(block),
        }
    }

    /// Lowers what is looked up by name among rules, and then in base data beside them: one of both has to hold.
    fn rules_or_data(
        &mut self,
        block: &Block,
        rules: usize,
        (scan, inner): ([i64; 3], &Block),
    ) -> Result<(), LoadError> {
        self.first_statements(block, rules)?;
        let mut done: Vec<Address> = Vec::new();
        if let Some(Kind::Block { blocks }) = block.statements.get(rules).map(|rules| &rules.kind) {
            for block in blocks {
                self.scopes.open_block();
                self.whole(block)?;
                let waiting = self.scopes.close_block();
                done.push(self.emit(Op::Jump { to: LATER })?);
                self.patch(&waiting)?;
            }
        }
        self.scopes.open_block();
        self.statements_of(block, rules + 1, block.statements.len() - 1)?;
        self.scan(scan, inner, Some(&mut done))?;
        let waiting = self.scopes.close_block();
        self.patch(&waiting)?;
        self.emit_failing(Op::Jump { to: LATER })?;
        self.patch(&done)
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

/// Where the blocks of rules stand that are looked up by name before base data beside them is iterated over: the planner puts the
/// names of the rules into a set between both.
fn rules_before(others: &[Statement]) -> Option<usize> {
    let at = others
        .iter()
        .rposition(|statement| matches!(statement.kind, Kind::Block { .. }))?;
    let between = others.get(at + 1..)?;
    let fits = between.iter().all(|statement| {
        matches!(
            statement.kind,
            Kind::MakeSet { .. }
                | Kind::SetAdd { .. }
                | Kind::Dot { .. }
                | Kind::MakeNumberRef { .. }
                | Kind::MakeNull { .. }
        )
    });
    let excludes = matches!(between.first()?.kind, Kind::MakeSet { .. });
    (fits && excludes).then_some(at)
}

/// Whether blocks fill a collection that was made just before, as those of comprehensions do.
fn fills(blocks: &[Block], before: Option<&Kind>) -> bool {
    matches!(
        before,
        Some(Kind::MakeArray { .. } | Kind::MakeSet { .. } | Kind::MakeObject { .. })
    ) && blocks.len() == 1
}

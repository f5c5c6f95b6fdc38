//! Which locals of a body are ever read. OPA's planner copies the key and value of each iteration to further locals,
//! most of which nothing looks at; a copy that nobody reads isn't lowered.

use super::local_set::LocalSet;
use crate::plan::{Block, Kind, Operand, Statement};

/// The locals, as the plan numbers them, that something reads; a copy to a local that isn't read doesn't count.
pub(super) fn live(blocks: &[Block], params: &[i64]) -> LocalSet {
    let mut reads = Reads::default();
    // Parameters may be told apart from undefined by what calls next; `input` and `data` are part of the world.
    reads.pending.extend(params);
    let mut open: Vec<&Block> = blocks.iter().collect();
    while let Some(block) = open.pop() {
        for statement in &block.statements {
            reads.statement(&statement.kind, &mut open);
        }
    }
    reads.finish()
}

/// Whether the statements, and those within them, read a local exactly once. Only so many are looked at; where there are
/// more, the answer is no.
pub(super) fn reads_once(statements: &[Statement], local: i64) -> bool {
    const MOST: usize = 2000;
    let mut reads = Reads::default();
    let mut open: Vec<&Block> = Vec::new();
    statements
        .iter()
        .take(MOST)
        .for_each(|statement| reads.statement(&statement.kind, &mut open));
    let mut left = MOST.saturating_sub(statements.len());
    while let Some(block) = open.pop() {
        let Some(less) = left.checked_sub(block.statements.len()) else {
            return false;
        };
        left = less;
        for statement in &block.statements {
            reads.statement(&statement.kind, &mut open);
        }
    }
    let found = reads
        .pending
        .iter()
        .chain(reads.copies.iter().map(|(_, source)| source));
    statements.len() <= MOST && found.filter(|read| **read == local).count() == 1
}

#[derive(Default)]
struct Reads {
    /// Read, and not yet followed.
    pending: Vec<i64>,
    /// The locals that are copied to others: to which, and from which.
    copies: Vec<(i64, i64)>,
}

impl Reads {
    fn operands(&mut self, operands: &[Operand]) {
        self.pending
            .extend(operands.iter().filter_map(|operand| match operand {
                Operand::Local(local) => Some(*local),
                Operand::String(_) | Operand::Bool(_) => None,
            }));
    }

    /// Notes what a statement reads and opens the blocks within it.
    fn statement<'p>(&mut self, kind: &'p Kind, open: &mut Vec<&'p Block>) {
        match kind {
            Kind::AssignVar {
                source: Operand::Local(source),
                target,
            } => {
                self.copies.push((*target, *source));
            }
            Kind::AssignVar { .. }
            | Kind::AssignInt { .. }
            | Kind::Break { .. }
            | Kind::MakeArray { .. }
            | Kind::MakeNull { .. }
            | Kind::MakeNumberInt { .. }
            | Kind::MakeNumberRef { .. }
            | Kind::MakeObject { .. }
            | Kind::MakeSet { .. }
            | Kind::Nop
            | Kind::ResetLocal { .. }
            | Kind::Unknown { .. } => {}
            Kind::Block { blocks } => open.extend(blocks),
            Kind::Not { block } => open.push(block),
            Kind::Scan { source, block, .. } => {
                self.pending.push(*source);
                open.push(block);
            }
            Kind::With {
                local, value, block, ..
            } => {
                self.pending.push(*local);
                self.operands(&[*value]);
                open.push(block);
            }
            // What they write they also compare with or add to.
            Kind::AssignVarOnce { source, target } => {
                self.operands(&[*source]);
                self.pending.push(*target);
            }
            Kind::ArrayAppend {
                value,
                array: collection,
            }
            | Kind::SetAdd {
                value,
                set: collection,
            } => {
                self.operands(&[*value]);
                self.pending.push(*collection);
            }
            Kind::ObjectInsert { key, value, object } | Kind::ObjectInsertOnce { key, value, object } => {
                self.operands(&[*key, *value]);
                self.pending.push(*object);
            }
            Kind::Call { args, .. } => self.operands(args),
            Kind::CallDynamic { path, args, .. } => {
                self.operands(path);
                self.pending.extend(args);
            }
            Kind::Dot { source, key, .. } => self.operands(&[*source, *key]),
            Kind::Equal { a, b } | Kind::NotEqual { a, b } => self.operands(&[*a, *b]),
            Kind::IsArray { source }
            | Kind::IsObject { source }
            | Kind::IsSet { source }
            | Kind::Len { source, .. } => self.operands(&[*source]),
            Kind::IsDefined { source } | Kind::IsUndefined { source } | Kind::ReturnLocal { source } => {
                self.pending.push(*source);
            }
            Kind::ObjectMerge { a, b, .. } => self.pending.extend([*a, *b]),
            Kind::ResultSetAdd { value } => self.pending.push(*value),
        }
    }

    /// Follows the copies backwards from what is read.
    fn finish(mut self) -> LocalSet {
        let mut live = LocalSet::default();
        self.copies.sort_unstable();
        while let Some(local) = self.pending.pop() {
            if live.insert(local) {
                let first = self.copies.partition_point(|(target, _)| *target < local);
                let to_it = self
                    .copies
                    .iter()
                    .skip(first)
                    .take_while(|(target, _)| *target == local);
                self.pending.extend(to_it.map(|(_, source)| source));
            }
        }
        live
    }
}

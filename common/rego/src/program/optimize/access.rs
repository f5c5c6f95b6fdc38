//! Which locals an operation reads and writes.

use super::Tables;
use crate::program::op::{Local, Op, Operand, Source};

/// One use of a local by an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// As an operand: a constant could stand there as well.
    Operand(Local),
    /// Where only a local can stand.
    Local(Local),
    /// Changed, or given a new value.
    Write(Local),
}

/// Calls `see` with each use that an operation makes of a local.
pub(super) fn accesses(op: &Op, tables: &Tables<'_>, mut see: impl FnMut(Access)) {
    let mut operands = |operands: &[Operand]| {
        for operand in operands {
            if let Source::Local(local) = operand.source() {
                see(Access::Operand(local));
            }
        }
    };
    match *op {
        Op::Nothing
        | Op::Jump { .. }
        | Op::ScanEnd { .. }
        | Op::WithEnd { .. }
        | Op::ReturnUndefined
        // An index looks at parameters alone, which keep what they were given.
        | Op::Select { .. }
        | Op::Group { .. }
        | Op::Branch { .. }
        | Op::IsEarly { .. }
        | Op::Finish => {}
        Op::Assign { source, target } | Op::Len { source, target, .. } => {
            operands(&[source]);
            see(Access::Write(target));
        }
        Op::AssignOnce { source, target, .. } => {
            operands(&[source]);
            see(Access::Local(target));
            see(Access::Write(target));
        }
        Op::Reset { target }
        | Op::MakeArray { target, .. }
        | Op::MakeObject { target }
        | Op::MakeSet { target } => {
            see(Access::Write(target));
        }
        Op::Dot {
            source, key, target, ..
        } => {
            operands(&[source, key]);
            see(Access::Write(target));
        }
        Op::DotBase {
            source,
            key,
            target,
            place,
            ..
        } => {
            operands(&[source, key]);
            operands(tables.place(place));
            see(Access::Write(target));
        }
        Op::Follow { path, target, .. } => {
            if let Some(path) = tables.paths.get(path as usize) {
                operands(path.place.map_or(&[], |place| tables.place(place)));
                see(Access::Local(path.source));
            }
            see(Access::Write(target));
        }
        Op::Equal { a, b, .. } | Op::NotEqual { a, b, .. } => operands(&[a, b]),
        Op::DotCompare {
            source, key, other, ..
        } => operands(&[source, key, other]),
        Op::IsArray { source, .. } | Op::IsObject { source, .. } | Op::IsSet { source, .. } => {
            operands(&[source]);
        }
        Op::IsDefined { source, .. } | Op::IsUndefined { source, .. } | Op::Return { source } => {
            see(Access::Local(source));
        }
        Op::ArrayAppend {
            value,
            array: collection,
            ..
        }
        | Op::SetAdd {
            value,
            set: collection,
            ..
        } => {
            operands(&[value]);
            see(Access::Local(collection));
            see(Access::Write(collection));
        }
        Op::ObjectInsert {
            key, value, object, ..
        }
        | Op::ObjectInsertOnce {
            key, value, object, ..
        } => {
            operands(&[key, value]);
            see(Access::Local(object));
            see(Access::Write(object));
        }
        Op::ObjectMerge { a, b, target, .. } => {
            see(Access::Local(a));
            see(Access::Local(b));
            see(Access::Write(target));
        }
        Op::ScanStart { source, .. } => see(Access::Local(source)),
        Op::AskedIs { asked, .. } => see(Access::Local(asked)),
        Op::AskedPart {
            asked, key, target, ..
        } => {
            operands(&[key]);
            see(Access::Local(asked));
            see(Access::Write(target));
        }
        Op::ScanAsked {
            source, asked, place, ..
        } => {
            operands(tables.place(place));
            see(Access::Local(source));
            see(Access::Local(asked));
        }
        Op::ScanNext { key, value, .. } => {
            if let Some(key) = key {
                see(Access::Write(key));
            }
            see(Access::Write(value));
        }
        Op::ScanSeek {
            value, key, other, ..
        } => {
            operands(&[key, other]);
            see(Access::Write(value));
        }
        Op::WithStart { with, .. } => {
            if let Some(with) = tables.withs.get(with as usize) {
                operands(&[with.value]);
                see(Access::Local(with.local));
                // Here, and where it ends, which is not known there.
                see(Access::Write(with.local));
                see(Access::Write(with.local));
            }
        }
        Op::Call { call, .. } => {
            if let Some(call) = tables.calls.get(call as usize) {
                operands(&call.args);
                see(Access::Write(call.result));
            }
        }
        Op::CallBuiltin { call, .. } => {
            if let Some(call) = tables.builtin_calls.get(call as usize) {
                operands(&call.args);
                see(Access::Write(call.result));
            }
        }
        Op::CallDynamic { call, .. } => {
            if let Some(call) = tables.dynamic_calls.get(call as usize) {
                operands(&call.path);
                operands(&call.args);
                see(Access::Write(call.result));
            }
        }
        Op::IsAsked { key, asked, .. } => {
            operands(&[key]);
            see(Access::Local(asked));
        }
        Op::TakeAsked { var, asked, .. } => {
            see(Access::Local(var));
            see(Access::Local(asked));
            see(Access::Write(var));
        }
        Op::ResultAdd { value, .. } => see(Access::Local(value)),
        Op::ResultValue { value, .. } => operands(&[value]),
    }
}

/// Lets `replace` change each operand, and each local that is only read.
pub(super) fn replace_reads(
    op: &mut Op,
    tables: &mut Tables<'_>,
    operand: impl Fn(&mut Operand),
    local: impl Fn(&mut Local),
) {
    match op {
        Op::Assign { source, .. }
        | Op::AssignOnce { source, .. }
        | Op::IsArray { source, .. }
        | Op::IsObject { source, .. }
        | Op::IsSet { source, .. }
        | Op::Len { source, .. } => operand(source),
        Op::Dot { source, key, .. } => {
            operand(source);
            operand(key);
        }
        Op::DotBase {
            source, key, place, ..
        } => {
            operand(source);
            operand(key);
            tables.place_mut(*place).iter_mut().for_each(operand);
        }
        Op::Equal { a, b, .. } | Op::NotEqual { a, b, .. } => {
            operand(a);
            operand(b);
        }
        Op::DotCompare {
            source, key, other, ..
        } => {
            operand(source);
            operand(key);
            operand(other);
        }
        Op::ScanSeek { key, other, .. } => {
            operand(key);
            operand(other);
        }
        Op::IsDefined { source, .. }
        | Op::IsUndefined { source, .. }
        | Op::Return { source }
        | Op::ScanStart { source, .. } => local(source),
        Op::ArrayAppend { value, .. } | Op::SetAdd { value, .. } | Op::ResultValue { value, .. } => {
            operand(value);
        }
        Op::ObjectInsert { key, value, .. } | Op::ObjectInsertOnce { key, value, .. } => {
            operand(key);
            operand(value);
        }
        Op::ObjectMerge { a, b, .. } => {
            local(a);
            local(b);
        }
        Op::AskedIs { asked, .. } | Op::TakeAsked { asked, .. } => local(asked),
        Op::ScanAsked {
            source, asked, place, ..
        } => {
            tables.place_mut(*place).iter_mut().for_each(operand);
            local(source);
            local(asked);
        }
        Op::IsAsked { key, asked, .. } | Op::AskedPart { asked, key, .. } => {
            operand(key);
            local(asked);
        }
        Op::ResultAdd { value, .. } => local(value),
        Op::WithStart { with, .. } => {
            if let Some(with) = tables.withs.get_mut(*with as usize) {
                operand(&mut with.value);
            }
        }
        Op::Call { call, .. } => {
            let args = tables.calls.get_mut(*call as usize).map(|call| &mut call.args);
            args.into_iter().flatten().for_each(operand);
        }
        Op::CallBuiltin { call, .. } => {
            let args = tables
                .builtin_calls
                .get_mut(*call as usize)
                .map(|call| &mut call.args);
            args.into_iter().flatten().for_each(operand);
        }
        Op::CallDynamic { call, .. } => {
            if let Some(call) = tables.dynamic_calls.get_mut(*call as usize) {
                call.path.iter_mut().chain(&mut call.args).for_each(operand);
            }
        }
        Op::Follow { .. }
        | Op::Nothing
        | Op::Jump { .. }
        | Op::Reset { .. }
        | Op::MakeArray { .. }
        | Op::MakeObject { .. }
        | Op::MakeSet { .. }
        | Op::ScanNext { .. }
        | Op::ScanEnd { .. }
        | Op::WithEnd { .. }
        | Op::ReturnUndefined
        | Op::Select { .. }
        | Op::Group { .. }
        | Op::Branch { .. }
        | Op::IsEarly { .. }
        | Op::Finish => {}
    }
}

/// How often each local is read and written; a parameter is written once, by the caller.
pub(super) struct Counts {
    reads: Vec<u32>,
    writes: Vec<u32>,
}

impl Counts {
    pub(super) fn of(ops: &[Op], params: Local, locals: Local, tables: &Tables<'_>) -> Self {
        let mut counts = Counts {
            reads: vec![0; locals as usize],
            writes: vec![0; locals as usize],
        };
        counts
            .writes
            .iter_mut()
            .take(params as usize)
            .for_each(|writes| *writes = 1);
        for op in ops {
            accesses(op, tables, |access| {
                let (list, local) = match access {
                    Access::Operand(local) | Access::Local(local) => (&mut counts.reads, local),
                    Access::Write(local) => (&mut counts.writes, local),
                };
                if let Some(count) = list.get_mut(local as usize) {
                    *count += 1;
                }
            });
        }
        counts
    }

    pub(super) fn reads(&self, local: Local) -> u32 {
        self.reads.get(local as usize).copied().unwrap_or(u32::MAX)
    }

    pub(super) fn writes(&self, local: Local) -> u32 {
        self.writes.get(local as usize).copied().unwrap_or(u32::MAX)
    }
}

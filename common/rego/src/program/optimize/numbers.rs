//! Locals that no operation has left are taken out of the numbering: a function begins and ends with as many as it uses.

use super::access::{Access, accesses};
use super::{Range, Tables};
use crate::hash::{HashMap, HashSet};
use crate::program::op::{Local, Op, Operand, Source};

/// Renumbers the locals of a body, parameters first; gives how many there are.
pub(super) fn close(ops: &mut [Op], range: &Range, tables: &mut Tables<'_>) -> Local {
    let mut numbers: HashMap<Local, Local> = (0..range.params).map(|param| (param, param)).collect();
    let mut count = range.params;
    for op in ops.iter() {
        accesses(op, tables, |access| {
            let (Access::Operand(local) | Access::Local(local) | Access::Write(local)) = access;
            numbers.entry(local).or_insert_with(|| {
                count += 1;
                count - 1
            });
        });
    }
    let renumber = |local: &mut Local| {
        if let Some(number) = numbers.get(local) {
            *local = *number;
        }
    };
    let mut seen = Seen::default();
    for op in ops {
        rename(op, tables, &mut seen, &renumber);
    }
    count
}

/// The entries of tables that were renamed: should two operations share one, it is renamed once.
#[derive(Default)]
struct Seen {
    entries: HashSet<(u8, u32)>,
}

impl Seen {
    fn first(&mut self, table: u8, index: u32) -> bool {
        self.entries.insert((table, index))
    }
}

/// Changes every local of an operation, and of the entry of a table that it refers to.
fn rename(op: &mut Op, tables: &mut Tables<'_>, seen: &mut Seen, local: &impl Fn(&mut Local)) {
    let operand = |operand: &mut Operand| {
        if let Source::Local(mut own) = operand.source() {
            local(&mut own);
            *operand = Operand::local(own);
        }
    };
    match op {
        Op::Nothing
        | Op::Jump { .. }
        | Op::ScanEnd { .. }
        | Op::WithEnd { .. }
        | Op::ReturnUndefined
        // An index looks at parameters alone, whose numbers stay.
        | Op::Select { .. }
        | Op::Group { .. }
        | Op::Branch { .. }
        | Op::IsEarly { .. }
        | Op::Finish => {}
        Op::Assign { source, target }
        | Op::AssignOnce { source, target, .. }
        | Op::Len { source, target, .. } => {
            operand(source);
            local(target);
        }
        Op::Reset { target }
        | Op::MakeArray { target, .. }
        | Op::MakeObject { target }
        | Op::MakeSet { target } => local(target),
        Op::Dot {
            source, key, target, ..
        } => {
            operand(source);
            operand(key);
            local(target);
        }
        Op::DotBase {
            source,
            key,
            target,
            place,
            ..
        } => {
            operand(source);
            operand(key);
            if seen.first(5, *place) {
                tables.place_mut(*place).iter_mut().for_each(operand);
            }
            local(target);
        }
        Op::Follow { path, target, .. } => {
            let mut place = None;
            if seen.first(0, *path)
                && let Some(path) = tables.paths.get_mut(*path as usize)
            {
                local(&mut path.source);
                place = path.place;
            }
            if let Some(place) = place.filter(|place| seen.first(5, *place)) {
                tables.place_mut(place).iter_mut().for_each(operand);
            }
            local(target);
        }
        Op::DotCompare {
            source, key, other, ..
        } => {
            operand(source);
            operand(key);
            operand(other);
        }
        Op::Equal { a, b, .. } | Op::NotEqual { a, b, .. } => {
            operand(a);
            operand(b);
        }
        Op::IsArray { source, .. } | Op::IsObject { source, .. } | Op::IsSet { source, .. } => {
            operand(source);
        }
        Op::IsDefined { source, .. }
        | Op::IsUndefined { source, .. }
        | Op::ScanStart { source, .. }
        | Op::Return { source } => local(source),
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
            operand(value);
            local(collection);
        }
        Op::ObjectInsert {
            key, value, object, ..
        }
        | Op::ObjectInsertOnce {
            key, value, object, ..
        } => {
            operand(key);
            operand(value);
            local(object);
        }
        Op::ObjectMerge { a, b, target, .. } => {
            local(a);
            local(b);
            local(target);
        }
        Op::AskedIs { asked, .. } => local(asked),
        Op::AskedPart {
            asked, key, target, ..
        } => {
            local(asked);
            operand(key);
            local(target);
        }
        Op::ScanAsked {
            source, asked, place, ..
        } => {
            if seen.first(5, *place) {
                tables.place_mut(*place).iter_mut().for_each(operand);
            }
            local(source);
            local(asked);
        }
        Op::ScanNext { key, value, .. } => {
            if let Some(key) = key {
                local(key);
            }
            local(value);
        }
        Op::ScanSeek {
            value, key, other, ..
        } => {
            local(value);
            operand(key);
            operand(other);
        }
        Op::WithStart { with, .. } => {
            if seen.first(1, *with)
                && let Some(with) = tables.withs.get_mut(*with as usize)
            {
                operand(&mut with.value);
                local(&mut with.local);
            }
        }
        Op::Call { call, .. } => {
            if seen.first(2, *call)
                && let Some(call) = tables.calls.get_mut(*call as usize)
            {
                call.args.iter_mut().for_each(operand);
                local(&mut call.result);
            }
        }
        Op::CallBuiltin { call, .. } => {
            if seen.first(3, *call)
                && let Some(call) = tables.builtin_calls.get_mut(*call as usize)
            {
                call.args.iter_mut().for_each(operand);
                local(&mut call.result);
            }
        }
        Op::CallDynamic { call, .. } => {
            if seen.first(4, *call)
                && let Some(call) = tables.dynamic_calls.get_mut(*call as usize)
            {
                call.path.iter_mut().chain(&mut call.args).for_each(operand);
                local(&mut call.result);
            }
        }
        Op::IsAsked { key, asked, .. } => {
            operand(key);
            local(asked);
        }
        Op::TakeAsked { var, asked, .. } => {
            local(var);
            local(asked);
        }
        Op::ResultAdd { value, .. } => local(value),
        Op::ResultValue { value, .. } => operand(value),
    }
}

//! Collections of constants are made once, when the program is built: `{"allowed": true}`, `{"GET", "HEAD"}`.

use super::{Body, Tables};
use crate::program::op::{Local, Op, Operand, Source};
use crate::value::{Array, MAX_NESTING, MAX_WEIGHT, Object, Set, Value};

/// Replaces the making of constant collections by the collections; says whether there were any. One that is added to
/// later stays as it is: it would be copied then.
pub(super) fn fold(body: &mut Body<'_>, tables: &mut Tables<'_>) -> bool {
    let counts = body.counts(tables);
    let mut folded = false;
    for at in 0..body.ops.len() {
        let (target, mut made) = match body.op(at) {
            Some(Op::MakeArray { target, .. }) => (target, Value::Array(Array::default())),
            Some(Op::MakeObject { target }) => (target, Value::Object(Object::default())),
            Some(Op::MakeSet { target }) => (target, Value::Set(Set::default())),
            _ => continue,
        };
        // The insertions that follow, as far as they are constant and nothing comes in between.
        let mut taken = Vec::new();
        for next in body.live_from(at + 1) {
            if body.flow.is_entered(at, next)
                || !body
                    .op(next)
                    .is_some_and(|op| put(&mut made, target, &op, tables))
            {
                break;
            }
            taken.push(next);
        }
        let is_whole = counts.writes(target) as usize == 1 + taken.len();
        let within = is_whole && made.nesting() < MAX_NESTING && made.weight() < MAX_WEIGHT;
        let Some(source) = within.then(|| add(made, tables)).flatten() else {
            continue;
        };
        body.set(at, Op::Assign { source, target });
        taken.into_iter().for_each(|taken| body.set(taken, Op::Nothing));
        folded = true;
    }
    folded
}

/// Does at once what the operation would do, if that is to add a constant to `target`.
fn put(made: &mut Value, target: Local, op: &Op, tables: &Tables<'_>) -> bool {
    let constant = |operand: Operand| match operand.source() {
        Source::Constant(index) => tables.constants.get(index as usize).cloned(),
        Source::Local(_) => None,
    };
    match (made, *op) {
        (Value::Array(made), Op::ArrayAppend { value, array, .. }) if array == target => {
            constant(value).map(|value| made.push(value)).is_some()
        }
        (Value::Set(made), Op::SetAdd { value, set, .. }) if set == target => {
            constant(value).map(|value| made.insert(value)).is_some()
        }
        (
            Value::Object(made),
            Op::ObjectInsert {
                key, value, object, ..
            },
        ) if object == target => match (constant(key), constant(value)) {
            (Some(key), Some(value)) => {
                made.insert(key, value);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// `None` when there are too many constants.
fn add(made: Value, tables: &mut Tables<'_>) -> Option<Operand> {
    let index = u32::try_from(tables.constants.len())
        .ok()
        .filter(|index| (*index as usize) < Operand::BOUND)?;
    let is_light = made.is_light();
    tables.constants.push(made);
    Some(Operand::constant(index, is_light))
}

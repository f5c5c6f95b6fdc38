//! An entrypoint of `opa build` ends by putting its value into an object of one member, `result`, and that into the set
//! of results. The value is handed over as it is; the object is made only for who asks for all results.

use super::{Body, Tables};
use crate::program::op::{Op, Operand, Source};

pub(super) fn hand_over(body: &mut Body<'_>, tables: &Tables<'_>) {
    let counts = body.counts(tables);
    for at in 0..body.ops.len() {
        let Some(Op::MakeObject { target }) = body.op(at) else {
            continue;
        };
        let next: Vec<usize> = body.live_from(at + 1).take(2).collect();
        let [insert, add] = next.as_slice() else { continue };
        let (insert, add) = (*insert, *add);
        let (
            Some(Op::ObjectInsert {
                key, value, object, ..
            }),
            Some(Op::ResultAdd { value: added, fail }),
        ) = (body.op(insert), body.op(add))
        else {
            continue;
        };
        let is_result = object == target
            && added == target
            && value != Operand::local(target)
            && is_called_result(key, tables)
            && counts.writes(target) == 2
            && counts.reads(target) == 2
            && !body.flow.is_entered(at, add);
        if is_result {
            body.set(at, Op::Nothing);
            body.set(insert, Op::Nothing);
            body.set(add, Op::ResultValue { value, fail });
        }
    }
}

fn is_called_result(key: Operand, tables: &Tables<'_>) -> bool {
    let Source::Constant(index) = key.source() else {
        return false;
    };
    let key = tables.constants.get(index as usize);
    key.and_then(|key| key.as_str()) == Some("result")
}

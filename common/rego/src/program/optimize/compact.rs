//! Takes away what does nothing: [`Op::Nothing`], what can't be reached, jumps to where control goes anyway.

use crate::program::op::{Address, Op};

/// Moves the code together. `entries` are the addresses that it is entered at; they, and all jumps, are made to point
/// to where the operations are now. `keep` is told the place of each operation that stays, in order.
pub(in crate::program) fn compact(
    code: &mut Vec<Op>,
    entries: &mut [&mut Address],
    mut keep: impl FnMut(usize),
) {
    let starts: Vec<Address> = entries.iter().map(|entry| **entry).collect();
    let reached = reached(code, &starts);
    let mut moved: Vec<Address> = Vec::with_capacity(code.len());
    let mut kept = Vec::with_capacity(code.len());
    for (at, op) in code.iter().enumerate() {
        moved.push(Address::try_from(kept.len()).unwrap_or(Address::MAX));
        let stays = reached.get(at).copied().unwrap_or(false)
            && match op {
                Op::Nothing => false,
                Op::Jump { to } => !leads_on(code, &reached, at, *to),
                _ => true,
            };
        if stays {
            kept.push(*op);
            keep(at);
        }
    }
    let place = |address: Address| moved.get(address as usize).copied().unwrap_or(address);
    for op in &mut kept {
        op.map_exits(place);
    }
    for entry in entries {
        **entry = place(**entry);
    }
    *code = kept;
}

/// Whether everything from `at` to `to` is taken away.
fn leads_on(code: &[Op], reached: &[bool], at: usize, to: Address) -> bool {
    let to = to as usize;
    to > at
        && (at + 1..to).all(|between| {
            matches!(code.get(between), Some(Op::Nothing)) || reached.get(between) == Some(&false)
        })
}

fn reached(code: &[Op], entries: &[Address]) -> Vec<bool> {
    let mut reached = vec![false; code.len()];
    let mut open: Vec<usize> = entries.iter().map(|entry| *entry as usize).collect();
    while let Some(at) = open.pop() {
        let (Some(place), Some(op)) = (reached.get_mut(at), code.get(at)) else {
            continue;
        };
        if std::mem::replace(place, true) {
            continue;
        }
        open.extend(op.exits().map(|to| to as usize));
        if op.goes_on() {
            open.push(at + 1);
        }
    }
    reached
}

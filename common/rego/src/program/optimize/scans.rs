//! Iterations that look for elements by one of their members: what doesn't change from element to element is looked up
//! before the first, and elements that don't fit are passed over within one operation.

use super::access::{Access, accesses};
use super::flow::Flow;
use super::{Body, Tables};
use crate::program::op::{Address, Local, Op, Operand, Source};

/// Takes away jumps over what nothing reaches, so that what is executed one after the other stands so.
pub(super) fn straighten(body: &mut Body<'_>, first: Address, tables: &mut Tables<'_>) {
    let flow = Flow::of(body.ops, first);
    for at in 0..body.ops.len() {
        let Some(Op::Jump { to }) = body.op(at) else {
            continue;
        };
        let to = to.saturating_sub(first) as usize;
        // Only other jumps: an index knows ways of its own to what else there is.
        let idle = |over| matches!(body.op(over), Some(Op::Nothing | Op::Jump { .. }));
        if to > at && tables.may_look_at(to - at) && (at..to).all(idle) && !flow.is_entered(at, to - 1) {
            (at..to).for_each(|over| body.set(over, Op::Nothing));
        }
    }
}

/// Moves lookups that give the same for each element, and come first for each, before the iteration: where one is
/// undefined, no element would fit.
pub(super) fn hoist(body: &mut Body<'_>, first: Address, tables: &mut Tables<'_>) {
    // Each moves one lookup over one iteration; those of an outer one come later.
    for start in (0..body.ops.len()).rev() {
        let Some(opening @ Op::ScanStart { source, slot }) = body.op(start) else {
            continue;
        };
        let following: Vec<usize> = body.live_from(start + 1).take(2).collect();
        let [next, lookup] = following.as_slice() else {
            continue;
        };
        let (next, lookup) = (*next, *lookup);
        let (
            Some(
                scan @ Op::ScanNext {
                    slot: same,
                    key,
                    value,
                    done,
                },
            ),
            Some(Op::Follow {
                path,
                target,
                once: true,
                fail,
            }),
        ) = (body.op(next), body.op(lookup))
        else {
            continue;
        };
        if !tables.may_look_at(body.ops.len()) {
            return;
        }
        let flow = Flow::of(body.ops, first);
        let from = tables.paths.get(path as usize).map(|path| path.source);
        let reads_own = from.is_none_or(|from| from == value || Some(from) == key || from == target);
        let goes_back = address(first, next) == Some(fail);
        let only_goes_back = exits_to(body, address(first, next)).all(|from| from >= lookup);
        let stays_within = [Some(value), key, Some(target)]
            .into_iter()
            .flatten()
            .all(|local| is_read_after(body, &flow, tables, local, lookup));
        if slot != same
            || source == target
            || reads_own
            || !goes_back
            || !only_goes_back
            || !stays_within
            || flow.is_entered(next, lookup)
        {
            continue;
        }
        let (Some(old), Some(new)) = (address(first, next), address(first, lookup)) else {
            continue;
        };
        body.set(
            start,
            Op::Follow {
                path,
                target,
                once: true,
                fail: done,
            },
        );
        body.set(next, opening);
        body.set(lookup, scan);
        for op in body.ops.iter_mut() {
            op.map_exits(|exit| if exit == old { new } else { exit });
        }
    }
}

/// Makes one operation of an iteration and the comparison that comes first for each element.
pub(super) fn seek(body: &mut Body<'_>, first: Address, tables: &mut Tables<'_>) {
    let flow = Flow::of(body.ops, first);
    for next in 0..body.ops.len() {
        let Some(Op::ScanNext {
            slot,
            key: None,
            value,
            done,
        }) = body.op(next)
        else {
            continue;
        };
        let Some(at) = body.live_from(next + 1).next() else {
            continue;
        };
        let Some(Op::DotCompare {
            source,
            key,
            other,
            equal,
            fail,
        }) = body.op(at)
        else {
            continue;
        };
        let element = Operand::local(value);
        let fits = source == element
            && key != element
            && other != element
            && matches!(key.source(), Source::Constant(_))
            && address(first, next) == Some(fail)
            && !flow.is_entered(next, at)
            && tables.may_look_at(body.ops.len())
            && is_read_after(body, &flow, tables, value, at);
        if fits {
            let seek = Op::ScanSeek {
                slot,
                value,
                key,
                other,
                equal,
                done,
            };
            body.set(next, seek);
            body.set(at, Op::Nothing);
        }
    }
}

fn address(first: Address, at: usize) -> Option<Address> {
    first.checked_add(Address::try_from(at).ok()?)
}

/// The places that go to an address otherwise than by going on.
fn exits_to<'b>(body: &'b Body<'_>, to: Option<Address>) -> impl Iterator<Item = usize> + 'b {
    let ops = body.ops.iter().enumerate();
    ops.filter(move |(_, op)| op.exits().any(|exit| Some(exit) == to))
        .map(|(at, _)| at)
}

/// Whether a local is read, but by the operation at `at`, only where that has come before.
fn is_read_after(body: &Body<'_>, flow: &Flow, tables: &Tables<'_>, local: Local, at: usize) -> bool {
    body.ops.iter().enumerate().all(|(place, op)| {
        let mut reads = false;
        accesses(op, tables, |access| {
            reads |= matches!(access, Access::Operand(read) | Access::Local(read) if read == local);
        });
        !reads || place == at || flow.is_after(place, at)
    })
}

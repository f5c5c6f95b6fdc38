//! Makes the lowered code shorter without changing what it answers: copies and constants are followed, lookups in a row
//! become one, lookups that give the same in each iteration are made once, and elements of an iteration that don't fit
//! are passed over at once. Every rewrite keeps errors, undefined results
//! and the order of effects; only the statements that a limit counts become fewer.

mod access;
mod collections;
mod compact;
mod compare;
mod copies;
mod flow;
mod numbers;
mod paths;
mod results;
mod scans;
#[cfg(test)]
mod tests;

use super::op::{Address, BuiltinCall, Call, DynamicCall, Local, Op, Operand, Path, With};
use crate::value::Value;

use access::Counts;
use flow::Flow;

/// How often constants are followed into what is made of them: nested collections of constants take a round each.
const ROUNDS: usize = 4;

/// The tables that operations refer to.
pub(super) struct Tables<'t> {
    pub(super) constants: &'t mut Vec<Value>,
    pub(super) calls: &'t mut [Call],
    pub(super) builtin_calls: &'t mut [BuiltinCall],
    pub(super) dynamic_calls: &'t mut [DynamicCall],
    pub(super) withs: &'t mut [With],
    pub(super) paths: &'t mut Vec<Path>,
    pub(super) places: &'t mut [Box<[Operand]>],
    /// How many operations may still be looked at where one thing takes a look at many: a plan that wants more, which none
    /// does that someone wrote, runs as it is.
    pub(super) effort: usize,
}

/// For a whole plan; about a second's worth.
pub(super) const EFFORT: usize = 100_000_000;

impl Tables<'_> {
    /// The keys that lead to where a lookup of a base document begins.
    fn place(&self, place: u32) -> &[Operand] {
        self.places.get(place as usize).map_or(&[], |keys| keys)
    }

    fn place_mut(&mut self, place: u32) -> &mut [Operand] {
        self.places.get_mut(place as usize).map_or(&mut [], |keys| keys)
    }

    /// Whether as many operations may be looked at.
    fn may_look_at(&mut self, operations: usize) -> bool {
        let left = self.effort.checked_sub(operations);
        self.effort = left.unwrap_or(0);
        left.is_some()
    }
}

/// The operations of one function or entrypoint among all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) start: Address,
    pub(super) end: Address,
    pub(super) params: Local,
    pub(super) locals: Local,
}

/// Rewrites every body and says how many locals are left to it; what is no longer needed becomes [`Op::Nothing`], which [`compact`](mod@compact) takes away.
pub(super) fn optimize(code: &mut [Op], bodies: &mut [Range], tables: &mut Tables<'_>) {
    for range in bodies {
        let (start, end) = (range.start as usize, range.end as usize);
        if let Some(ops) = code.get_mut(start..end) {
            let mut body = Body {
                flow: Flow::of(ops, range.start),
                ops,
                params: range.params,
                locals: range.locals,
            };
            body.optimize(range.start, tables);
            range.locals = numbers::close(ops, range, tables);
        }
    }
}

pub(super) use compact::compact;

/// A function or entrypoint being rewritten.
struct Body<'c> {
    ops: &'c mut [Op],
    /// As it was at the beginning: what goes since can only have led to more places.
    flow: Flow,
    params: Local,
    locals: Local,
}

impl Body<'_> {
    fn optimize(&mut self, first: Address, tables: &mut Tables<'_>) {
        results::hand_over(self, tables);
        for _ in 0..ROUNDS {
            let folded = collections::fold(self, tables);
            let followed = copies::follow(self, tables);
            if !folded && !followed {
                break;
            }
        }
        paths::join(self, tables);
        compare::join(self, tables);
        // These move iterations: what the flow says of their places no longer holds.
        scans::straighten(self, first, tables);
        scans::hoist(self, first, tables);
        scans::seek(self, first, tables);
    }

    /// The places of operations that still do something, from `at` on.
    fn live_from(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        (at..self.ops.len()).filter(|at| !matches!(self.ops.get(*at), Some(Op::Nothing)))
    }

    fn op(&self, at: usize) -> Option<Op> {
        self.ops.get(at).copied()
    }

    fn set(&mut self, at: usize, op: Op) {
        if let Some(place) = self.ops.get_mut(at) {
            *place = op;
        }
    }

    fn counts(&self, tables: &Tables<'_>) -> Counts {
        Counts::of(self.ops, self.params, self.locals, tables)
    }
}

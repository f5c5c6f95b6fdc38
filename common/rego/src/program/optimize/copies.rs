//! A local that only ever is a copy of another, or a constant, need not be: who reads it reads the other. OPA's planner
//! copies every variable of a rule.

use super::access::{Access, Counts, accesses, replace_reads};
use super::{Body, Tables};
use crate::hash::HashMap;
use crate::program::op::{Local, Op, Operand, Source};

/// Copies of copies take a round each.
const ROUNDS: usize = 8;

/// A local that is written in one place, as a copy.
#[derive(Clone, Copy)]
struct Copy {
    at: usize,
    source: Operand,
}

/// Follows copies to where they come from; says whether there were any.
pub(super) fn follow(body: &mut Body<'_>, tables: &mut Tables<'_>) -> bool {
    (0..ROUNDS).take_while(|_| follow_once(body, tables)).count() > 0
}

fn follow_once(body: &mut Body<'_>, tables: &mut Tables<'_>) -> bool {
    let copies = copies(body, tables);
    for copy in copies.values() {
        body.set(copy.at, Op::Nothing);
    }
    if copies.is_empty() {
        return false;
    }
    let operand = |operand: &mut Operand| {
        if let Source::Local(own) = operand.source()
            && let Some(copy) = copies.get(&own)
        {
            *operand = copy.source;
        }
    };
    let local = |local: &mut Local| {
        if let Some(copy) = copies.get(local)
            && let Source::Local(source) = copy.source.source()
        {
            *local = source;
        }
    };
    for op in body.ops.iter_mut() {
        replace_reads(op, tables, operand, local);
    }
    true
}

/// The copies that nothing reads but after they were made, and that hold as long as they are read.
fn copies(body: &Body<'_>, tables: &Tables<'_>) -> HashMap<Local, Copy> {
    let counts = body.counts(tables);
    let mut copies = candidates(body, tables, &counts);
    for (at, op) in body.ops.iter().enumerate() {
        accesses(op, tables, |access| {
            let (local, takes_constants) = match access {
                Access::Operand(local) => (local, true),
                Access::Local(local) => (local, false),
                Access::Write(_) => return,
            };
            if let Some(copy) = copies.get(&local) {
                let fits = takes_constants || matches!(copy.source.source(), Source::Local(_));
                if !fits || !body.flow.is_after(at, copy.at) {
                    copies.remove(&local);
                }
            }
        });
    }
    // What another copy comes from has to wait until that one is gone.
    let sources: Vec<Local> = copies
        .values()
        .filter_map(|copy| match copy.source.source() {
            Source::Local(source) => Some(source),
            Source::Constant(_) => None,
        })
        .collect();
    for source in sources {
        copies.remove(&source);
    }
    copies
}

/// Locals with one writer, which copies a constant, or a local with one writer that has come before.
fn candidates(body: &Body<'_>, tables: &Tables<'_>, counts: &Counts) -> HashMap<Local, Copy> {
    let mut writers: HashMap<Local, usize> = HashMap::default();
    for (at, op) in body.ops.iter().enumerate() {
        accesses(op, tables, |access| {
            if let Access::Write(local) = access {
                writers.insert(local, at);
            }
        });
    }
    // A parameter's writer is the caller.
    let has_come = |local: Local, at: usize| match writers.get(&local) {
        Some(writer) => body.flow.is_after(at, *writer),
        None => local < body.params,
    };
    let stays = |source: Operand, at: usize| match source.source() {
        Source::Constant(_) => true,
        Source::Local(local) => counts.writes(local) == 1 && has_come(local, at),
    };
    let ops = body.ops.iter().enumerate();
    ops.filter_map(|(at, op)| match *op {
        Op::Assign { source, target } if counts.writes(target) == 1 && stays(source, at) => {
            Some((target, Copy { at, source }))
        }
        _ => None,
    })
    .collect()
}

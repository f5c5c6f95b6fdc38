//! Where control can come from. The code of a body runs forwards; only iterations jump back, each to its own
//! [`Op::ScanNext`], and nothing jumps into an iteration from outside. On that rests what is said here.

use std::collections::BTreeSet;

use crate::program::op::{Address, Op};

/// The ways through one body. Places count from its first operation.
pub(super) struct Flow {
    /// The places that something jumps to.
    targets: BTreeSet<usize>,
    /// For each place the next one after it that can be reached without passing it.
    bypassed: Vec<usize>,
    /// For each place whether it is in an iteration.
    repeated: Vec<bool>,
}

impl Flow {
    pub(super) fn of(ops: &[Op], first: Address) -> Self {
        let place = |address: Address| address.saturating_sub(first) as usize;
        let jumps: Vec<(usize, usize)> = ops
            .iter()
            .enumerate()
            .flat_map(|(from, op)| op.exits().map(move |to| (from, to)))
            .map(|(from, to)| (from, place(to)))
            .collect();
        let mut repeated = vec![false; ops.len()];
        for (from, to) in jumps.iter().filter(|(from, to)| to <= from) {
            repeated
                .iter_mut()
                .take(from + 1)
                .skip(*to)
                .for_each(|place| *place = true);
        }
        Flow {
            targets: jumps.iter().map(|(_, to)| *to).collect(),
            bypassed: bypassed(ops.len(), &jumps),
            repeated,
        }
    }

    /// Whether something jumps to a place after `from`, up to `to`.
    pub(super) fn is_entered(&self, from: usize, to: usize) -> bool {
        self.targets.range(from + 1..=to).next().is_some()
    }

    /// Whether `at` is reached only after `before` was.
    pub(super) fn is_after(&self, at: usize, before: usize) -> bool {
        before < at && self.bypassed.get(before).is_some_and(|next| at < *next)
    }

    pub(super) fn is_repeated(&self, at: usize) -> bool {
        self.repeated.get(at).copied().unwrap_or(false)
    }
}

/// For each place the nearest target beyond it of a jump from before it.
fn bypassed(len: usize, jumps: &[(usize, usize)]) -> Vec<usize> {
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut jumps = jumps.iter().peekable();
    (0..len)
        .map(|at| {
            while let Some((_, to)) = jumps.next_if(|(from, _)| *from < at) {
                open.insert(*to);
            }
            open = open.split_off(&(at + 1));
            open.first().copied().unwrap_or(usize::MAX)
        })
        .collect()
}

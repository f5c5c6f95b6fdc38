//! Where control can come from. The code of a body runs forwards; only iterations jump back, each to its own
//! [`Op::ScanNext`] or [`Op::ScanSeek`], and nothing jumps into an iteration from outside. On that rests what is said here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::program::op::{Address, Op};

/// The ways through one body. Places count from its first operation.
pub(super) struct Flow {
    /// For each place how many before it are jumped to.
    targets_before: Vec<u32>,
    /// For each place the next one after it that can be reached without passing it.
    bypassed: Vec<usize>,
    /// For each place whether it is in an iteration.
    repeated: Vec<bool>,
}

impl Flow {
    pub(super) fn of(ops: &[Op], first: Address) -> Self {
        let mut is_target = vec![false; ops.len()];
        // How far the iteration that begins at a place goes.
        let mut ends: Vec<Option<usize>> = vec![None; ops.len()];
        let mut bypassed = Vec::with_capacity(ops.len());
        // Where those jumps go that come from before the place looked at, the nearest on top.
        let mut ahead: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
        for (at, op) in ops.iter().enumerate() {
            while ahead.peek().is_some_and(|Reverse(to)| *to <= at) {
                ahead.pop();
            }
            bypassed.push(ahead.peek().map_or(usize::MAX, |Reverse(to)| *to));
            for to in op.exits() {
                let to = to.saturating_sub(first) as usize;
                if let Some(target) = is_target.get_mut(to) {
                    *target = true;
                }
                if to > at {
                    ahead.push(Reverse(to));
                } else if let Some(end) = ends.get_mut(to) {
                    *end = Some(at);
                }
            }
        }
        let mut end = None;
        let repeated = ends.iter().enumerate().map(|(at, own)| {
            end = end.max(*own);
            end.is_some_and(|end| at <= end)
        });
        let repeated = repeated.collect();
        let mut count = 0;
        let targets_before = std::iter::once(0)
            .chain(is_target.iter().map(|is_target| {
                count += u32::from(*is_target);
                count
            }))
            .collect();
        Flow {
            targets_before,
            bypassed,
            repeated,
        }
    }

    /// Whether something jumps to a place after `from`, up to `to`.
    pub(super) fn is_entered(&self, from: usize, to: usize) -> bool {
        let before = |place: usize| self.targets_before.get(place);
        before(from + 1) != before(to + 1)
    }

    /// Whether `at` is reached only after `before` was.
    pub(super) fn is_after(&self, at: usize, before: usize) -> bool {
        before < at && self.bypassed.get(before).is_some_and(|next| at < *next)
    }

    pub(super) fn is_repeated(&self, at: usize) -> bool {
        self.repeated.get(at).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_reached_without_passing_a_place_is_not_after_it() {
        // 0: may go to 3; 1; 2: may go back to 1; 3; 4.
        let ops = [
            Op::IsDefined { source: 0, fail: 13 },
            Op::Nothing,
            Op::IsDefined { source: 0, fail: 11 },
            Op::Nothing,
            Op::Finish,
        ];
        let flow = Flow::of(&ops, 10);
        assert!(flow.is_after(2, 1) && flow.is_after(4, 0) && flow.is_after(4, 3));
        assert!(!flow.is_after(3, 1) && !flow.is_after(4, 2) && !flow.is_after(1, 1) && !flow.is_after(1, 2));
        let repeated: Vec<bool> = (0..5).map(|at| flow.is_repeated(at)).collect();
        assert_eq!(repeated, [false, true, true, false, false]);
        assert!(flow.is_entered(0, 1) && flow.is_entered(2, 3));
        assert!(!flow.is_entered(1, 2) && !flow.is_entered(3, 4));
    }
}

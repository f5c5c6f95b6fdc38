//! What stands around a statement while its function is lowered: blocks, with the jumps that wait for their end, and
//! the iterations and `with`s that a jump out of them must close.

use super::op::{Address, Op, Slot};

/// The scopes around the statement being lowered, outermost first.
#[derive(Default)]
pub(super) struct Scopes {
    stack: Vec<Scope>,
    /// How many iterations and `with`s are open.
    scans: Slot,
    withs: Slot,
}

enum Scope {
    /// A block. Jumps to its end are patched when the end is known.
    Block {
        waiting: Vec<Address>,
    },
    Scan {
        slot: Slot,
    },
    With {
        slot: Slot,
    },
    /// What may be left once a condition holds.
    Until {
        condition: i64,
        waiting: Vec<Address>,
    },
}

/// What has to be closed on the way to a block's end, innermost first.
pub(super) type Unwinding = Vec<Op>;

impl Scopes {
    pub(super) fn open_block(&mut self) {
        self.stack.push(Scope::Block { waiting: Vec::new() });
    }

    /// Closes the innermost block and gives the operations that jump to its end.
    pub(super) fn close_block(&mut self) -> Vec<Address> {
        match self.stack.pop() {
            Some(Scope::Block { waiting }) => waiting,
            _ => Vec::new(),
        }
    }

    pub(super) fn open_scan(&mut self) -> Slot {
        let slot = self.scans;
        self.scans += 1;
        self.stack.push(Scope::Scan { slot });
        slot
    }

    pub(super) fn close_scan(&mut self) {
        self.stack.pop();
        self.scans = self.scans.saturating_sub(1);
    }

    pub(super) fn open_with(&mut self) -> Slot {
        let slot = self.withs;
        self.withs += 1;
        self.stack.push(Scope::With { slot });
        slot
    }

    pub(super) fn close_with(&mut self) {
        self.stack.pop();
        self.withs = self.withs.saturating_sub(1);
    }

    /// What a jump to the end of the `index`-th block around (0 is the innermost) must close; `None` without such a
    /// block.
    pub(super) fn unwinding(&self, index: usize) -> Option<Unwinding> {
        let mut ops = Vec::new();
        let mut blocks = 0;
        for scope in self.stack.iter().rev() {
            match scope {
                Scope::Block { .. } if blocks == index => return Some(ops),
                Scope::Block { .. } => blocks += 1,
                Scope::Scan { slot } => ops.push(Op::ScanEnd { slot: *slot }),
                Scope::With { slot } => ops.push(Op::WithEnd { slot: *slot }),
                Scope::Until { .. } => {}
            }
        }
        None
    }

    /// Opens what may be left once `condition` holds.
    pub(super) fn open_until(&mut self, condition: i64) {
        self.stack.push(Scope::Until {
            condition,
            waiting: Vec::new(),
        });
    }

    /// Closes it and gives the operations that leave it.
    pub(super) fn close_until(&mut self) -> Vec<Address> {
        match self.stack.pop() {
            Some(Scope::Until { waiting, .. }) => waiting,
            _ => Vec::new(),
        }
    }

    /// What has to be closed to leave what `condition` ends; `None` where nothing does.
    pub(super) fn unwinding_until(&self, condition: i64) -> Option<Unwinding> {
        let mut ops = Vec::new();
        for scope in self.stack.iter().rev() {
            match scope {
                Scope::Until { condition: own, .. } if *own == condition => return Some(ops),
                Scope::Scan { slot } => ops.push(Op::ScanEnd { slot: *slot }),
                Scope::With { slot } => ops.push(Op::WithEnd { slot: *slot }),
                Scope::Until { .. } | Scope::Block { .. } => {}
            }
        }
        None
    }

    /// Notes that the operation at `from` leaves what `condition` ends.
    pub(super) fn wait_until(&mut self, condition: i64, from: Address) {
        let found = self.stack.iter_mut().rev().find_map(|scope| match scope {
            Scope::Until {
                condition: own,
                waiting,
            } if *own == condition => Some(waiting),
            _ => None,
        });
        if let Some(waiting) = found {
            waiting.push(from);
        }
    }

    /// Notes that the operation at `from` jumps to the end of the `index`-th block around.
    pub(super) fn wait(&mut self, index: usize, from: Address) {
        let blocks = self.stack.iter_mut().rev().filter_map(|scope| match scope {
            Scope::Block { waiting } => Some(waiting),
            Scope::Scan { .. } | Scope::With { .. } | Scope::Until { .. } => None,
        });
        if let Some(waiting) = blocks.into_iter().nth(index) {
            waiting.push(from);
        }
    }
}

//! Results that rules have given, for one pair of input and data: a world. A `with` opens another, so that what was
//! remembered outside is not used inside; putting the first pair back returns to the first world.

use std::collections::HashMap;

use super::scratch::recycle;
use super::slot::Slot;
use crate::value::Value;

/// How many enclosing worlds are looked at for one with the same input and data. A `with` is undone a level up, and each
/// expression of a body that has one lies in those before it; what lies further is only computed again.
const LOOK_BACK: usize = 32;

/// The worlds that are open, outermost first.
#[derive(Default)]
pub(super) struct Worlds<'e> {
    open: Vec<World<'e>>,
    /// Emptied memos, for the next world.
    spare: Vec<Memo<'e>>,
}

struct World<'e> {
    input: Slot<'e>,
    data: Slot<'e>,
    memo: Memo<'e>,
}

/// For each function that remembers: what it gave, where undefined is something to remember too.
#[derive(Default)]
struct Memo<'e> {
    results: Vec<Option<Slot<'e>>>,
    filled: Vec<u32>,
    /// By function and keys, what was found there; nothing in most evaluations.
    asked: Option<Box<Found<'e>>>,
}

/// What functions gave, by their number and the keys or arguments.
type Found<'e> = HashMap<(u32, Vec<Value>), Slot<'e>>;

impl<'e> Worlds<'e> {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// A new world of this input and data, or, where they were put back, the innermost that there is of them (the very same
    /// values in memory); and for how many memos it took new memory. What one `with` has led to is forgotten in the next, though
    /// it may say the same: so it is in OPA.
    pub(super) fn enter(
        &mut self,
        input: Slot<'e>,
        data: Slot<'e>,
        memos: u32,
        restored: bool,
    ) -> (u32, u32) {
        let mut taken = 0;
        let known = self
            .open
            .iter()
            .enumerate()
            .rev()
            .take(if restored { LOOK_BACK } else { 0 })
            .find(|(_, world)| same(&world.input, &input) && same(&world.data, &data));
        let index = match known {
            Some((index, _)) => index,
            None => {
                let mut memo = self.spare.pop().unwrap_or_default();
                if memo.results.capacity() < memos as usize {
                    taken = memos;
                }
                memo.results.resize(memos as usize, None);
                self.open.push(World { input, data, memo });
                self.open.len() - 1
            }
        };
        (u32::try_from(index).unwrap_or(u32::MAX), taken)
    }

    /// Closes the worlds beyond the first `len`; mostly there are none.
    #[inline]
    pub(super) fn truncate(&mut self, len: usize) {
        if self.open.len() > len {
            self.close(len);
        }
    }

    #[cold]
    fn close(&mut self, len: usize) {
        while self.open.len() > len {
            if let Some(World { mut memo, .. }) = self.open.pop() {
                memo.asked = None;
                for at in memo.filled.drain(..) {
                    if let Some(result) = memo.results.get_mut(at as usize) {
                        *result = None;
                    }
                }
                self.spare.push(memo);
            }
        }
    }

    /// What the function gave in this world, if it was called there.
    pub(super) fn recall(&self, world: u32, memo: u32) -> Option<&Slot<'e>> {
        self.open
            .get(world as usize)?
            .memo
            .results
            .get(memo as usize)?
            .as_ref()
    }

    pub(super) fn remember(&mut self, world: u32, memo: u32, result: Slot<'e>) {
        let Some(World { memo: memos, .. }) = self.open.get_mut(world as usize) else {
            return;
        };
        if let Some(place) = memos.results.get_mut(memo as usize) {
            *place = Some(result);
            memos.filled.push(memo);
        }
    }

    /// Whether anything was remembered by keys.
    pub(super) fn has_asked(&self, world: u32) -> bool {
        self.open
            .get(world as usize)
            .is_some_and(|world| world.memo.asked.is_some())
    }

    /// What the function gave in this world when it was asked for these keys.
    pub(super) fn recall_asked(&self, world: u32, function: u32, keys: Vec<Value>) -> Option<Slot<'e>> {
        let asked = self.open.get(world as usize)?.memo.asked.as_ref()?;
        asked.get(&(function, keys)).cloned()
    }

    /// Remembers that; in place of what was remembered before only with `anew`.
    pub(super) fn remember_asked(
        &mut self,
        world: u32,
        function: u32,
        keys: Vec<Value>,
        result: Slot<'e>,
        anew: bool,
    ) {
        let Some(World { memo, .. }) = self.open.get_mut(world as usize) else {
            return;
        };
        let place = memo.asked.get_or_insert_default().entry((function, keys));
        if anew {
            place.insert_entry(result);
        } else {
            place.or_insert(result);
        }
    }

    /// How much memory the spare memos hold, in entries.
    pub(super) fn spare_entries(&self) -> usize {
        self.spare.iter().map(|memo| memo.results.capacity()).sum()
    }
}

impl Memo<'_> {
    /// The emptied buffers, for another evaluation.
    fn recycle<'next>(mut self) -> Memo<'next> {
        self.filled.clear();
        Memo {
            results: recycle(self.results),
            filled: self.filled,
            asked: None,
        }
    }
}

impl Worlds<'_> {
    /// The emptied buffers, for another evaluation.
    pub(super) fn recycle<'next>(self) -> Worlds<'next> {
        let Worlds { mut open, spare } = self;
        let mut spare: Vec<Memo<'next>> = spare.into_iter().map(Memo::recycle).collect();
        spare.extend(open.drain(..).map(|world| world.memo.recycle()));
        Worlds {
            open: recycle(open),
            spare,
        }
    }
}

fn same(a: &Slot<'_>, b: &Slot<'_>) -> bool {
    match (a, b) {
        (Slot::Part(_, a), Slot::Part(_, b)) => a == b,
        (Slot::Part(..), _) | (_, Slot::Part(..)) => false,
        _ => match (a.value(), b.value()) {
            (None, None) => true,
            (Some(a), Some(b)) => a.same(b),
            _ => false,
        },
    }
}

//! The buffers of an evaluation, kept by each thread for its next one, so that a decision allocates little. Nothing of
//! an evaluation stays in them.

use std::cell::Cell;

use super::cursor::Cursor;
use super::frame::Frame;
use super::slot::Slot;
use super::withs::Saved;
use super::worlds::Worlds;
use crate::value::Value;

/// Buffers that grew beyond this many entries are given back to the allocator.
const KEPT_ENTRIES: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Scratch<'e> {
    /// The locals of all running functions.
    pub(super) stack: Vec<Slot<'e>>,
    /// Of the functions that wait for the one that runs.
    pub(super) frames: Vec<Frame>,
    pub(super) cursors: Vec<Cursor<'e>>,
    pub(super) saved: Vec<Saved<'e>>,
    pub(super) worlds: Worlds<'e>,
    /// The rules that indices found, by their numbers among a function's.
    pub(super) found: Vec<u32>,
    /// The operands of a builtin.
    pub(super) args: Vec<Value>,
}

thread_local! {
    static SCRATCH: Cell<Option<Scratch<'static>>> = const { Cell::new(None) };
}

/// This thread's buffers, empty; new ones where they are in use or there are none yet.
pub(super) fn take() -> Scratch<'static> {
    SCRATCH.take().unwrap_or_default()
}

/// Empties the buffers and keeps them for the thread's next evaluation.
pub(super) fn put_back(mut scratch: Scratch<'_>) {
    scratch.frames.clear();
    scratch.found.clear();
    scratch.args.clear();
    let kept = Scratch {
        stack: recycle(scratch.stack),
        frames: scratch.frames,
        cursors: recycle(scratch.cursors),
        saved: recycle(scratch.saved),
        worlds: scratch.worlds.recycle(),
        found: scratch.found,
        args: scratch.args,
    };
    let entries =
        kept.stack.capacity() + kept.frames.capacity() + kept.found.capacity() + kept.worlds.spare_entries();
    if entries <= KEPT_ENTRIES {
        SCRATCH.set(Some(kept));
    }
}

/// An empty vector for elements that borrow from something else. The standard library collects it in place, so that it
/// keeps the memory.
pub(super) fn recycle<A, B>(mut used: Vec<A>) -> Vec<B> {
    used.clear();
    used.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::recycle;
    use crate::machine::slot::Slot;

    #[test]
    fn a_recycled_buffer_keeps_its_memory() {
        let mut used: Vec<Slot<'_>> = Vec::with_capacity(100);
        used.push(Slot::Undefined);
        let next: Vec<Slot<'static>> = recycle(used);
        assert!(next.is_empty());
        assert_eq!(next.capacity(), 100);
    }
}

//! The buffers of an evaluation, kept by each thread for its next one, so that a decision allocates little. Nothing of
//! an evaluation stays in them.

use std::cell::Cell;

use super::cursor::Cursor;
use super::frame::Frame;
use super::withs::Saved;
use super::worlds::Worlds;
use crate::value::Value;

/// Buffers that grew beyond this many entries are given back to the allocator.
const KEPT_ENTRIES: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Scratch {
    /// The locals of all running functions; `None` is undefined.
    pub(super) stack: Vec<Option<Value>>,
    /// Of the functions that wait for the one that runs.
    pub(super) frames: Vec<Frame>,
    pub(super) cursors: Vec<Cursor>,
    pub(super) saved: Vec<Saved>,
    pub(super) worlds: Worlds,
    /// The operands of a builtin.
    pub(super) args: Vec<Value>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// This thread's buffers, empty; new ones where they are in use or there are none yet.
pub(super) fn take() -> Box<Scratch> {
    SCRATCH.take().unwrap_or_default()
}

/// Empties the buffers and keeps them for the thread's next evaluation.
pub(super) fn put_back(mut scratch: Box<Scratch>) {
    scratch.stack.clear();
    scratch.frames.clear();
    scratch.cursors.clear();
    scratch.saved.clear();
    scratch.worlds.truncate(0);
    scratch.args.clear();
    let entries = scratch.stack.capacity() + scratch.frames.capacity() + scratch.worlds.spare_entries();
    if entries <= KEPT_ENTRIES {
        SCRATCH.set(Some(scratch));
    }
}

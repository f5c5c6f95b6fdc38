//! Watching an evaluation: what is told before and after each operation. The loop is compiled for each kind of watcher, so
//! that without one nothing is asked. One that watches changes nothing.

mod reads;
mod recorder;
mod text;

use super::Machine;
use super::fault::Fault;
use crate::program::{Address, Op};

pub(super) use recorder::{Lines, Recorder};

/// Who watches.
pub(super) trait Watch {
    /// The evaluation begins.
    fn begin(&mut self, machine: &Machine<'_>);
    /// An operation is about to run.
    fn before(&mut self, machine: &Machine<'_>, at: Address, op: &Op);
    /// It ran, and `next` comes next.
    fn after(&mut self, machine: &Machine<'_>, at: Address, next: Address);
    /// It stopped the evaluation.
    fn fault(&mut self, machine: &Machine<'_>, at: Address, fault: &Fault);
}

/// Nobody.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn before(&mut self, _: &Machine<'_>, _: Address, _: &Op) {}

    #[inline(always)]
    fn after(&mut self, _: &Machine<'_>, _: Address, _: Address) {}

    fn begin(&mut self, _: &Machine<'_>) {}

    fn fault(&mut self, _: &Machine<'_>, _: Address, _: &Fault) {}
}

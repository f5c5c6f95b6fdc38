//! `with`: a local replaced, or something within it, for the length of a block.

use super::Machine;
use super::fault::Fault;
use super::memory;
use super::slot::Slot;
use super::upsert::upsert;
use crate::program::Local;
use crate::value::Value;

/// The locals of `input` and `data`.
const INPUT: Local = 0;
const DATA: Local = 1;

/// What a `with` replaced.
#[derive(Default)]
pub(super) struct Saved<'e> {
    pub(super) local: Local,
    pub(super) value: Slot<'e>,
    /// Which of the program's `with`s it is.
    pub(super) with: u32,
    world: Option<u32>,
    /// How many worlds there were.
    worlds: usize,
}

impl<'e> Machine<'e> {
    /// Replaces; `false`, with nothing changed, where a part would become undefined.
    pub(super) fn start_with(&mut self, number: u32, slot: u32) -> Result<bool, Fault> {
        let program = self.program;
        let Some(with) = program.withs.get(number as usize) else {
            return Ok(false);
        };
        let mut value = self.copy(with.value);
        if !with.path.is_empty() {
            let Some(part) = value.value().cloned() else {
                return Ok(false);
            };
            let path: Vec<&Value> = with
                .path
                .iter()
                .filter_map(|key| program.constants.get(*key as usize))
                .collect();
            let document = self.local(with.local).cloned();
            let whole = upsert(document.as_ref(), &path, part, &mut self.context.meter)
                .map_err(|limit| self.used_up(limit))?;
            Fault::check(&whole)?;
            value = Slot::Owned(whole);
        }
        let before = self.take(with.local);
        self.set(with.local, value);
        let saved = Saved {
            local: with.local,
            value: before,
            with: number,
            world: self.frame.world,
            worlds: self.scratch.worlds.len(),
        };
        self.set_saved(slot, saved);
        if with.changes_world && self.frame.world.is_some() {
            self.frame.world = Some(self.enter_world(with.restores)?);
        }
        Ok(true)
    }

    /// The world of the running function's input and data as they are now: where they were put back, the one from before.
    fn enter_world(&mut self, restored: bool) -> Result<u32, Fault> {
        let [input, data] = [INPUT, DATA].map(|local| self.slot(local).cloned().unwrap_or_default());
        let (world, memos) = self
            .scratch
            .worlds
            .enter(input, data, self.program.memos, restored);
        self.build(memory::memos(memos))?;
        Ok(world)
    }

    fn set_saved(&mut self, slot: u32, saved: Saved<'e>) {
        let at = self.frame.saved + slot as usize;
        let all = &mut self.scratch.saved;
        if all.len() <= at {
            all.resize_with(at + 1, Saved::default);
        }
        if let Some(place) = all.get_mut(at) {
            *place = saved;
        }
    }

    /// Puts back what was replaced.
    pub(super) fn end_with(&mut self, slot: u32) {
        let at = self.frame.saved + slot as usize;
        let Some(place) = self.scratch.saved.get_mut(at) else {
            return;
        };
        let saved = std::mem::take(place);
        self.set(saved.local, saved.value);
        self.frame.world = saved.world;
        self.scratch.worlds.truncate(saved.worlds);
    }
}

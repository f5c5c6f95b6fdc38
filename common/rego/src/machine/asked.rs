//! Results of which some keys only were asked for. What was found is remembered by its keys; what wasn't is looked for
//! again, as in OPA.

use super::Machine;
use super::slot::Slot;
use crate::program::{Asked, Local, Operand};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// Whether a key is the one asked for, if one is.
    pub(super) fn is_asked(&self, key: Operand, asked: Local) -> bool {
        self.local(asked)
            .is_none_or(|asked| self.read(key) == Some(asked))
    }

    /// What is known of a result at the keys about to be asked for: the whole, or what was found before.
    pub(super) fn recall_asked(
        &self,
        world: u32,
        (function, asked): (u32, Asked),
        args: &[Operand],
    ) -> Option<Slot<'e>> {
        let worlds = &self.scratch.worlds;
        let whole = asked.whole.and_then(|memo| worlds.recall(world, memo));
        if let Some(whole) = whole.filter(|whole| whole.is_defined()) {
            return Some(whole.clone());
        }
        if !worlds.has_asked(world) {
            return None;
        }
        let first = args.len().checked_sub(asked.keys as usize)?;
        let keys = args
            .get(first..)?
            .iter()
            .map_while(|key| self.read(*key).cloned());
        worlds.recall_asked(world, function, keys.collect())
    }

    /// Remembers what the running function is about to give, if it was asked for keys and has something there.
    pub(super) fn remember_asked(&mut self, value: &Slot<'e>) {
        let (Some(function), Some(world)) = (self.frame.asked, self.frame.world) else {
            return;
        };
        let Some((own, asked)) = self
            .program
            .functions
            .get(function as usize)
            .and_then(|own| Some((own, own.asked?)))
        else {
            return;
        };
        let keys: Vec<Value> = (own.params.saturating_sub(asked.keys)..own.params)
            .map_while(|param| self.local(param).cloned())
            .collect();
        let found = keys
            .iter()
            .try_fold(value.value(), |at, key| at.map(|at| at.lookup(key)));
        if let Some(Some(_)) = found {
            self.scratch
                .worlds
                .remember_asked(world, function, keys, value.clone());
        }
    }
}

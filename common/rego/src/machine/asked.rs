//! Results of which some keys only were asked for. What was found is remembered by its keys; what wasn't is looked for
//! again, as in OPA.

use super::Machine;
use super::fault::Fault;
use super::memory;
use super::slot::Slot;
use crate::program::{Asked, Local, Operand};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// Whether a key is the one asked for, if one is.
    pub(super) fn is_asked(&mut self, key: Operand, asked: Local) -> Result<bool, Fault> {
        if self.local(asked).is_none() {
            return Ok(true);
        }
        Ok(self.compare(key, Operand::local(asked))? == Some(true))
    }

    /// What is known of a result at the keys about to be asked for: the whole, or what was found before.
    pub(super) fn recall_asked(
        &mut self,
        world: u32,
        (function, asked): (u32, Asked),
        args: &[Operand],
    ) -> Result<Option<Slot<'e>>, Fault> {
        let worlds = &self.scratch.worlds;
        let whole = asked.whole.and_then(|memo| worlds.recall(world, memo));
        if let Some(whole) = whole.filter(|whole| whole.is_defined()) {
            return Ok(Some(whole.clone()));
        }
        if !worlds.has_asked(world) {
            return Ok(None);
        }
        let first = args.len().checked_sub(asked.keys as usize);
        let Some(keys) = first.and_then(|first| args.get(first..)) else {
            return Ok(None);
        };
        for key in keys {
            self.spend_on_key(*key)?;
        }
        let keys = keys.iter().map_while(|key| self.read(*key).cloned()).collect();
        Ok(self.scratch.worlds.recall_asked(world, function, keys))
    }

    /// Remembers what the running function is about to give, if it was asked for keys and has something there.
    pub(super) fn remember_asked(&mut self, value: &Slot<'e>) -> Result<(), Fault> {
        let (Some(function), Some(world)) = (self.frame.asked, self.frame.world) else {
            return Ok(());
        };
        let Some((own, asked)) = self
            .program
            .functions
            .get(function as usize)
            .and_then(|own| Some((own, own.asked?)))
        else {
            return Ok(());
        };
        for param in own.params.saturating_sub(asked.keys)..own.params {
            self.spend_on_key(Operand::local(param))?;
        }
        let keys: Vec<Value> = (own.params.saturating_sub(asked.keys)..own.params)
            .map_while(|param| self.local(param).cloned())
            .collect();
        let found = keys
            .iter()
            .try_fold(value.value(), |at, key| at.map(|at| at.lookup(key)));
        if let Some(Some(_)) = found {
            self.build(memory::remembered(keys.len()))?;
            self.scratch
                .worlds
                .remember_asked(world, function, keys, value.clone());
        }
        Ok(())
    }
}

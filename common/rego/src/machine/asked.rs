//! Results of which some keys only were asked for, and of functions that print. What was found is remembered by its keys or
//! arguments; what wasn't is looked for again, as in OPA.

use super::Machine;
use super::base::storage_lookup;
use super::cursor::Cursor;
use super::fault::Fault;
use super::memory;
use super::slot::Slot;
use crate::program::{Asked, Collection, Local, Operand};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// Whether a key of that kind is asked for, or none.
    pub(super) fn asked_is(&self, asked: Local, kind: Collection) -> bool {
        self.local(asked).is_none_or(|asked| {
            matches!(
                (asked, kind),
                (Value::Array(_), Collection::Array)
                    | (Value::Set(_), Collection::Set)
                    | (Value::Object(_), Collection::Object)
            )
        })
    }

    /// Opens an iteration over what `source` has under the key that is asked for; over all of it where none is.
    /// With `place`, it was reached from `data`.
    pub(super) fn scan_asked(
        &mut self,
        source: Local,
        asked: Local,
        place: Option<u32>,
        slot: u32,
    ) -> Result<(), Fault> {
        let all = self.slot(source).cloned().unwrap_or_default();
        let cursor = match self.slot(asked).cloned().map(Slot::made) {
            None | Some(Slot::Undefined) => Cursor::over(all.made()),
            Some(key) => {
                let in_storage = place.is_some() && self.reads_storage();
                let beside = match place {
                    Some(place) if !in_storage => {
                        self.stored(place, key.value().map(std::slice::from_ref).unwrap_or_default())?
                    }
                    _ => None,
                };
                let element = match key.value() {
                    _ if beside.is_some() => beside.unwrap_or_default(),
                    Some(wanted) if in_storage => all.map(|source| storage_lookup(source, wanted)),
                    Some(wanted) => all.member(wanted, || key.clone()),
                    None => Slot::Undefined,
                };
                Cursor::at(key, element.made())
            }
        };
        self.set_cursor(slot, cursor);
        Ok(())
    }

    /// Whether a key is the one asked for, if one is.
    pub(super) fn is_asked(&mut self, key: Operand, asked: Local) -> Result<bool, Fault> {
        if self.local(asked).is_none() {
            return Ok(true);
        }
        Ok(self.compare(key, Operand::local(asked))? == Some(true))
    }

    /// Whether a variable is the key that is asked for, if one is; it is then written as that.
    pub(super) fn take_asked(&mut self, var: Local, asked: Local) -> Result<bool, Fault> {
        let is_asked = self.is_asked(Operand::local(var), asked)?;
        if is_asked && let Some(key) = self.slot(asked).filter(|key| key.is_defined()).cloned() {
            self.set(var, key);
        }
        Ok(is_asked)
    }

    /// What is known of a result at the keys about to be asked for (the whole, or what was found before), or for these
    /// arguments.
    pub(super) fn recall_asked(
        &mut self,
        world: u32,
        (function, asked): (u32, Asked),
        args: &[Operand],
    ) -> Result<Option<Slot<'e>>, Fault> {
        let worlds = &self.scratch.worlds;
        if let Asked::Keys {
            whole: Some(whole), ..
        } = asked
            && let Some(whole) = worlds.recall(world, whole).filter(|whole| whole.is_defined())
        {
            return Ok(Some(whole.clone()));
        }
        if !worlds.has_asked(world) {
            return Ok(None);
        }
        let first = args.len().checked_sub(asked.count() as usize);
        let Some(keys) = first.and_then(|first| args.get(first..)) else {
            return Ok(None);
        };
        for key in keys {
            self.spend_on_key(*key)?;
        }
        let keys = keys.iter().map_while(|key| self.read(*key).cloned()).collect();
        Ok(self.scratch.worlds.recall_asked(world, function, keys))
    }

    /// Remembers what the running function is about to give, if it was asked for keys and has something there, or it is
    /// to be remembered by its arguments.
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
        for param in own.params.saturating_sub(asked.count())..own.params {
            self.spend_on_key(Operand::local(param))?;
        }
        let keys: Vec<Value> = (own.params.saturating_sub(asked.count())..own.params)
            .map_while(|param| self.local(param).cloned())
            .collect();
        let found = match asked {
            Asked::Arguments { .. } => value.value(),
            Asked::Keys { whole, .. } if keys.is_empty() => {
                // Asked for all of it after all.
                if let Some(whole) = whole {
                    self.scratch.worlds.remember(world, whole, value.clone());
                }
                return Ok(());
            }
            Asked::Keys { .. } => keys
                .iter()
                .try_fold(value.value(), |at, key| at.map(|at| at.lookup(key)))
                .flatten(),
        };
        if found.is_some() {
            self.build(memory::remembered(keys.len()))?;
            self.scratch
                .worlds
                .remember_asked(world, function, keys, value.clone());
        }
        Ok(())
    }
}

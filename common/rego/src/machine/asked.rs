//! Results of which some keys only were asked for, and of functions that print. What was found is remembered by its keys or
//! arguments; what wasn't is looked for again, as in OPA.

use super::Machine;
use super::base::storage_lookup;
use super::cursor::Cursor;
use super::fault::Fault;
use super::memory;
use super::slot::Slot;
use crate::program::{Asked, Collection, Function, Local, NOWHERE, Operand};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// Whether a key of that kind and length is asked for, or none.
    pub(super) fn asked_is(&self, asked: Local, kind: Collection, len: u32) -> bool {
        let Some(asked) = self.local(asked) else {
            return true;
        };
        let found = match (asked, kind) {
            (Value::Array(items), Collection::Array) => items.len(),
            (Value::Set(set), Collection::Set) => set.len(),
            (Value::Object(object), Collection::Object) => object.len(),
            _ => return false,
        };
        len == NOWHERE || found == len as usize
    }

    /// Takes a part of the key that is asked for, if one is.
    pub(super) fn asked_part(&mut self, asked: Local, key: Operand, target: Local) -> Result<bool, Fault> {
        if self.local(asked).is_none() {
            self.set(target, Slot::Undefined);
            return Ok(true);
        }
        self.dot(Operand::local(asked), key, target)
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
        let Some(keys) = args.get(asked.arguments(args.len())) else {
            return Ok(None);
        };
        for key in keys {
            self.spend_on_key(*key)?;
        }
        let keys = keys.iter().map_while(|key| self.read(*key).cloned()).collect();
        let function = match asked {
            Asked::Result { of, .. } => of,
            Asked::Keys { .. } | Asked::Arguments { .. } => function,
        };
        let known = self.scratch.worlds.recall_asked(world, function, keys);
        if let (Asked::Result { .. }, Some(known), Some(wanted)) =
            (asked, known.as_ref().and_then(Slot::value), args.last())
        {
            self.spend_on_key(*wanted)?;
            if self.read(*wanted).is_some_and(|wanted| wanted != known) {
                return Ok(Some(Slot::Undefined));
            }
        }
        Ok(known)
    }

    /// A rule gave a value that is equal to what another gave before. OPA's evaluator remembers the last for a function's
    /// arguments, which may be written in another way (`1.0`), and the call at hand has the first.
    #[cold]
    pub(super) fn again(&mut self, source: Operand, first: Local) -> Result<(), Fault> {
        let is_alike = match (self.read(source), self.local(first)) {
            (Some(Value::Number(last)), Some(Value::Number(first))) => last.is_written_as(first),
            (Some(Value::Array(_) | Value::Set(_) | Value::Object(_)), Some(_)) => false,
            _ => true,
        };
        let (Some(function), Some(world), false) = (self.frame.asked, self.frame.world, is_alike) else {
            return Ok(());
        };
        let known = self.program.functions.get(function as usize);
        let Some((own, asked)) = known.and_then(|own| Some((own, own.asked?))) else {
            return Ok(());
        };
        let function = match asked {
            Asked::Keys { .. } => return Ok(()),
            Asked::Result { of, .. } => of,
            Asked::Arguments { .. } => function,
        };
        let keys = self.own_arguments(own, asked)?;
        self.build(memory::remembered(keys.len()))?;
        let last = self.copy(source);
        self.scratch
            .worlds
            .remember_asked(world, function, keys, last, true);
        Ok(())
    }

    /// The arguments that the running function is remembered by.
    fn own_arguments(&mut self, own: &Function, asked: Asked) -> Result<Vec<Value>, Fault> {
        let params = asked.arguments(own.params as usize);
        let params = params.filter_map(|param| Local::try_from(param).ok());
        for param in params.clone() {
            self.spend_on_key(Operand::local(param))?;
        }
        Ok(params.map_while(|param| self.local(param).cloned()).collect())
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
        if matches!(asked, Asked::Arguments { always: false, .. }) {
            return Ok(());
        }
        let keys = self.own_arguments(own, asked)?;
        let function = match asked {
            Asked::Result { of, .. } => of,
            Asked::Keys { .. } | Asked::Arguments { .. } => function,
        };
        let found = match asked {
            Asked::Arguments { .. } | Asked::Result { .. } => value.value(),
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
                .remember_asked(world, function, keys, value.clone(), false);
        }
        Ok(())
    }
}

//! Calls: of the plan's functions, of functions found by a path, of builtins.

use super::Machine;
use super::fault::Fault;
use super::frame::Frame;
use super::memory;
use super::slot::Slot;
use crate::builtins::BuiltinError;
use crate::calls::Calls;
use crate::program::{Address, Asked, Local, Operand};

/// A call about to be made: what is called with what, and where the caller goes on.
struct Site<'p> {
    function: u32,
    args: &'p [Operand],
    result: Local,
    same_world: bool,
    back: Address,
    fail: Address,
}

impl<'e> Machine<'e> {
    /// Calls a function; the answer is where to go on.
    pub(super) fn call(&mut self, call: u32, back: Address, fail: Address) -> Result<Address, Fault> {
        let program = self.program;
        let Some(call) = program.calls.get(call as usize) else {
            return Ok(fail);
        };
        self.enter(&Site {
            function: call.function,
            args: &call.args,
            result: call.result,
            same_world: call.same_world,
            back,
            fail,
        })
    }

    /// Calls the rule at a path; `missing` where there is none, or one that wants other arguments.
    pub(super) fn call_dynamic(
        &mut self,
        call: u32,
        back: Address,
        missing: Address,
        fail: Address,
    ) -> Result<Address, Fault> {
        let program = self.program;
        let Some(call) = program.dynamic_calls.get(call as usize) else {
            return Ok(missing);
        };
        for key in &call.path {
            self.spend_on_key(*key)?;
        }
        let found = program.paths.find(call.path.iter().map(|key| self.read(*key)));
        let Some(function) = found else { return Ok(missing) };
        let params = program
            .functions
            .get(function as usize)
            .map(|function| function.params as usize);
        if params != Some(call.args.len()) {
            return Ok(missing);
        }
        self.enter(&Site {
            function,
            args: &call.args,
            result: call.result,
            same_world: call.same_world,
            back,
            fail,
        })
    }

    /// Begins a function, or takes the result that it is known to have.
    fn enter(&mut self, site: &Site<'_>) -> Result<Address, Fault> {
        let program = self.program;
        let Some(function) = program.functions.get(site.function as usize) else {
            return Ok(site.fail);
        };
        let world = if site.same_world { self.frame.world } else { None };
        if let (Some(world), Some(memo)) = (world, function.memo)
            && let Some(known) = self.scratch.worlds.recall(world, memo)
        {
            let known = known.clone();
            let defined = known.is_defined();
            self.set(site.result, known);
            return Ok(if defined { site.back } else { site.fail });
        }
        if let (Some(world), Some(asked)) = (world, function.asked)
            && let Some(known) = self.recall_asked(world, (site.function, asked), site.args)?
        {
            let defined = known.is_defined();
            self.set(site.result, known);
            return Ok(if defined { site.back } else { site.fail });
        }
        if self.scratch.frames.len() >= self.limits.max_depth {
            return Err(self.too_deep());
        }
        let base = self.scratch.stack.len();
        let end = base + function.locals as usize;
        if end > self.limits.max_locals {
            return Err(self.too_many_locals());
        }
        for arg in site.args {
            let value = self.copy(*arg);
            self.scratch.stack.push(value);
        }
        if let Some(Asked::Keys { count, .. }) = function.asked {
            self.forget_keys_behind_unknown(count as usize);
        }
        self.scratch.stack.resize_with(end, Slot::default);
        self.scratch.frames.push(self.frame);
        self.frame = Frame {
            base,
            cursors: self.scratch.cursors.len(),
            saved: self.scratch.saved.len(),
            worlds: self.scratch.worlds.len(),
            found: self.scratch.found.len(),
            next: 0,
            early: false,
            world,
            memo: function.memo,
            asked: function.asked.map(|_| site.function),
            result: site.result,
            back: site.back,
            fail: site.fail,
        };
        Ok(function.entry)
    }

    /// Of the keys on top of the stack, lets those go that stand behind one that has no value: a document that is looked
    /// at as a whole isn't narrowed within.
    fn forget_keys_behind_unknown(&mut self, count: usize) {
        let from = self.scratch.stack.len().saturating_sub(count);
        let keys = self.scratch.stack.get_mut(from..).unwrap_or_default();
        let behind = keys.iter_mut().skip_while(|key| key.is_defined());
        behind.for_each(|key| *key = Slot::Undefined);
    }

    /// Ends the running function with its result and gives where the caller goes on; `None` from an entrypoint.
    pub(super) fn leave(&mut self, value: Slot<'e>) -> Result<Option<Address>, Fault> {
        if self.frame.asked.is_some() {
            self.remember_asked(&value)?;
        }
        let Some(caller) = self.scratch.frames.pop() else {
            return Ok(None);
        };
        let ended = std::mem::replace(&mut self.frame, caller);
        let scratch = &mut self.scratch;
        scratch.stack.truncate(ended.base);
        scratch.cursors.truncate(ended.cursors);
        scratch.saved.truncate(ended.saved);
        scratch.worlds.truncate(ended.worlds);
        scratch.found.truncate(ended.found);
        // The caller's world is the one that the function began in, should it have left in the middle of a `with`.
        let world = self.frame.world.filter(|_| ended.world.is_some());
        if let (Some(world), Some(memo)) = (world, ended.memo) {
            scratch.worlds.remember(world, memo, value.clone());
        }
        let defined = value.is_defined();
        self.set(ended.result, value);
        Ok(Some(if defined { ended.back } else { ended.fail }))
    }

    /// Calls a builtin and says whether its result is defined, or it has none to give.
    pub(super) fn call_builtin(&mut self, call: u32, at: Address) -> Result<bool, Fault> {
        let program = self.program;
        let Some(call) = program.builtin_calls.get(call as usize) else {
            return Ok(false);
        };
        let Some(builtin) = program.builtins.get(call.builtin as usize) else {
            return Ok(false);
        };
        self.scratch.args.clear();
        for arg in &call.args {
            let Some(value) = self.read(*arg).cloned() else {
                self.set(call.result, Slot::Undefined);
                return Ok(false);
            };
            Fault::check(&value)?;
            self.scratch.args.push(value);
        }
        let outcome = (builtin.function)(&mut self.context, &self.scratch.args);
        if let Some(calls) = self.context.calls()
            && let Ok(Some(answer)) = &outcome
            && Calls::count(&builtin.name)
        {
            calls.add(&builtin.name, self.scratch.args.clone(), answer);
        }
        let made = memory::of_answer(&outcome);
        self.scratch.args.clear();
        self.build(made)?;
        let result = match outcome {
            Ok(result) => result,
            Err(BuiltinError::Exhausted(limit)) => return Err(self.used_up(limit)),
            Err(BuiltinError::NeedsHttp(request)) => return Err(Fault::NeedsHttp(request)),
            Err(BuiltinError::Lenient(message)) => {
                if self.strict && self.failure.is_none() {
                    let name = builtin.name.clone();
                    self.failure = Some((Fault::Builtin { name, message }, at));
                }
                self.set(call.result, Slot::Undefined);
                return Ok(false);
            }
            Err(BuiltinError::Halt(message)) => {
                return Err(Fault::Builtin {
                    name: builtin.name.clone(),
                    message,
                });
            }
        };
        if !builtin.has_result {
            return Ok(true);
        }
        result.as_ref().map_or(Ok(()), Fault::check)?;
        let defined = result.is_some();
        self.set(call.result, result.into());
        Ok(defined)
    }
}

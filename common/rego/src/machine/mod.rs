//! Runs a program: one loop over flat operations and explicit stacks, so that no plan can exhaust the native stack.
//! Every statement counts against the limits. Never reads a clock, never keeps anything between evaluations but empty
//! buffers.
//!
//! What each operation means is OPA's definition of the statement it came from, as its own compiler to Wasm has it
//! (`internal/compiler/wasm`): an operation that is undefined leaves its block.

mod asked;
mod base;
mod calls;
mod conflicts;
mod cursor;
mod fault;
mod frame;
mod memory;
mod replaced;
mod results;
mod scratch;
mod seek;
mod select;
mod slot;
#[cfg(test)]
mod tests;
mod upsert;
mod values;
mod watch;
mod withs;
mod worlds;

use crate::builtins::{Context, Span};
use crate::document::Input;
use crate::env::{Env, Limits};
use crate::error::{Conflicting, EvalError};
use crate::program::{Address, Entrypoint, Op, Program};
use crate::record::Recording;
use crate::value::{Array, Object, Set, Value};

use cursor::Cursor;
use fault::Fault;
use frame::Frame;
pub(crate) use results::Results;
use scratch::Scratch;
use slot::Slot;
use watch::{Lines, Recorder, Unwatched, Watch};

/// Evaluates one entrypoint.
pub(crate) fn run<'e>(
    program: &'e Program,
    entrypoint: &Entrypoint,
    input: &'e Input<'e>,
    data: &'e Value,
    env: &'e Env,
    print: Option<&'e mut dyn FnMut(&str)>,
) -> Result<Results, EvalError> {
    let mut machine = Machine::new(program, data, env, print);
    let outcome = machine.start(entrypoint, input, &mut Unwatched);
    machine.end(outcome)
}

/// The same, with the instants at which it would have ended the same.
pub(crate) fn run_dated<'e>(
    program: &'e Program,
    entrypoint: &Entrypoint,
    input: &'e Input<'e>,
    data: &'e Value,
    env: &'e Env,
) -> Result<(Results, Span), EvalError> {
    let mut machine = Machine::new(program, data, env, None);
    let outcome = machine.start(entrypoint, input, &mut Unwatched);
    let span = machine.context.span();
    Ok((machine.end(outcome)?, span))
}

/// The same, recorded.
pub(crate) fn run_recorded<'e>(
    program: &'e Program,
    entrypoint: &Entrypoint,
    input: &'e Input<'e>,
    data: &'e Value,
    env: &'e Env,
    recording: &mut Recording,
) -> Result<Results, EvalError> {
    let lines = Lines::default();
    let mut print = |line: &str| lines.borrow_mut().push(line.to_owned());
    let mut recorder = Recorder::new(recording, Lines::clone(&lines));
    let mut machine = Machine::new(program, data, env, Some(&mut print));
    let outcome = machine.start(entrypoint, input, &mut recorder);
    let results = machine.end(outcome);
    recorder.end(results.as_ref().map(|_| ()));
    results
}

/// The state of one evaluation.
struct Machine<'e> {
    program: &'e Program,
    limits: Limits,
    /// Whether a builtin's failure is an error.
    strict: bool,
    /// The first such error, and where it happened. OPA goes on after it as if the call were undefined, and reports it in
    /// place of whatever comes of that.
    failure: Option<(Fault, Address)>,
    /// What builtins are given; what is left of the limits is here, too.
    context: Context<'e>,
    /// The base document, which a `with` may replace.
    data: &'e Value,
    /// Of the function that runs.
    frame: Frame,
    scratch: Scratch<'e>,
    results: Results,
}

impl<'e> Machine<'e> {
    #[inline(always)]
    fn new(
        program: &'e Program,
        data: &'e Value,
        env: &'e Env,
        print: Option<&'e mut dyn FnMut(&str)>,
    ) -> Self {
        Machine {
            program,
            limits: env.limits,
            strict: env.strict_builtin_errors,
            failure: None,
            context: Context::new(env, env.limits.max_statements, print),
            data,
            frame: Frame::default(),
            scratch: scratch::take(),
            results: Results::default(),
        }
    }

    /// What came of it.
    #[inline(always)]
    fn end(self, outcome: Result<(), EvalError>) -> Result<Results, EvalError> {
        scratch::put_back(self.scratch);
        match self.failure {
            Some((fault, at)) => Err(fault.into_error(self.program, at)),
            None => outcome.map(|()| self.results),
        }
    }

    fn start(
        &mut self,
        entrypoint: &Entrypoint,
        input: &'e Input<'e>,
        watch: &mut impl Watch,
    ) -> Result<(), EvalError> {
        let locals = (entrypoint.locals as usize).max(2);
        if locals > self.limits.max_locals {
            return Err(self.too_many_locals().into_error(self.program, entrypoint.entry));
        }
        let (input, data) = (Slot::of_input(input), Slot::Borrowed(self.data));
        let stack = &mut self.scratch.stack;
        stack.push(input.clone());
        stack.push(data.clone());
        stack.resize_with(locals, Slot::default);
        let world = self
            .scratch
            .worlds
            .enter(input, data, self.program.memos, false)
            .0;
        self.frame = Frame {
            world: Some(world),
            worlds: self.scratch.worlds.len(),
            ..Frame::default()
        };
        let mut at = entrypoint.entry;
        watch.begin(self);
        self.execute(&mut at, watch).map_err(|fault| {
            watch.fault(self, at, &fault);
            // A builtin's failure would be told in its place.
            let conflicting = match fault {
                Fault::ValueConflict if self.failure.is_none() => self.conflicting(at),
                _ => Conflicting::default(),
            };
            fault.into_error(self.program, at).with_values(conflicting)
        })
    }

    /// Executes operations from `at` until the entrypoint ends. After a fault `at` is where it happened.
    fn execute<W: Watch>(&mut self, at: &mut Address, watch: &mut W) -> Result<(), Fault> {
        let program = self.program;
        while let Some(op) = program.code.get(*at as usize) {
            self.spend(1)?;
            watch.before(self, *at, op);
            // What comes next, unless the operation says otherwise.
            let next = *at + 1;
            let or = |defined: bool, fail: Address| if defined { next } else { fail };
            let then = match *op {
                Op::Jump { to } => to,
                Op::Nothing => next,
                Op::Assign { source, target } => {
                    let value = self.copy(source);
                    self.set(target, value);
                    next
                }
                Op::AssignOnce { source, target, fail } => or(self.assign_once(source, target)?, fail),
                Op::Reset { target } => {
                    self.set(target, Slot::Undefined);
                    next
                }
                Op::Dot {
                    source,
                    key,
                    target,
                    fail,
                } => or(self.dot(source, key, target)?, fail),
                Op::DotBase {
                    source,
                    key,
                    target,
                    fail,
                    place,
                } => or(self.dot_base(source, key, target, place)?, fail),
                Op::Follow {
                    path,
                    target,
                    once,
                    fail,
                } => or(self.follow(path, target, once)?, fail),
                Op::DotCompare {
                    source,
                    key,
                    other,
                    equal,
                    fail,
                } => or(self.compare_member(source, key, other)? == Some(equal), fail),
                Op::Equal { a, b, fail } => or(self.compare(a, b)? == Some(true), fail),
                Op::NotEqual { a, b, fail } => or(self.compare(a, b)? == Some(false), fail),
                Op::IsArray { source, fail } => or(matches!(self.read(source), Some(Value::Array(_))), fail),
                Op::IsObject { source, fail } => {
                    or(matches!(self.read(source), Some(Value::Object(_))), fail)
                }
                Op::IsSet { source, fail } => or(matches!(self.read(source), Some(Value::Set(_))), fail),
                Op::IsDefined { source, fail } => or(self.local(source).is_some(), fail),
                Op::IsUndefined { source, fail } => or(self.local(source).is_none(), fail),
                Op::Len { source, target, fail } => or(self.measure(source, target)?, fail),
                Op::MakeArray { capacity, target } => {
                    // A plan's word for the capacity is only a hint.
                    let capacity = (capacity as usize).min(64);
                    self.build(memory::array(capacity))?;
                    let array = Array::with_capacity(capacity);
                    self.set_value(target, Value::Array(array));
                    next
                }
                Op::MakeObject { target } => {
                    self.build(memory::EMPTY)?;
                    self.set_value(target, Value::Object(Object::default()));
                    next
                }
                Op::MakeSet { target } => {
                    self.build(memory::EMPTY)?;
                    self.set_value(target, Value::Set(Set::default()));
                    next
                }
                Op::ArrayAppend { value, array, fail } => or(self.array_append(value, array)?, fail),
                Op::SetAdd { value, set, fail } => or(self.set_add(value, set)?, fail),
                Op::ObjectInsert {
                    key,
                    value,
                    object,
                    fail,
                } => or(self.object_insert(key, value, object)?, fail),
                Op::ObjectInsertOnce {
                    key,
                    value,
                    object,
                    last,
                    fail,
                } => or(self.object_insert_once(key, value, object, last)?, fail),
                Op::ObjectMerge { a, b, target, fail } => or(self.object_merge(a, b, target)?, fail),
                Op::ScanStart { source, slot } => {
                    let cursor = Cursor::over(self.slot(source).cloned().unwrap_or_default().made());
                    self.set_cursor(slot, cursor);
                    next
                }
                Op::AskedIs {
                    asked,
                    kind,
                    len,
                    fail,
                } => or(self.asked_is(asked, kind, len), fail),
                Op::AskedPart {
                    asked,
                    key,
                    target,
                    fail,
                } => or(self.asked_part(asked, key, target)?, fail),
                Op::ScanAsked {
                    source,
                    asked,
                    base,
                    place,
                    slot,
                } => {
                    self.scan_asked(source, asked, base.then_some(place), slot)?;
                    next
                }
                Op::ScanNext {
                    slot,
                    key,
                    value,
                    done,
                } => or(self.advance(slot, key, value), done),
                Op::ScanSeek {
                    slot,
                    value,
                    key,
                    other,
                    equal,
                    done,
                } => or(self.seek(slot, value, (key, other, equal))?, done),
                Op::ScanEnd { slot } => {
                    self.set_cursor(slot, Cursor::default());
                    next
                }
                Op::WithStart { with, slot, fail } => or(self.start_with(with, slot)?, fail),
                Op::WithEnd { slot } => {
                    self.end_with(slot);
                    next
                }
                Op::Call { call, fail } => self.call(call, next, fail)?,
                Op::CallBuiltin { call, fail } => or(self.call_builtin(call, *at)?, fail),
                Op::CallDynamic { call, missing, fail } => self.call_dynamic(call, next, missing, fail)?,
                Op::Select { index, done } => self.select(index, done)?,
                Op::Group { index, group, fail } => self.next_group(index, group, fail),
                Op::Branch { branch, fail } => or(self.is_found(branch), fail),
                Op::IsEarly { fail } => or(self.frame.early, fail),
                Op::IsAsked { key, asked, fail } => or(self.is_asked(key, asked)?, fail),
                Op::TakeAsked { var, asked, fail } => or(self.take_asked(var, asked)?, fail),
                Op::Return { source } => {
                    let value = self.take(source);
                    match self.leave(value)? {
                        Some(back) => back,
                        None => return Ok(()),
                    }
                }
                Op::ReturnUndefined => match self.leave(Slot::Undefined)? {
                    Some(back) => back,
                    None => return Ok(()),
                },
                Op::ResultAdd { value, fail } => or(self.add_result(value)?, fail),
                Op::ResultValue { value, fail } => or(self.add_result_value(value)?, fail),
                Op::Finish => return Ok(()),
            };
            watch.after(self, *at, then);
            *at = then;
        }
        Ok(())
    }
}

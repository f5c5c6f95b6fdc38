//! One instance of a module, with the data in its memory: evaluates one thing at a time, and begins each time where it was
//! when it was made.

use std::sync::Arc;

use postern_rego::{Env, Input, Limit, Parts, Value};
use wasmtime::{
    Engine, Memory, MemoryType, Module, Store, Trap, TypedFunc, UpdateDeadline, WasmParams, WasmResults,
};

use super::abi::{self, Exports};
use super::direct::Direct;
use super::host::{imports, memory_used_up};
use super::left_out::{self, BEYOND_MEMORY};
use super::state::{Builtin, Clock, Evaluation, Failure, State};
use crate::module_text::write;

/// Of the engine's fuel, for one statement that a plan may execute: most of them come to some hundred instructions.
const FUEL_PER_STATEMENT: u64 = 512;
/// For making ready: whatever there is, and each byte of data.
const LOAD_FUEL: u64 = 1_000_000_000;
const LOAD_FUEL_PER_BYTE: u64 = 2_000;
/// What an instance may take to be made ready, besides the data.
pub(super) const LOAD_MEMORY: usize = 64 << 20;
/// An instance that has grown by more is thrown away: its memory can't be given back otherwise.
const MOST_GROWTH: usize = 8 << 20;
/// No tick of the engine's epoch is meant.
const NEVER: u64 = 1 << 60;

/// A module that can be made instances of. Clones share all of it.
#[derive(Clone)]
pub(super) struct Compiled {
    pub(super) engine: Engine,
    pub(super) module: Module,
    /// Of memory, at the beginning.
    pub(super) pages: u64,
    pub(super) builtins: Arc<[Builtin]>,
}

/// Where an instance has its data from.
#[derive(Clone, Copy)]
pub(super) enum Data<'d> {
    /// To be parsed.
    Text(&'d str),
    /// As another instance has it.
    Image(&'d Image),
}

/// Data as it lies in the memory of an instance: the same in all of them.
pub(super) struct Image {
    base: u32,
    bytes: Vec<u8>,
    data: u32,
}

impl Image {
    /// Its size in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) exports: Arc<Exports>,
    /// `opa_eval_ctx_t`, with the data set.
    context: u32,
    /// Where evaluations begin to use memory.
    pub(super) heap: u32,
    /// The size of memory before any evaluation.
    fresh: usize,
    entrypoint: i32,
    pub(super) direct: Direct,
    /// Whether input is written as the module's own values.
    pub(super) is_direct: bool,
}

pub(super) type Made<T> = Result<T, Failure>;

impl Instance {
    /// Makes one, and gives the image of its data where it was parsed.
    pub(super) fn new(
        compiled: &Compiled,
        data: Data<'_>,
        is_direct: bool,
        clock: Clock,
    ) -> Made<(Self, Option<Image>)> {
        let size = match data {
            Data::Text(text) => text.len(),
            Data::Image(image) => image.len(),
        };
        // Parsed, data takes some ten times its text.
        let most = LOAD_MEMORY
            .saturating_add(size.saturating_mul(32))
            .min(u32::MAX as usize);
        let mut store = Store::new(&compiled.engine, State::new(compiled.builtins.clone(), most));
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            if !state.is_late() {
                return Ok(UpdateDeadline::Continue(1));
            }
            let bound = state
                .evaluation
                .clock
                .time
                .map_or(0, |time| time.max().as_millis());
            Err(state.stop(Failure::Limit {
                limit: Limit::Time,
                bound: u64::try_from(bound).unwrap_or(u64::MAX),
            }))
        });
        store.data_mut().evaluation.clock = clock;
        store.set_epoch_deadline(deadline(clock));
        let fuel = LOAD_FUEL.saturating_add(LOAD_FUEL_PER_BYTE.saturating_mul(size as u64));
        let broken = |error: wasmtime::Error| Failure::Broken(format!("it can't be made ready: {error}"));
        store.set_fuel(fuel).map_err(broken)?;
        let pages = u32::try_from(compiled.pages)
            .map_err(|_| Failure::Broken("its memory is too large".to_owned()))?;
        let memory = Memory::new(&mut store, MemoryType::new(pages, None)).map_err(broken)?;
        let imports = imports(&mut store, &compiled.module, memory);
        let instance = wasmtime::Instance::new(&mut store, &compiled.module, &imports)
            .map_err(|error| failure(&mut store, &error))?;
        abi::check_version(&mut store, &instance).map_err(Failure::Broken)?;
        let exports = Arc::new(Exports::of(&mut store, &instance, memory).map_err(broken)?);
        store.data_mut().exports = Some(Arc::clone(&exports));
        let mut made = Self {
            store,
            exports,
            context: 0,
            heap: 0,
            fresh: 0,
            entrypoint: 0,
            direct: Direct::default(),
            is_direct,
        };
        let image = made.load(data)?;
        Ok((made, image))
    }

    fn load(&mut self, data: Data<'_>) -> Made<Option<Image>> {
        let exports = Arc::clone(&self.exports);
        self.call(&exports.malloc, 0)?;
        let base = self.call(&exports.heap, ())?;
        let (address, end, parsed) = match data {
            Data::Image(image) => {
                if image.base != base {
                    return Err(Failure::Broken("its instances differ".to_owned()));
                }
                self.put(base, &image.bytes)?;
                (image.data, self.end_of(base, image.len())?, false)
            }
            Data::Text(text) => {
                let length = length(text.len())?;
                let at = self.call(&exports.malloc, length)?;
                self.put(at, text.as_bytes())?;
                let value = self.call(&exports.parse, (at, length))?;
                if value == 0 {
                    return Err(Failure::Broken("it doesn't take the bundle's data".to_owned()));
                }
                self.call(&exports.free, at)?;
                (value, self.call(&exports.heap, ())?, true)
            }
        };
        self.call(&exports.set_heap, end)?;
        self.context = self.call(&exports.new_context, ())?;
        self.call(&exports.set_data, (self.context, address))?;
        let used = self.call(&exports.heap, ())?;
        self.heap = used.checked_next_multiple_of(8).ok_or_else(no_memory)?;
        self.fresh = self.exports.memory.data_size(&self.store);
        if !parsed {
            return Ok(None);
        }
        let range = base as usize..end as usize;
        let bytes = self.exports.memory.data(&self.store).get(range);
        let bytes = bytes.ok_or_else(|| Failure::Broken("its heap isn't in its memory".to_owned()))?;
        Ok(Some(Image {
            base,
            bytes: bytes.to_vec(),
            data: address,
        }))
    }

    /// How much memory it takes.
    pub(super) fn size(&self) -> usize {
        self.exports.memory.data_size(&self.store)
    }

    /// Whether it has grown too large to be kept.
    pub(super) fn is_worn(&self) -> bool {
        self.size() > self.fresh.saturating_add(MOST_GROWTH)
    }

    /// The object at the address that a function gives: names and numbers.
    pub(super) fn names(&mut self, which: fn(&Exports) -> &TypedFunc<(), u32>) -> Made<Vec<(String, i32)>> {
        let exports = Arc::clone(&self.exports);
        let address = self.call(which(&exports), ())?;
        let value = self.dumped(address, LOAD_MEMORY as u64)?;
        let names = value.as_object().map(|object| {
            let each = object.iter().map(|(name, number)| {
                let number = i32::try_from(number.as_i64()?).ok()?;
                Some((name.as_str()?.to_owned(), number))
            });
            each.collect::<Option<Vec<_>>>()
        });
        names
            .flatten()
            .ok_or_else(|| Failure::Broken("what it declares isn't names and numbers".to_owned()))
    }

    /// Whether the module takes what is written as its own values for what it parses itself.
    pub(super) fn probe(&mut self, value: &Value) -> bool {
        self.is_direct = true;
        self.is_direct = self.takes(value).unwrap_or(false);
        self.is_direct
    }

    fn takes(&mut self, value: &Value) -> Made<bool> {
        let exports = Arc::clone(&self.exports);
        let ours = self.placed(Input::Value(value), Parts::ALL)?;
        let start = self.call(&exports.heap, ())?;
        let mut text = String::new();
        write(value, &mut text);
        self.put(start, text.as_bytes())?;
        let end = self.end_of(start, text.len())?;
        self.call(&exports.set_heap, end)?;
        let theirs = self.call(&exports.parse, (start, length(text.len())?))?;
        Ok(theirs != 0 && self.dumped_text(ours)? == self.dumped_text(theirs)?)
    }

    /// Evaluates, with `wanted` of the input and perhaps more; after a failure the instance is of no use.
    pub(super) fn evaluate(
        &mut self,
        entrypoint: i32,
        (input, wanted): (Input<'_>, Parts),
        env: &Env,
        clock: &mut Clock,
    ) -> Made<Option<Value>> {
        let limits = env.limits;
        let room = usize::try_from(limits.max_memory).unwrap_or(usize::MAX);
        let fuel = limits.max_statements.saturating_mul(FUEL_PER_STATEMENT);
        let state = self.store.data_mut();
        state.memory.most = self.fresh.saturating_add(room);
        state.memory.refused = false;
        let is_reached = state.memory.most > BEYOND_MEMORY as usize;
        let wanted = if is_reached { Parts::ALL } else { wanted };
        state.evaluation = Evaluation {
            env: (!state.builtins.is_empty()).then(|| Box::new(env.clone())),
            clock: *clock,
            strict: env.strict_builtin_errors,
            leaves_out: wanted != Parts::ALL,
            ..Evaluation::default()
        };
        self.store.set_epoch_deadline(deadline(*clock));
        self.store
            .set_fuel(fuel)
            .map_err(|error| Failure::Broken(error.to_string()))?;
        let outcome =
            self.ask(entrypoint, (input, wanted), limits.max_memory)
                .map_err(|failure| match failure {
                    // Fuel is ours; what was set are statements.
                    Failure::Limit {
                        limit: Limit::Statements,
                        ..
                    } => Failure::Limit {
                        limit: Limit::Statements,
                        bound: limits.max_statements,
                    },
                    // As deep as the stack goes that all of its functions have together; as deep as a plan, near enough.
                    Failure::Limit {
                        limit: Limit::CallDepth,
                        ..
                    } => Failure::Limit {
                        limit: Limit::CallDepth,
                        bound: limits.max_depth as u64,
                    },
                    Failure::Limit {
                        limit: Limit::Memory, ..
                    } => Failure::Limit {
                        limit: Limit::Memory,
                        bound: limits.max_memory,
                    },
                    other => other,
                });
        let evaluation = &mut self.store.data_mut().evaluation;
        *clock = evaluation.clock;
        match evaluation.failed.take() {
            Some(failed) => Err(failed),
            None => outcome,
        }
    }

    fn ask(
        &mut self,
        entrypoint: i32,
        (input, wanted): (Input<'_>, Parts),
        room: u64,
    ) -> Made<Option<Value>> {
        let exports = Arc::clone(&self.exports);
        let input = self.placed(input, wanted)?;
        self.call(&exports.set_input, (self.context, input))?;
        if entrypoint != self.entrypoint {
            self.call(&exports.set_entrypoint, (self.context, entrypoint))?;
            self.entrypoint = entrypoint;
        }
        if self.call(&exports.eval, self.context)? != 0 {
            return Err(Failure::Abort("eval failed".to_owned()));
        }
        let results = self.call(&exports.result, self.context)?;
        let results = self.dumped(results, room)?;
        // A set of one binding, of the variable `result`; or of none.
        let odd = || Failure::Broken("its answer isn't a result".to_owned());
        let results = results.as_set().ok_or_else(odd)?;
        let Some(binding) = results.iter().next() else {
            return Ok(None);
        };
        let binding = binding
            .as_object()
            .filter(|binding| binding.len() == 1 && results.len() == 1);
        let result = binding
            .and_then(|binding| binding.get_str("result"))
            .ok_or_else(odd)?;
        Ok(Some(result.clone()))
    }

    pub(super) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        function: &TypedFunc<P, R>,
        parameters: P,
    ) -> Made<R> {
        function
            .call(&mut self.store, parameters)
            .map_err(|error| failure(&mut self.store, &error))
    }
}

/// The first tick at which the clock is looked at.
fn deadline(clock: Clock) -> u64 {
    if clock.time.is_some() { 1 } else { NEVER }
}

pub(super) fn no_memory() -> Failure {
    Failure::Broken("its memory has no room for what is handed to it".to_owned())
}

pub(super) fn length(length: usize) -> Made<u32> {
    u32::try_from(length).map_err(|_| no_memory())
}

/// Why a call came to nothing.
fn failure(store: &mut Store<State>, error: &wasmtime::Error) -> Failure {
    let state = store.data_mut();
    if let Some(stopped) = state.evaluation.stopped.take() {
        return stopped;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Failure::Limit {
            limit: Limit::Statements,
            bound: 0,
        },
        Some(Trap::StackOverflow) => Failure::Limit {
            limit: Limit::CallDepth,
            bound: 0,
        },
        Some(Trap::MemoryOutOfBounds) if state.evaluation.leaves_out => {
            Failure::LeftOut(left_out::part(error))
        }
        _ if state.memory.refused => memory_used_up(&state.memory),
        Some(trap) => Failure::Broken(format!("it trapped: {trap}")),
        None => Failure::Broken(format!("it can't be called: {error}")),
    }
}

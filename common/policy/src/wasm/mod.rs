//! The engine that runs OPA's Wasm modules (`policy.wasm` of `opa build -t wasm`): OPA's documented ABI on wasmtime, with our
//! own builtins for those that a module calls its host for. A module that isn't OPA's, that is of another version, or that
//! needs a builtin which isn't here is refused when it is loaded, by name.
//!
//! What a module answers is what OPA answers that runs the same module, which isn't always what OPA's own evaluator answers
//! (docs/rego.md names where). Evaluations are bounded as those of plans are: work as fuel, time by the host's clock, memory,
//! and the size of what comes out. Instances are kept and used again; one that failed is not.

mod abi;
mod direct;
mod host;
mod instance;
mod kept;
mod left_out;
mod pool;
mod probe;
mod state;
mod ticks;
mod transfer;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use postern_rego::{Document, Env, Input, Limit, Parts, TimeLimit, Value, http};
use wasmtime::{Config, Engine as Runtime, Module};

use crate::engine::{Stopped, find_entrypoint};
use crate::plan::{Entry, EntryAnswer, HttpSend};
use crate::{Engine, EngineError, Entrypoint};

use instance::{Compiled, Data, Instance};
use kept::Kept;
use left_out::LookedAt;
use pool::Pool;
use state::{Builtin, Clock, Failure};
use ticks::Running;
use words::{limit, milliseconds, refused, told, words};

/// The largest module: OPA's library has 400 KiB, a policy of a thousand rules 1 MiB.
const MOST_MODULE_BYTES: usize = 32 << 20;
/// The largest data, as it lies in an instance's memory: each instance has it.
const MOST_DATA_BYTES: usize = 64 << 20;

/// The most that may be asked: each is tried before a module comes into force.
const MOST_ENTRYPOINTS: usize = 10_000;

/// What modules run in, and where what was compiled of them is kept: one for all of them.
struct Host {
    runtime: Runtime,
    kept: Option<Kept>,
}

static HOST: LazyLock<Result<Host, String>> = LazyLock::new(|| host().map_err(|error| format!("{error:#}")));
static KEPT_IN: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Has what is compiled kept in this folder, which is private.
pub(crate) fn keep_in(folder: &Path) -> io::Result<()> {
    match KEPT_IN.get_or_init(|| Some(folder.to_owned())) {
        Some(chosen) if chosen == folder => Ok(()),
        Some(chosen) => Err(io::Error::other(format!(
            "the process keeps them in {} already",
            chosen.display()
        ))),
        None => Err(io::Error::other(
            "modules were loaded before it was said where they are to be kept",
        )),
    }
}

fn host() -> wasmtime::Result<Host> {
    let kept_in = KEPT_IN.get_or_init(|| None);
    let kept = kept_in.as_deref().map(Kept::open).transpose()?;
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        // OPA's modules are of WebAssembly 1.0; what they don't use isn't there.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_value(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_extended_const(false)
        .wasm_tail_call(false)
        // Nobody reads traces of machine code.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .cache(kept.as_ref().map(Kept::cache));
    let runtime = Runtime::new(&config)?;
    Ok(Host { runtime, kept })
}

/// A module with its data, ready to be asked.
pub struct WasmEngine {
    revision: String,
    /// In the order of names, so that an [`Entrypoint`] is an index.
    entrypoints: Vec<(String, Answer)>,
    pool: Pool,
    builtins: Vec<Arc<str>>,
    /// What `opa.runtime` says where the host says nothing of itself; `None` where the policy doesn't call it.
    runtime: Option<Value>,
    /// Whether input is written straight into memory.
    is_direct: bool,
}

/// Where an answer comes from.
enum Answer {
    /// From this entrypoint of the module, which has looked at so much of its input.
    Module(i32, LookedAt),
    /// There are no rules: what the base data holds, whatever the input.
    Fixed(Option<Value>),
}

/// A module that was compiled, and found to be OPA's.
pub struct WasmModule {
    compiled: Compiled,
    entrypoints: BTreeMap<String, i32>,
}

impl WasmModule {
    /// Compiles a module: some tens of milliseconds of one processor, so not where requests are answered.
    ///
    /// # Errors
    /// [`EngineError::Wasm`] when it isn't OPA's, or needs what isn't here; [`EngineError::HttpSendOff`].
    pub fn load(wasm: &[u8], http_send: HttpSend) -> Result<Self, EngineError> {
        if wasm.len() > MOST_MODULE_BYTES {
            return Err(refused(format!("it has more than {MOST_MODULE_BYTES} bytes")));
        }
        let Host { runtime, kept } = HOST.as_ref().map_err(|error| refused(error.clone()))?;
        let compile = || Module::from_binary(runtime, wasm);
        let compiled = match kept {
            Some(kept) => kept.using(compile),
            None => compile(),
        };
        let module =
            compiled.map_err(|error| refused(format!("it is no module that can be compiled: {error:#}")))?;
        let pages = abi::check(&module).map_err(refused)?;
        let mut compiled = Compiled {
            engine: runtime.clone(),
            module,
            pages,
            builtins: Arc::from([]),
        };
        let declared = |failure: Failure| refused(words(failure));
        let (mut instance, _) =
            Instance::new(&compiled, Data::Text("{}"), false, Clock::NONE).map_err(declared)?;
        let builtins = instance.names(|exports| &exports.builtins).map_err(declared)?;
        let entrypoints = instance.names(|exports| &exports.entrypoints).map_err(declared)?;
        if entrypoints.len() > MOST_ENTRYPOINTS {
            return Err(refused(format!(
                "it has more than {MOST_ENTRYPOINTS} entrypoints"
            )));
        }
        let host = http_send.host();
        let mut found = Vec::with_capacity(builtins.len());
        for (name, id) in builtins {
            let function = host.builtin(&name).or_else(|| postern_rego::builtin(&name));
            let Some(function) = function else {
                return Err(if name == http::NAME {
                    EngineError::HttpSendOff
                } else {
                    refused(format!(
                        "it needs the builtin function `{name}`, which isn't here"
                    ))
                });
            };
            found.push(Builtin {
                id,
                name: name.into(),
                function,
            });
        }
        compiled.builtins = found.into();
        Ok(Self {
            compiled,
            entrypoints: entrypoints.into_iter().collect(),
        })
    }

    /// What the module may be asked, as it spells it.
    pub fn entrypoints(&self) -> impl Iterator<Item = &str> {
        self.entrypoints.keys().map(String::as_str)
    }
}

impl WasmEngine {
    /// A module with its base data, and what may be asked of it.
    ///
    /// # Errors
    /// [`EngineError::Wasm`], where the data is too large, where the module doesn't take it, and where an entry is of an
    /// entrypoint that the module doesn't have.
    pub fn of(
        revision: impl Into<String>,
        module: &WasmModule,
        data: &Value,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, EngineError> {
        let WasmModule {
            compiled,
            entrypoints,
        } = module;
        let compiled = compiled.clone();
        let mut answers = Vec::new();
        for Entry { name, answer } in entries {
            let answer = match answer {
                EntryAnswer::Data(value) => Answer::Fixed(value),
                EntryAnswer::Entrypoint(entrypoint) => {
                    let id = entrypoints.get(&entrypoint);
                    let id = id.ok_or_else(|| refused(format!("it has no entrypoint `{entrypoint}`")))?;
                    Answer::Module(*id, LookedAt::nothing())
                }
            };
            answers.push((name, answer));
        }
        answers.sort_by(|(a, _), (b, _)| a.cmp(b));
        answers.dedup_by(|(a, _), (b, _)| a == b);
        if answers.is_empty() {
            return Err(refused("it has no entrypoints".to_owned()));
        }
        let too_large = || {
            refused(format!(
                "its data takes more than {} MiB, which each of its instances would take; build it with `opa build -t plan`, \
                 whose data is there once",
                MOST_DATA_BYTES >> 20
            ))
        };
        let text = data.to_json();
        if text.len() > MOST_DATA_BYTES {
            return Err(too_large());
        }
        let made = Instance::new(&compiled, Data::Text(&text), false, Clock::NONE);
        let (mut first, image) = made.map_err(|failure| refused(words(failure)))?;
        let image = image.ok_or_else(|| refused("its data is nowhere".to_owned()))?;
        if image.len() > MOST_DATA_BYTES {
            return Err(too_large());
        }
        let is_direct = first.probe(&probe::value());
        let builtins: Vec<Arc<str>> = compiled
            .builtins
            .iter()
            .map(|builtin| builtin.name.clone())
            .collect();
        let tells = builtins.iter().any(|name| **name == *"opa.runtime");
        Ok(Self {
            revision: revision.into(),
            entrypoints: answers,
            pool: Pool::new(compiled, image, first, is_direct),
            builtins,
            runtime: tells.then(crate::runtime),
            is_direct,
        })
    }

    /// The builtins that the module calls its host for.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.builtins.iter().map(|name| &**name)
    }

    /// How many instances there may be at once.
    #[must_use]
    pub fn most_instances(&self) -> usize {
        self.pool.most()
    }

    /// Whether input is written straight into the module's memory: so it is for all modules of OPA's that are known.
    #[must_use]
    pub fn writes_input_directly(&self) -> bool {
        self.is_direct
    }

    /// Finds what may be asked under exactly this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Entrypoint> {
        let at = self.entrypoints.iter().position(|(known, _)| known == name)?;
        u32::try_from(at).ok().map(Entrypoint::from_index)
    }

    /// The parts of the input that the module has looked at so far for this entrypoint, and that are written for it. Of no
    /// [`Document`] anything is left out that isn't made of parts.
    #[must_use]
    pub fn looked_at(&self, entrypoint: Entrypoint) -> Parts {
        match self.at(entrypoint) {
            Some((_, Answer::Module(_, looked_at))) => looked_at.parts(),
            _ => Parts::NONE,
        }
    }

    fn at(&self, entrypoint: Entrypoint) -> Option<&(String, Answer)> {
        let at = usize::try_from(entrypoint.index()).ok()?;
        self.entrypoints.get(at)
    }

    fn ask(&self, entrypoint: Entrypoint, input: Input<'_>, env: &Env) -> Result<Option<Value>, EngineError> {
        let Some((name, answer)) = self.at(entrypoint) else {
            return Err(EngineError::Evaluation(Stopped::internal(
                "the entrypoint is another engine's",
            )));
        };
        let (id, looked_at) = match answer {
            Answer::Fixed(value) => return Ok(value.clone()),
            Answer::Module(id, looked_at) => (*id, looked_at),
        };
        let env = match &self.runtime {
            Some(runtime) if env.runtime.is_none() => Cow::Owned(Env {
                runtime: Some(runtime.clone()),
                ..env.clone()
            }),
            _ => Cow::Borrowed(env),
        };
        let wait = env.time_limit.map(TimeLimit::max);
        let _running = match (&*HOST, env.time_limit) {
            (Ok(host), Some(_)) => Some(Running::begin(&host.runtime).ok_or_else(|| {
                told(
                    name,
                    Failure::Broken("nothing could interrupt it: there is no thread".to_owned()),
                )
            })?),
            _ => None,
        };
        let mut clock = Clock {
            time: env.time_limit,
            began: None,
        };
        let mut ask = |wanted: Parts| {
            self.pool.with(&mut clock, |instance, clock| {
                instance.evaluate(id, (input, wanted), &env, clock)
            })
        };
        let wanted = looked_at.parts();
        let mut asked = ask(wanted);
        if let Err(Failure::LeftOut(part)) = asked {
            looked_at.note(part, wanted);
            asked = ask(Parts::ALL);
        }
        match asked {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(limit(name, Limit::Time, milliseconds(wait))),
            Err(failure) => Err(told(name, failure)),
        }
    }
}

/// Neither data nor code, which may be large.
impl std::fmt::Debug for WasmEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmEngine")
            .field("revision", &self.revision)
            .field("entrypoints", &self.entrypoints())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WasmModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmModule")
            .field("entrypoints", &self.entrypoints)
            .finish_non_exhaustive()
    }
}

impl Engine for WasmEngine {
    fn revision(&self) -> &str {
        &self.revision
    }

    fn kind(&self) -> &'static str {
        "wasm"
    }

    fn entrypoints(&self) -> Vec<String> {
        self.entrypoints.iter().map(|(name, _)| name.clone()).collect()
    }

    fn entrypoint(&self, path: &str) -> Option<Entrypoint> {
        find_entrypoint(self.entrypoints.iter().map(|(name, _)| &**name), path)
    }

    fn opaque(&self) -> Option<&'static str> {
        Some("the policy is a Wasm module, of which isn't known what it reads")
    }

    fn evaluate(
        &self,
        entrypoint: Entrypoint,
        input: Option<&Value>,
        env: &Env,
    ) -> Result<Option<Value>, EngineError> {
        self.ask(entrypoint, input.into(), env)
    }

    fn evaluate_document(
        &self,
        entrypoint: Entrypoint,
        input: &dyn Document,
        env: &Env,
    ) -> Result<Option<Value>, EngineError> {
        self.ask(entrypoint, Input::Document(input), env)
    }
}

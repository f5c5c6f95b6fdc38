//! The engine that runs a bundle's plan: OPA's plan in `postern-rego`'s machine, with the bundle's data. What that
//! machine lacks is refused when the bundle is loaded, by name, never when it is asked.

mod entry;
#[cfg(feature = "bundle")]
pub mod fit;

use std::borrow::Cow;
use std::sync::Arc;

use postern_rego::{
    BuiltinFn, Document, Effects, EntrypointId, Env, EvalError, HostBuiltins, Input, LoadError, Program,
    Reads, Recording, Span, Value, http,
};

#[cfg(feature = "builtins")]
use crate::builtins::Host;
use crate::engine::{Stopped, find_entrypoint};
use crate::input::InputReads;
use crate::{Engine, EngineError, Entrypoint, PlanFile};

#[cfg(not(feature = "builtins"))]
use postern_rego::NoHost as Host;

pub use entry::{Entry, EntryAnswer};

/// A plan with its data, ready to be asked.
pub struct PlanEngine {
    revision: String,
    program: Arc<Program>,
    data: Value,
    /// In the order of names, so that an [`Entrypoint`] is an index.
    entrypoints: Vec<Asked>,
    /// What `opa.runtime` says where the host says nothing of itself; `None` where the policy doesn't call it.
    runtime: Option<Value>,
}

/// What an answer can depend on.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'e> {
    /// Of the input.
    pub input: &'e Reads,
    /// Of the data.
    pub data: &'e Reads,
    /// What its builtins depend on besides their operands.
    pub effects: Effects,
}

/// Whether a policy may call `http.send`. Where it may, evaluations end with [`EngineError::NeedsHttp`], and somebody has to
/// make the request; where not, a policy that calls it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpSend {
    /// It may not.
    #[default]
    Off,
    /// It may.
    On,
}

/// The host's builtins and `http.send`.
struct WithHttpSend;

impl HostBuiltins for WithHttpSend {
    fn builtin(&self, name: &str) -> Option<BuiltinFn> {
        if name == http::NAME {
            Some(http::send)
        } else {
            Host.builtin(name)
        }
    }

    fn effects(&self, name: &str) -> Effects {
        if name == http::NAME {
            postern_rego::builtin_effects(name)
        } else {
            Host.effects(name)
        }
    }
}

/// What may be asked.
struct Asked {
    name: String,
    answer: Answer,
    reads: InputReads,
}

/// Where an answer comes from.
enum Answer {
    Plan(EntrypointId),
    /// There are no rules: what the base data holds, whatever the input.
    Fixed(Option<Value>),
}

impl HttpSend {
    pub(crate) fn host(self) -> &'static dyn HostBuiltins {
        match self {
            Self::Off => &Host,
            Self::On => &WithHttpSend,
        }
    }

    /// Loads a plan with all builtins that there are.
    ///
    /// # Errors
    /// [`EngineError::Load`]; [`EngineError::HttpSendOff`] when it calls `http.send`, and may not.
    pub fn program(self, plan: PlanFile<'_>) -> Result<Program, EngineError> {
        plan.load(self.host()).map_err(|error| match error {
            LoadError::UnknownBuiltin(name) if name == http::NAME => EngineError::HttpSendOff,
            error => EngineError::Load(error.to_string()),
        })
    }
}

impl PlanEngine {
    /// Loads the plan of a bundle.
    ///
    /// # Errors
    /// [`EngineError::PlanMissing`] when there is only Rego, [`EngineError::NoPolicy`] when there is not even that,
    /// [`EngineError::Load`] when the plan is malformed or needs what the machine lacks, [`EngineError::HttpSendOff`] when
    /// that is `http.send`.
    #[cfg(feature = "bundle")]
    pub fn from_bundle(bundle: &crate::Bundle) -> Result<Self, EngineError> {
        Self::from_bundle_with(bundle, HttpSend::Off)
    }

    /// As [`PlanEngine::from_bundle`], of a policy that may call `http.send` or not.
    ///
    /// # Errors
    /// As [`PlanEngine::from_bundle`].
    #[cfg(feature = "bundle")]
    pub fn from_bundle_with(bundle: &crate::Bundle, http_send: HttpSend) -> Result<Self, EngineError> {
        let Some(plan) = bundle.plan() else {
            let mut modules = bundle.modules();
            return Err(match modules.next() {
                Some((first, _)) => EngineError::PlanMissing {
                    first: first.to_owned(),
                    count: modules.count().saturating_add(1),
                },
                None => EngineError::NoPolicy,
            });
        };
        Self::load(bundle.revision(), plan, bundle.data().clone(), http_send)
    }

    /// Loads a plan with its base data.
    ///
    /// # Errors
    /// [`EngineError::Load`], also where a rule is at a path that holds data; [`EngineError::HttpSendOff`].
    pub fn new(revision: impl Into<String>, plan: PlanFile<'_>, data: Value) -> Result<Self, EngineError> {
        Self::load(revision, plan, data, HttpSend::Off)
    }

    fn load(
        revision: impl Into<String>,
        plan: PlanFile<'_>,
        data: Value,
        http_send: HttpSend,
    ) -> Result<Self, EngineError> {
        let program = http_send.program(plan)?;
        let entries: Vec<Entry> = program.entrypoints().map(Entry::of_plan).collect();
        Self::of(revision, program, data, entries)
    }

    /// A program with its base data, and what may be asked of it.
    ///
    /// # Errors
    /// [`EngineError::Load`], where a rule is at a path that holds data, where nothing may be asked, and where an entry is
    /// of an entrypoint that the program doesn't have.
    pub fn of(
        revision: impl Into<String>,
        program: impl Into<Arc<Program>>,
        data: Value,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, EngineError> {
        let program = program.into();
        program
            .check_data(&data)
            .map_err(|e| EngineError::Load(e.to_string()))?;
        let mut entrypoints = entries
            .into_iter()
            .map(|entry| entry.asked(&program))
            .collect::<Result<Vec<Asked>, _>>()?;
        entrypoints.sort_by(|a, b| a.name.cmp(&b.name));
        entrypoints.dedup_by(|a, b| a.name == b.name);
        if entrypoints.is_empty() {
            return Err(EngineError::Load("it has no entrypoints".to_owned()));
        }
        let data = program.share(data);
        let tells = program.builtins().any(|name| name == "opa.runtime");
        Ok(Self {
            runtime: tells.then(crate::runtime),
            revision: revision.into(),
            program,
            data,
            entrypoints,
        })
    }

    fn asked(&self, entrypoint: Entrypoint) -> Option<&Asked> {
        self.entrypoints.get(usize::try_from(entrypoint.index()).ok()?)
    }

    fn ask(&self, entrypoint: Entrypoint, input: Input<'_>, env: &Env) -> Result<Option<Value>, EngineError> {
        let Some(asked) = self.asked(entrypoint) else {
            return Err(EngineError::Evaluation(Stopped::internal(
                "the entrypoint is another engine's",
            )));
        };
        match &asked.answer {
            Answer::Plan(id) => self
                .program
                .evaluate(*id, input, &self.data, &self.surroundings(env))
                .map_err(stopped),
            Answer::Fixed(value) => Ok(value.clone()),
        }
    }

    /// What the evaluation is given, with what is said of where it runs.
    fn surroundings<'e>(&self, env: &'e Env) -> Cow<'e, Env> {
        match &self.runtime {
            Some(runtime) if env.runtime.is_none() => Cow::Owned(Env {
                runtime: Some(runtime.clone()),
                ..env.clone()
            }),
            _ => Cow::Borrowed(env),
        }
    }

    /// The builtins that the policy calls.
    pub fn builtins(&self) -> impl Iterator<Item = &str> {
        self.program.builtins()
    }

    /// What an entrypoint can look at of `input` and of the bundle's data, and what else its answer can depend on. `None`
    /// where there are no rules.
    #[must_use]
    pub fn reach(&self, entrypoint: Entrypoint) -> Option<Reach<'_>> {
        let Answer::Plan(id) = self.asked(entrypoint)?.answer else {
            return None;
        };
        Some(Reach {
            input: self.program.reads(id),
            data: self.program.data_reads(id),
            effects: self.program.effects(id),
        })
    }

    /// As [`Engine::evaluate`], and writes down what happened: slower, with the same answer.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    pub fn explain(
        &self,
        entrypoint: Entrypoint,
        input: Input<'_>,
        env: &Env,
        recording: &mut Recording,
    ) -> Result<Option<Value>, EngineError> {
        let Some(asked) = self.asked(entrypoint) else {
            return Err(EngineError::Evaluation(Stopped::internal(
                "the entrypoint is another engine's",
            )));
        };
        match &asked.answer {
            Answer::Plan(id) => self
                .program
                .evaluate_recorded(*id, input, &self.data, &self.surroundings(env), recording)
                .map_err(stopped),
            Answer::Fixed(value) => Ok(value.clone()),
        }
    }

    /// Finds an entrypoint that must be there.
    ///
    /// # Errors
    /// [`EngineError::NoSuchEntrypoint`], which lists those there are.
    pub fn require(&self, path: &str) -> Result<Entrypoint, EngineError> {
        self.entrypoint(path)
            .ok_or_else(|| EngineError::NoSuchEntrypoint {
                wanted: path.to_owned(),
                available: self.entrypoints(),
            })
    }

    /// Finds what may be asked under exactly this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Entrypoint> {
        let at = self.entrypoints.iter().position(|asked| asked.name == name)?;
        u32::try_from(at).ok().map(Entrypoint::from_index)
    }

    /// [`smoke_check`](crate::engine::smoke_check) of an entrypoint of this engine.
    ///
    /// # Errors
    /// [`EngineError::Evaluation`], [`EngineError::Limit`].
    pub fn smoke_check(&self, entrypoint: Entrypoint, env: &Env) -> Result<(), EngineError> {
        crate::engine::smoke_check(self, entrypoint, env)
    }
}

/// Why an evaluation has no answer.
fn stopped(error: EvalError) -> EngineError {
    match error {
        EvalError::NeedsHttp { request, .. } => EngineError::NeedsHttp(request),
        EvalError::LimitReached { .. } => EngineError::Limit((&error).into()),
        error => EngineError::Evaluation((&error).into()),
    }
}

/// Neither data nor code, which may be large.
impl std::fmt::Debug for PlanEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanEngine")
            .field("revision", &self.revision)
            .field("entrypoints", &self.entrypoints())
            .finish_non_exhaustive()
    }
}

impl Engine for PlanEngine {
    fn revision(&self) -> &str {
        &self.revision
    }

    fn kind(&self) -> &'static str {
        "plan"
    }

    fn entrypoints(&self) -> Vec<String> {
        self.entrypoints.iter().map(|asked| asked.name.clone()).collect()
    }

    fn entrypoint(&self, path: &str) -> Option<Entrypoint> {
        find_entrypoint(self.entrypoints.iter().map(|asked| &*asked.name), path)
    }

    fn reads(&self, entrypoint: Entrypoint) -> &InputReads {
        match self.asked(entrypoint) {
            Some(asked) => &asked.reads,
            None => InputReads::everything(),
        }
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

    fn effects(&self, entrypoint: Entrypoint) -> Effects {
        match self.asked(entrypoint).map(|asked| &asked.answer) {
            Some(Answer::Plan(id)) => self.program.effects(*id),
            Some(Answer::Fixed(_)) => Effects::NONE,
            None => Effects::ALL,
        }
    }

    fn evaluate_dated(
        &self,
        entrypoint: Entrypoint,
        input: &dyn Document,
        env: &Env,
    ) -> Result<(Option<Value>, Span), EngineError> {
        let Some(Answer::Plan(id)) = self.asked(entrypoint).map(|asked| &asked.answer) else {
            // An error, or the same always.
            return Ok((self.evaluate_document(entrypoint, input, env)?, Span::ALWAYS));
        };
        self.program
            .evaluate_dated(*id, Input::Document(input), &self.data, &self.surroundings(env))
            .map_err(stopped)
    }
}

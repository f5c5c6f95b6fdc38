//! The steps after an archive was read, a type each.

use std::sync::Arc;

use postern_rego::Env;

use super::arrival::Verified;
use super::compiling::Compiling;
use super::policy::Policy;
use super::refusal::{NoCompiler, Reason, Refusal, Step};
use super::wasm;
use crate::collection::{Collection, DataPath, Loose, Member};
use crate::compilation::{CompileJob, Target, Wanted};
use crate::engine::smoke_check;
use crate::plan::fit::{Unfit, fit};
use crate::plan::{Entry, EntryAnswer};
use crate::{Engine, EngineError, Entrypoint, HttpSend};

/// What any policy must be to become active.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// What will be asked; the decision first.
    pub wanted: Arc<[Wanted]>,
    /// Whether it may call `http.send`.
    pub http_send: HttpSend,
    /// Whether a policy is taken that fails when it is tried: OPA takes it, and fails when it is asked.
    pub may_fail: bool,
}

/// Parts that go together.
#[derive(Debug, Clone)]
pub struct Joined {
    pub(super) candidates: Vec<Verified>,
    /// What becomes of the candidates once they are in force.
    pub(super) members: Vec<Member>,
    /// The policy in force, where nothing but data changes.
    pub(super) made: Option<Made>,
    pub(super) collection: Arc<Collection>,
    pub(super) generation: u64,
    /// The files outside of bundles, where they were read again.
    pub(super) loose: Option<Arc<Loose>>,
}

/// What comes after joining.
#[derive(Debug)]
pub enum NextStep {
    /// A bundle's own plan is the policy, or its Wasm module.
    Ready(Box<Ready>),
    /// OPA must compile it.
    Compile(Box<Compiling>),
}

impl Joined {
    /// What is joined.
    #[must_use]
    pub fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// Whether a plan or a Wasm module is there that may run, or the Rego must be compiled. A module is made machine code
    /// here, which takes some tens of milliseconds.
    ///
    /// # Errors
    /// At [`Step::Check`] where `http.send` is off, which compiling doesn't change, or a module can't be run; at
    /// [`Step::Compile`] where there is nothing to compile.
    pub fn next(self, demand: &Demand) -> Result<NextStep, Refusal> {
        let candidate = self.name();
        if let Some(made) = self.made.clone().filter(|made| made.demand == *demand) {
            return Ok(NextStep::Ready(Box::new(Ready { made, joined: self })));
        }
        let found = wasm::find(&self.collection, demand);
        let found = found.map_err(|error| Refusal::new(Step::Check, candidate.as_deref(), error))?;
        if let Some((policy, targets)) = found {
            let made = Made::new(policy, targets, demand);
            return Ok(NextStep::Ready(Box::new(Ready { made, joined: self })));
        }
        let unfit = match fit(&self.collection, &demand.wanted, demand.http_send) {
            Ok(fit) => {
                let policy = Policy::Plan {
                    program: Arc::new(fit.program),
                    unplanned: Arc::from([]),
                };
                let made = Made::new(policy, fit.targets, demand);
                return Ok(NextStep::Ready(Box::new(Ready { made, joined: self })));
            }
            Err(unfit) => unfit,
        };
        wasm::check_beside(&self.collection, &demand.wanted)
            .map_err(|error| Refusal::new(Step::Check, candidate.as_deref(), error))?;
        if let Unfit::Engine {
            reason: EngineError::HttpSendOff,
            ..
        } = &unfit
        {
            return Err(Refusal::new(
                Step::Check,
                candidate.as_deref(),
                EngineError::HttpSendOff,
            ));
        }
        let modules = self.collection.modules();
        let no_compiler = NoCompiler {
            rego: modules.first().map(|module| (module.path.clone(), modules.len())),
            entrypoints: demand.wanted.iter().map(|wanted| wanted.path.name()).collect(),
            unfit,
        };
        if modules.is_empty() && demand.wanted.iter().any(|wanted| wanted.required) {
            return Err(Refusal::new(
                Step::Compile,
                candidate.as_deref(),
                Reason::NoCompiler(no_compiler),
            ));
        }
        let job = CompileJob::new(Arc::clone(&self.collection), Arc::clone(&demand.wanted))
            .map_err(|error| Refusal::new(Step::Compile, candidate.as_deref(), error))?;
        Ok(NextStep::Compile(Box::new(Compiling {
            job,
            no_compiler,
            demand: demand.clone(),
            joined: self,
        })))
    }

    pub(super) fn name(&self) -> Option<String> {
        match self.candidates.as_slice() {
            [only] => Some(only.name().to_owned()),
            _ => None,
        }
    }
}

/// What our module's rules are called in a plan.
pub(super) const OURS: &str = "postern__entrypoints/";

/// What was made of all Rego, plans and modules, whatever the data is.
#[derive(Debug, Clone)]
pub(super) struct Made {
    policy: Policy,
    targets: Arc<[Target]>,
    demand: Demand,
}

impl Made {
    pub(super) fn new(policy: Policy, targets: Vec<Target>, demand: &Demand) -> Self {
        Self {
            policy,
            targets: targets.into(),
            demand: demand.clone(),
        }
    }
}

/// A plan or a module that is loaded.
#[derive(Debug)]
pub struct Ready {
    pub(super) made: Made,
    pub(super) joined: Joined,
}

impl Ready {
    /// Holds it to the data, and to what will be asked.
    ///
    /// # Errors
    /// At [`Step::Check`].
    pub fn check(self) -> Result<Checked, Refusal> {
        let candidate = self.joined.name();
        let candidate = candidate.as_deref();
        let collection = &self.joined.collection;
        let Made {
            policy,
            targets,
            demand,
        } = &self.made;
        for rule in policy.unplanned() {
            rule.check(collection.data())
                .map_err(|error| Refusal::new(Step::Check, candidate, error))?;
        }
        let refuse = |reason: EngineError| Refusal::new(Step::Check, candidate, reason);
        let names = policy.entrypoints();
        let mut entries: Vec<Entry> = Vec::new();
        for (wanted, target) in demand.wanted.iter().zip(&**targets) {
            let answer = match target {
                Target::Entrypoint(name) => EntryAnswer::Entrypoint(name.clone()),
                Target::Data if wanted.required && names.is_empty() => {
                    return Err(refuse(EngineError::Load("it has no entrypoints".to_owned())));
                }
                Target::Data if wanted.required => {
                    return Err(refuse(EngineError::NoSuchEntrypoint {
                        wanted: wanted.path.name(),
                        available: names.into_iter().filter(|name| !name.starts_with(OURS)).collect(),
                    }));
                }
                Target::Data => EntryAnswer::Data(wanted.path.find(collection.data()).cloned()),
            };
            entries.push(Entry {
                name: wanted.path.name(),
                answer,
            });
        }
        // What else it has may be asked, too.
        let own = names.iter().filter(|name| !name.starts_with(OURS));
        let own: Vec<Entry> = own
            .map(|name| Entry::of_plan(name))
            .filter(|entry| {
                !entries
                    .iter()
                    .any(|wanted| wanted.name == DataPath::of_entrypoint(&entry.name).name())
            })
            .collect();
        entries.extend(own);
        let wanted: Vec<String> = demand.wanted.iter().map(|wanted| wanted.path.name()).collect();
        let (engine, entrypoints) = policy
            .engine(collection.revision(), collection.data(), entries, &wanted)
            .map_err(refuse)?;
        Ok(Checked {
            engine,
            entrypoints,
            made: self.made,
            joined: self.joined,
        })
    }
}

/// A policy that holds together.
#[derive(Debug)]
pub struct Checked {
    made: Made,
    engine: Arc<dyn Engine>,
    entrypoints: Vec<Entrypoint>,
    joined: Joined,
}

impl Checked {
    /// Asks each of the wanted paths once, with an empty input: what fails whatever the input is noticed while the last good
    /// policy serves.
    ///
    /// # Errors
    /// At [`Step::Try`].
    pub fn attempt(self, env: &Env) -> Result<Tried, Refusal> {
        let candidate = self.joined.name();
        for entrypoint in &self.entrypoints {
            match smoke_check(&*self.engine, *entrypoint, env) {
                Err(EngineError::Evaluation(_)) if self.made.demand.may_fail => {}
                tried => tried.map_err(|error| Refusal::new(Step::Try, candidate.as_deref(), error))?,
            }
        }
        Ok(Tried {
            engine: self.engine,
            entrypoints: self.entrypoints,
            made: self.made,
            joined: self.joined,
        })
    }
}

/// A policy that answers. [`Active::swap`](super::Active::swap) puts it into force.
#[derive(Debug)]
pub struct Tried {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) entrypoints: Vec<Entrypoint>,
    pub(super) made: Made,
    pub(super) joined: Joined,
}

impl Tried {
    /// The policy.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Where each of the wanted paths is asked, in their order.
    #[must_use]
    pub fn entrypoints(&self) -> &[Entrypoint] {
        &self.entrypoints
    }

    /// Everything that may be asked, by name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.engine.entrypoints()
    }
}

//! The steps, a type each.

use std::sync::Arc;

use postern_rego::Env;

use super::active::Active;
use super::compiling::Compiling;
use super::policy::Policy;
use super::refusal::{NoCompiler, Reason, Refusal, Step};
use super::wasm;
use crate::collection::{Collection, DataPath, Given, Member};
use crate::compilation::{CompileJob, Target, Wanted};
use crate::engine::smoke_check;
use crate::plan::fit::{Unfit, fit};
use crate::plan::{Entry, EntryAnswer};
use crate::{Bundle, Engine, EngineError, Entrypoint, HttpSend, Limits, Verification};

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

/// An archive that came.
#[derive(Debug, Clone)]
pub struct Fetched<'a> {
    /// The bundle's name.
    pub name: &'a str,
    /// Its bytes.
    pub archive: &'a [u8],
    /// The tag that it came with; empty for none.
    pub etag: &'a str,
    /// How it came.
    pub given: Given,
}

impl Fetched<'_> {
    /// Reads the archive, and has its signature proved.
    ///
    /// # Errors
    /// At [`Step::Verify`].
    pub fn verify(self, verification: &Verification, limits: &Limits) -> Result<Verified, Refusal> {
        let bundle = Bundle::read(self.archive, verification, limits)
            .map_err(|error| Refusal::new(Step::Verify, Some(self.name), error))?;
        Ok(Verified {
            member: Member {
                name: self.name.to_owned(),
                bundle: Arc::new(bundle),
                etag: self.etag.to_owned(),
                given: self.given,
            },
        })
    }
}

/// A bundle that is what its signer signed.
#[derive(Debug, Clone)]
pub struct Verified {
    pub(super) member: Member,
}

impl Verified {
    /// A bundle that was read elsewhere: there is none that wasn't found good.
    #[must_use]
    pub fn of(member: Member) -> Self {
        Self { member }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// What it holds.
    #[must_use]
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.member.bundle
    }

    /// With all that is active: in the place of the bundle of its name, beside the others.
    ///
    /// # Errors
    /// At [`Step::Join`].
    pub fn join(self, active: &Active) -> Result<Joined, Refusal> {
        active.join(vec![self])
    }
}

/// Parts that go together.
#[derive(Debug, Clone)]
pub struct Joined {
    pub(super) candidates: Vec<Verified>,
    pub(super) collection: Arc<Collection>,
    pub(super) generation: u64,
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
        let found = wasm::find(&self.collection, demand);
        let found = found.map_err(|error| Refusal::new(Step::Check, candidate.as_deref(), error))?;
        if let Some((policy, targets)) = found {
            return Ok(NextStep::Ready(Box::new(Ready {
                policy,
                targets,
                demand: demand.clone(),
                joined: self,
            })));
        }
        let unfit = match fit(&self.collection, &demand.wanted, demand.http_send) {
            Ok(fit) => {
                return Ok(NextStep::Ready(Box::new(Ready {
                    policy: Policy::Plan {
                        program: Box::new(fit.program),
                        unplanned: Vec::new(),
                    },
                    targets: fit.targets,
                    demand: demand.clone(),
                    joined: self,
                })));
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
            [only] => Some(only.member.name.clone()),
            _ => None,
        }
    }
}

/// What our module's rules are called in a plan.
pub(super) const OURS: &str = "postern__entrypoints/";

/// A plan or a module that is loaded.
#[derive(Debug)]
pub struct Ready {
    pub(super) policy: Policy,
    pub(super) targets: Vec<Target>,
    pub(super) demand: Demand,
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
        for rule in self.policy.unplanned() {
            rule.check(collection.data())
                .map_err(|error| Refusal::new(Step::Check, candidate, error))?;
        }
        let refuse = |reason: EngineError| Refusal::new(Step::Check, candidate, reason);
        let names = self.policy.entrypoints();
        let mut entries: Vec<Entry> = Vec::new();
        for (wanted, target) in self.demand.wanted.iter().zip(&self.targets) {
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
        let wanted: Vec<String> = self
            .demand
            .wanted
            .iter()
            .map(|wanted| wanted.path.name())
            .collect();
        let (engine, entrypoints) = self
            .policy
            .engine(collection.revision(), collection.data(), entries, &wanted)
            .map_err(refuse)?;
        Ok(Checked {
            engine,
            entrypoints,
            may_fail: self.demand.may_fail,
            joined: self.joined,
        })
    }
}

/// A policy that holds together.
#[derive(Debug)]
pub struct Checked {
    engine: Arc<dyn Engine>,
    entrypoints: Vec<Entrypoint>,
    may_fail: bool,
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
                Err(EngineError::Evaluation(_)) if self.may_fail => {}
                tried => tried.map_err(|error| Refusal::new(Step::Try, candidate.as_deref(), error))?,
            }
        }
        Ok(Tried {
            engine: self.engine,
            entrypoints: self.entrypoints,
            joined: self.joined,
        })
    }
}

/// A policy that answers. [`Active::swap`] puts it into force.
#[derive(Debug)]
pub struct Tried {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) entrypoints: Vec<Entrypoint>,
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

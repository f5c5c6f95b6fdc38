//! From archives to a policy that may be asked: verified, joined with what else is active, compiled where it must be, checked,
//! tried, and only then put in the place of what serves. Any failure refuses the whole. Where an archive came from is the
//! puller's business; the steps themselves are `postern_policy::activation`'s.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_compiler::{Compiler, Opa, RunLimits};
use postern_decide::{ActivePolicy, DecisionCacheLimits, PolicyLimits};
use postern_policy::activation::{
    Active, Compiling, Demand, Fetched, NextStep, Ready, Reason, Refusal, Tried, Verified,
};
use postern_policy::collection::{DataPath, Given, Loose};
use postern_policy::compilation::{Compiled, Wanted};
use postern_policy::{Deltas, HttpSend, Limits, Verification};
use tokio::task::JoinError;

use super::Context;
use super::behind::behind;
use crate::clock;

/// What a bundle must be to be activated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requirements {
    /// The keys of which one must have signed it.
    pub(crate) verification: Verification,
    /// What will be asked.
    pub(crate) entrypoint: String,
    /// How large it may be.
    pub(crate) limits: Limits,
    /// Whether it may call `http.send`.
    pub(crate) http_send: HttpSend,
    /// Whether it is taken though it fails when it is tried.
    pub(crate) may_fail: bool,
    /// How much one evaluation may take, when it is tried and afterwards.
    pub(crate) evaluation: PolicyLimits,
    /// The compiler for bundles without a plan that may run.
    pub(crate) opa: Option<PathBuf>,
    /// How much of what it answers is remembered.
    pub(crate) cache: DecisionCacheLimits,
}

/// Policy that passed.
#[derive(Debug, Clone)]
pub(crate) struct Activation {
    /// The policy.
    pub(crate) policy: Arc<ActivePolicy>,
    /// What it can be asked.
    pub(crate) entrypoints: Vec<String>,
    /// The bundles that it is made of.
    pub(crate) bundles: Vec<BundleInForce>,
    /// The bundles of these that had been refused, and came into force because this one did.
    pub(crate) followed: Vec<String>,
}

/// A bundle that is part of the policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BundleInForce {
    /// Its name.
    pub(crate) name: String,
    /// Its revision: opaque, may be empty.
    pub(crate) revision: String,
    /// The sequence that its signer gave it, where there is a signer.
    pub(crate) sequence: Option<u64>,
    /// The tag that it came with; empty for none.
    pub(crate) etag: String,
}

/// Why a bundle isn't activated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivationError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A thread of ours ended unexpectedly.
    #[error("activation ended unexpectedly: {0}")]
    Broken(#[from] JoinError),
    /// Others came into force each time that it was ready.
    #[error("other bundles changed without end while this one was made ready")]
    Overtaken,
}

impl ActivationError {
    /// Whether it is the policy's fault, so that the same bundle would fail again.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(*refusal.reason, Reason::Compiler(_)),
            Self::Broken(_) => true,
            Self::Overtaken => false,
        }
    }

    /// The step at which it happened, for the log.
    pub(crate) fn step(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.step.name(),
            Self::Broken(_) | Self::Overtaken => "",
        }
    }
}

/// Reads an archive that came, on a thread of its own, and has its signature proved. It may be a delta where `deltas` says how
/// one is taken.
///
/// # Errors
/// When it isn't what it must be.
pub(crate) async fn verified(
    archive: Vec<u8>,
    name: &str,
    etag: &str,
    verification: &Verification,
    limits: Limits,
    deltas: Option<Deltas>,
) -> Result<Verified, ActivationError> {
    let (name, etag, verification) = (name.to_owned(), etag.to_owned(), verification.clone());
    let verified = behind(move || {
        let fetched = Fetched {
            name: &name,
            archive: &archive,
            etag: &etag,
            given: Given::Fetched,
        };
        match deltas {
            Some(deltas) => fetched.verify_or_delta(&verification, &limits, deltas),
            None => fetched.verify(&verification, &limits),
        }
    });
    Ok(verified.await??)
}

/// How often a bundle is made ready anew because others changed.
const MOST_ROUNDS: usize = 8;

/// All parts of one policy: activates bundles one at a time, together with the others, whoever fetches them.
#[derive(Debug)]
pub(crate) struct PolicySet {
    context: Arc<Context>,
    active: Mutex<Active>,
    demand: Demand,
    evaluation: PolicyLimits,
    cache: DecisionCacheLimits,
    compiler: Result<Compiler, NoCompiler>,
}

/// Whether anything else is to be done while something is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Haste {
    /// Nothing: the process begins with it.
    AtOnce,
    /// Checks.
    Behind,
}

/// Why there is none.
#[derive(Debug)]
enum NoCompiler {
    NotConfigured,
    Broken(String),
}

/// What is done with a policy that is in force, before another can come into force.
pub(crate) type Told<'t> = &'t (dyn Fn(&Activation) + Sync);

impl PolicySet {
    /// No bundles yet, beside what is there from the start ([`Active::new`]). `wanted` is what will be asked, the decision
    /// first.
    pub(crate) fn new(
        context: Arc<Context>,
        active: Active,
        wanted: impl IntoIterator<Item = Wanted>,
        requirements: &Requirements,
    ) -> Self {
        let compiler = match &requirements.opa {
            None => Err(NoCompiler::NotConfigured),
            Some(opa) => {
                let limits = RunLimits {
                    in_background: true,
                    ..RunLimits::default()
                };
                Compiler::open(Opa::new(opa, limits), &context.disk.compiled())
                    .map_err(|error| NoCompiler::Broken(format!("nothing can be compiled: {error}")))
            }
        };
        Self {
            context,
            active: Mutex::new(active),
            demand: Demand {
                wanted: wanted.into_iter().collect(),
                http_send: requirements.http_send,
                may_fail: requirements.may_fail,
            },
            evaluation: requirements.evaluation,
            cache: requirements.cache,
            compiler,
        }
    }

    /// One bundle and its decision: what our own configuration has. `highest` is the highest sequence that was in force before
    /// the process began.
    pub(crate) fn of_one_bundle(
        context: Arc<Context>,
        requirements: &Requirements,
        highest: Option<u64>,
    ) -> Self {
        let wanted = Wanted {
            path: DataPath::of_entrypoint(&requirements.entrypoint),
            required: true,
        };
        Self::new(context, Active::of_one_bundle(highest), [wanted], requirements)
    }

    /// Activates what the process was started with: the files, and bundles that were given with them, all at once.
    ///
    /// # Errors
    /// When it can't be.
    pub(crate) async fn start(
        &self,
        bundles: Vec<Verified>,
        tell: Told<'_>,
    ) -> Result<Activation, ActivationError> {
        self.bring(bundles, None, tell, Haste::AtOnce).await
    }

    /// Activates what the process was started with, read again: in the place of what was read before, with the bundles that
    /// were fetched. Those that waited for it follow.
    ///
    /// # Errors
    /// When it can't be; what was in force stays.
    pub(crate) async fn start_anew(
        &self,
        loose: Loose,
        bundles: Vec<Verified>,
        tell: Told<'_>,
    ) -> Result<Activation, ActivationError> {
        let activation = self.bring(bundles, Some(&loose), tell, Haste::Behind).await?;
        Ok(self.followed(activation, tell).await)
    }

    /// Activates a bundle; what was active under its name stays where it is refused. Those that waited for it follow.
    ///
    /// # Errors
    /// When it can't be activated.
    pub(crate) async fn activate(
        &self,
        archive: Vec<u8>,
        name: &str,
        etag: &str,
        requirements: &Requirements,
        tell: Told<'_>,
    ) -> Result<Activation, ActivationError> {
        self.active().forget(name);
        let verified = verified(
            archive,
            name,
            etag,
            &requirements.verification,
            requirements.limits,
            None,
        );
        self.take(verified.await?, tell).await
    }

    /// As [`PolicySet::activate`], of a bundle that was read and verified already.
    ///
    /// # Errors
    /// When it can't be activated.
    pub(crate) async fn take(
        &self,
        verified: Verified,
        tell: Told<'_>,
    ) -> Result<Activation, ActivationError> {
        match self
            .bring(vec![verified.clone()], None, tell, Haste::Behind)
            .await
        {
            Ok(activation) => Ok(self.followed(activation, tell).await),
            Err(error) => {
                self.active().wait(verified);
                Err(error)
            }
        }
    }

    /// After an activation: those that waited are tried again.
    async fn followed(&self, mut activation: Activation, tell: Told<'_>) -> Activation {
        let waiting = self.active().waiting();
        for candidate in waiting {
            let name = candidate.name().to_owned();
            match self.bring(vec![candidate], None, tell, Haste::Behind).await {
                Ok(later) => {
                    tracing::info!(
                        bundle = name,
                        "a bundle that was refused is in force, since another changed"
                    );
                    let mut followed = std::mem::take(&mut activation.followed);
                    followed.push(name);
                    activation = Activation { followed, ..later };
                }
                Err(error) => tracing::debug!(bundle = name, %error, "a bundle that was refused still is"),
            }
        }
        activation
    }

    /// The highest sequence of the bundles that were in force.
    pub(crate) fn highest_sequence(&self) -> Option<u64> {
        self.active().highest_sequence()
    }

    /// What was refused of that name isn't served any more: it comes into force with no other.
    pub(crate) fn forget(&self, name: &str) {
        self.active().forget(name);
    }

    /// The tag of the bundle of that name that is in force, if one is.
    pub(crate) fn tag_in_force(&self, name: &str) -> Option<String> {
        let active = self.active();
        let own = active.bundles().find(|bundle| bundle.name == name);
        own.map(|own| own.etag.to_owned())
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn bring(
        &self,
        candidates: Vec<Verified>,
        anew: Option<&Loose>,
        tell: Told<'_>,
        haste: Haste,
    ) -> Result<Activation, ActivationError> {
        for _ in 0..MOST_ROUNDS {
            let mut active = self.active().clone();
            if let Some(loose) = anew {
                active = active.anew(loose.clone());
            }
            let tried = self.tried(candidates.clone(), active, haste).await?;
            let entrypoints = tried.names();
            let mut active = self.active();
            let Ok(swapped) = active.swap(tried) else {
                continue;
            };
            let Some(decision) = swapped.entrypoints.first().copied() else {
                continue;
            };
            // A memory of its own, and a secret: nothing is remembered of the policy before.
            let secret = self.context.randomness.entropy().correlation_id;
            let in_force = active
                .bundles()
                .map(|bundle| (bundle.name.to_owned(), bundle.revision.to_owned()));
            let policy = ActivePolicy::new(swapped.engine, decision)
                .with_bundles(in_force)
                .with_limits(self.evaluation)
                .with_runtime(self.context.runtime.0.clone())
                .with_cache(self.cache, secret);
            let activation = Activation {
                policy: Arc::new(policy),
                entrypoints,
                bundles: active
                    .bundles()
                    .map(|bundle| BundleInForce {
                        name: bundle.name.to_owned(),
                        revision: bundle.revision.to_owned(),
                        sequence: bundle.sequence,
                        etag: bundle.etag.to_owned(),
                    })
                    .collect(),
                followed: Vec::new(),
            };
            tell(&activation);
            return Ok(activation);
        }
        Err(ActivationError::Overtaken)
    }

    /// Every step but the last, each that takes long on a thread of its own: apart from checks, sync and admin.
    async fn tried(
        &self,
        candidates: Vec<Verified>,
        active: Active,
        haste: Haste,
    ) -> Result<Tried, ActivationError> {
        let demand = self.demand.clone();
        let next = behind(move || active.start(candidates)?.next(&demand));
        let next = next.await??;
        let mut env = self
            .evaluation
            .env(clock::now(), self.context.randomness.entropy().policy_seed);
        env.runtime.clone_from(&self.context.runtime.0);
        let finish = move |ready: Ready| -> Result<Tried, Refusal> { ready.check()?.attempt(&env) };
        Ok(match next {
            NextStep::Ready(ready) => behind(move || finish(*ready)).await??,
            NextStep::Compile(compiling) => {
                let (compiling, compiled) = self.compile(*compiling, haste).await?;
                behind(move || finish(compiling.compiled(&compiled)?)).await??
            }
        })
    }

    async fn compile(
        &self,
        compiling: Compiling,
        haste: Haste,
    ) -> Result<(Compiling, Compiled), ActivationError> {
        let compiler = match &self.compiler {
            Ok(compiler) => compiler,
            Err(NoCompiler::NotConfigured) => return Err(compiling.without_compiler().into()),
            Err(NoCompiler::Broken(why)) => {
                return Err(compiling.refused(Reason::Compiler(why.clone())).into());
            }
        };
        let stopwatch = clock::Stopwatch::start();
        let compiled = match haste {
            Haste::AtOnce => compiler.compile_at_once(compiling.job()).await,
            Haste::Behind => compiler.compile(compiling.job()).await,
        };
        match compiled {
            Ok(compiled) => {
                let took_ms = stopwatch.elapsed().as_millis();
                tracing::info!(why = %compiling.why(), took_ms, "the policy's Rego was compiled here");
                Ok((compiling, compiled))
            }
            Err(error) => Err(compiling.refused(error.into()).into()),
        }
    }
}

//! The use cases of policy: publish a bundle, ask one, list them, bring them back after a restart. It speaks domain
//! types only.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use postern_policy::{BundleName, EngineError, Env, PolicyResult, ResultError, Value, Verification};
use postern_store::{Clock, Database, DatabaseError, Entropy, random_bytes};
use tokio::sync::{Mutex, watch};
use tracing::Instrument;
use uuid::Builder;

use crate::acceptance::{self, Looked};
use crate::bounded::{Bounded, Interrupted, blocking};
use crate::compile::{BundleCompiler, CompileSettings, NotCompiled};
use crate::model::{Catalog, Published, Refused};
use crate::repository::{self, StoredBundle};

/// Each is held in memory, archive and plan.
const MAX_BUNDLES: usize = 64;
/// Evaluations at the same time; others wait, bounded by the caller's deadline.
const MAX_EVALUATIONS: usize = 16;
/// A policy that asks for more than this can't be right, and would hold up others.
const MAX_STATEMENTS: u64 = 2_000_000;
/// Bytes that an evaluation may build, which is what sidecars have by default.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// What holds for every bundle, from configuration.
#[derive(Debug, Clone)]
pub struct PolicySettings {
    /// Who may sign bundles.
    pub verification: Verification,
    /// How many revisions of each bundle are kept; at least 1.
    pub keep_revisions: u32,
    /// How those are compiled that come without a plan; `None` where they are refused.
    pub compile: Option<CompileSettings>,
}

/// The policy service; clones share it.
#[derive(Clone)]
pub struct Policies {
    shared: Arc<Shared>,
}

struct Shared {
    settings: PolicySettings,
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    catalog: watch::Sender<Catalog>,
    /// Publications take turns, so that what is served last is what was stored last.
    publishing: Arc<Mutex<()>>,
    evaluating: Bounded,
    /// Why there is none, where one is configured that can't work.
    compiler: Option<Result<BundleCompiler, String>>,
}

/// Why policy did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The bundle doesn't verify, or its plan can't run; the one before keeps serving.
    #[error("the bundle `{name}` is refused: {reason}")]
    Refused {
        /// Under which name it was to be published.
        name: BundleName,
        /// Why.
        reason: Refused,
    },
    /// There are too many bundles.
    #[error(
        "there are {MAX_BUNDLES} bundles already, the most there may be; publish under a name that exists"
    )]
    TooMany,
    /// No bundle of that name.
    #[error("there is no bundle `{0}`")]
    NoBundle(BundleName),
    /// The bundle has no such entrypoint.
    #[error("the bundle has no entrypoint `{path}`; it has: {}", available.join(", "))]
    NoEntrypoint {
        /// What was asked for.
        path: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The policy failed.
    #[error(transparent)]
    Evaluation(#[from] EngineError),
    /// It must be compiled, and the compiler can't be run; the text is for the log only.
    #[error("nothing can be compiled: {0}")]
    Compiler(String),
    /// The store failed; the text is for the log only.
    #[error(transparent)]
    Store(#[from] DatabaseError),
    /// A task of ours was stopped: the process is ending.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// A bundle that is stored but can't be served any more; an older one of its name may be in its place.
#[derive(Debug, thiserror::Error)]
#[error("revision `{revision}` of the stored bundle `{name}` is not served: {reason}")]
pub struct RestoreError {
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: String,
    /// Why not.
    pub reason: String,
}

impl RestoreError {
    fn new(name: &str, stored: &StoredBundle, reason: impl fmt::Display) -> Self {
        Self {
            name: name.to_owned(),
            revision: stored.revision.clone(),
            reason: reason.to_string(),
        }
    }
}

/// What a policy said.
#[derive(Debug)]
pub struct Decided {
    /// Whether a sidecar would let the request go on.
    pub allowed: bool,
    /// What keeps the result from being an answer, which denies.
    pub ill_formed: Option<ResultError>,
    /// `None` is undefined, which denies.
    pub result: Option<Value>,
    /// Names the decision in logs.
    pub decision_id: String,
    /// The revision that decided.
    pub revision: String,
}

impl Policies {
    /// The service on this database, whose tables are up to date. It serves nothing until [`Policies::restore`].
    pub fn new(
        settings: PolicySettings,
        database: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let compiler = settings.compile.as_ref().map(|compile| {
            BundleCompiler::open(compile).map_err(|error| format!("{}: {error}", compile.folder.display()))
        });
        let shared = Shared {
            compiler,
            settings,
            database,
            clock,
            entropy,
            catalog: watch::Sender::new(Catalog::default()),
            publishing: Arc::default(),
            evaluating: Bounded::new(MAX_EVALUATIONS),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Serves what was published before: of each name the newest that still verifies and loads. Where none does (their
    /// key is not configured any more), the name is not served, and the sidecars keep their own last good one.
    ///
    /// # Errors
    /// [`PolicyError::Store`]. Bundles that are left out are returned, with the reason.
    pub async fn restore(&self) -> Result<Vec<RestoreError>, PolicyError> {
        let _turn = self.shared.publishing.lock().await;
        let mut left_out = Vec::new();
        for text in repository::names(&self.shared.database).await? {
            let mut tried = None;
            while let Some(stored) = repository::newest(&self.shared.database, &text, tried.as_ref()).await? {
                let Some(name) = BundleName::parse(&text) else {
                    left_out.push(RestoreError::new(&text, &stored, "not a bundle's name"));
                    break;
                };
                match self
                    .verify(name, stored.archive.clone(), stored.published_at)
                    .await
                {
                    Ok(mut published) => {
                        published.source.clone_from(&stored.source);
                        self.serve(Arc::new(published));
                        break;
                    }
                    Err(PolicyError::Refused { reason, .. }) => {
                        left_out.push(RestoreError::new(&text, &stored, &reason));
                    }
                    Err(error) => return Err(error),
                }
                tried = Some(stored);
            }
        }
        Ok(left_out)
    }

    /// As [`Policies::publish_for`], of a bundle that is asked for whatever its plan has.
    ///
    /// # Errors
    /// As there.
    pub async fn publish(&self, name: BundleName, archive: Bytes) -> Result<Arc<Published>, PolicyError> {
        self.publish_for(name, archive, Vec::new()).await
    }

    /// Verifies, loads, stores and serves a bundle, of which `asked` is what sidecars ask; where it is empty, whatever its plan
    /// has. One whose Rego must be compiled is, where there is a compiler. The same archive once more changes nothing. Once its turn has come
    /// it goes on to the end, whether or not the caller still waits: nothing is stored that isn't served.
    ///
    /// # Errors
    /// [`PolicyError::Refused`], [`PolicyError::TooMany`], [`PolicyError::Store`]; the one before keeps serving.
    pub async fn publish_for(
        &self,
        name: BundleName,
        archive: Bytes,
        asked: Vec<String>,
    ) -> Result<Arc<Published>, PolicyError> {
        let turn = Arc::clone(&self.shared.publishing).lock_owned().await;
        let policies = self.clone();
        let publication = async move {
            let _turn = turn;
            policies.publish_in_turn(name, archive, asked).await
        };
        tokio::spawn(publication.in_current_span())
            .await
            .map_err(|_| Interrupted)?
    }

    async fn publish_in_turn(
        &self,
        name: BundleName,
        archive: Bytes,
        asked: Vec<String>,
    ) -> Result<Arc<Published>, PolicyError> {
        let catalog = self.catalog();
        if catalog.bundle(&name).is_none() && catalog.bundles().len() >= MAX_BUNDLES {
            return Err(PolicyError::TooMany);
        }
        let source = acceptance::digest(&archive, &asked);
        if let Some(current) = catalog.bundle(&name)
            && current.source.as_ref() == Some(&source)
        {
            return Ok(Arc::clone(current));
        }
        let compiled = self.compiled(&name, &archive, &asked).await?;
        let source = compiled.is_some().then_some(source);
        let mut published = self
            .verify(
                name.clone(),
                compiled.unwrap_or(archive),
                self.shared.clock.unix_seconds(),
            )
            .await?;
        published.source = source;
        match catalog.bundle(&name) {
            Some(current) if current.etag == published.etag => Ok(Arc::clone(current)),
            _ => {
                let highest = repository::highest_sequence(&self.shared.database, name.as_str()).await?;
                published
                    .follows(highest)
                    .map_err(|reason| PolicyError::Refused { name, reason })?;
                repository::insert(
                    &self.shared.database,
                    &published,
                    self.shared.settings.keep_revisions,
                )
                .await?;
                let published = Arc::new(published);
                self.serve(Arc::clone(&published));
                Ok(published)
            }
        }
    }

    /// Asks an entrypoint of a bundle; an empty `path` asks the bundle's first. No input is not `null`: it is undefined.
    ///
    /// # Errors
    /// [`PolicyError::NoBundle`], [`PolicyError::NoEntrypoint`], [`PolicyError::Evaluation`].
    pub async fn authorize(
        &self,
        name: &BundleName,
        path: &str,
        input: Option<Value>,
    ) -> Result<Decided, PolicyError> {
        let published = self
            .catalog()
            .bundle(name)
            .cloned()
            .ok_or_else(|| PolicyError::NoBundle(name.clone()))?;
        let available = published.engine.entrypoints();
        let wanted = if path.is_empty() {
            available.first().map_or("", String::as_str)
        } else {
            path
        };
        let entrypoint = published
            .engine
            .entrypoint(wanted)
            .ok_or_else(|| PolicyError::NoEntrypoint {
                path: path.to_owned(),
                available: available.clone(),
            })?;
        let mut env = self.env();
        env.limits.max_statements = MAX_STATEMENTS;
        let decision_id = Builder::from_random_bytes(random_bytes(&*self.shared.entropy)).into_uuid();

        let engine = Arc::clone(&published);
        let evaluation = move || engine.engine.evaluate(entrypoint, input.as_ref(), &env);
        let result = self.shared.evaluating.run(evaluation).await??;
        // Read as a sidecar reads it, so that both say the same; a result of no known form denies.
        let answer = PolicyResult::from_value(result.as_ref());
        Ok(Decided {
            allowed: answer.as_ref().is_ok_and(PolicyResult::is_allowed),
            ill_formed: answer.err(),
            result,
            decision_id: decision_id.to_string(),
            revision: published.revision().to_owned(),
        })
    }

    /// What is served now.
    pub fn catalog(&self) -> Catalog {
        self.shared.catalog.borrow().clone()
    }

    /// Follows what is served: the newest only, never a backlog.
    pub fn watch(&self) -> watch::Receiver<Catalog> {
        self.shared.catalog.subscribe()
    }

    fn serve(&self, published: Arc<Published>) {
        self.shared
            .catalog
            .send_modify(|catalog| *catalog = catalog.with(published));
    }

    /// Now, with a new seed, and within limits.
    fn env(&self) -> Env {
        let mut env = Env::new(
            self.shared.clock.unix_nanos(),
            random_bytes(&*self.shared.entropy),
        );
        env.limits.max_memory = MAX_MEMORY;
        env
    }

    /// The bundle with a plan, where it must be compiled; `None` where it runs as it came.
    async fn compiled(
        &self,
        name: &BundleName,
        archive: &Bytes,
        asked: &[String],
    ) -> Result<Option<Bytes>, PolicyError> {
        let refused = |reason| PolicyError::Refused {
            name: name.clone(),
            reason,
        };
        let (files, has_sequence, why) = match self.look(name, archive, asked).await? {
            Looked::Runs => return Ok(None),
            Looked::ToCompile {
                files,
                has_sequence,
                why,
            } => (files, has_sequence, why),
        };
        let compiler = match &self.shared.compiler {
            Some(Ok(compiler)) => compiler,
            Some(Err(why)) => return Err(PolicyError::Compiler(why.clone())),
            None => {
                let entrypoints = asked.to_vec();
                return Err(refused(Refused::NoCompiler { why, entrypoints }));
            }
        };
        let sequence = if has_sequence {
            None
        } else {
            Some(self.next_sequence(name).await?)
        };
        let compiled = compiler.compile(archive, files, asked, sequence).await;
        let compiled = compiled.map_err(|error| match error {
            NotCompiled::Refused(reason) => refused(reason),
            NotCompiled::Unavailable(why) => PolicyError::Compiler(why),
        })?;
        // As sidecars will.
        let compiled = Bytes::from(compiled);
        match self.look(name, &compiled, asked).await? {
            Looked::Runs => Ok(Some(compiled)),
            Looked::ToCompile { why, .. } => Err(refused(Refused::Rego(why))),
        }
    }

    async fn look(
        &self,
        name: &BundleName,
        archive: &Bytes,
        asked: &[String],
    ) -> Result<Looked, PolicyError> {
        let (name, archive, asked) = (name.clone(), archive.clone(), asked.to_vec());
        let (verification, env) = (self.shared.settings.verification.clone(), self.env());
        blocking(move || {
            acceptance::look(&name, &archive, &verification, &asked, &env)
                .map_err(|reason| PolicyError::Refused { name, reason })
        })
        .await?
    }

    /// The sequence that the control plane gives a bundle that it signs: the time, or more where that isn't enough.
    async fn next_sequence(&self, name: &BundleName) -> Result<u64, PolicyError> {
        let highest = repository::highest_sequence(&self.shared.database, name.as_str()).await?;
        let now = u64::try_from(self.shared.clock.unix_nanos() / 1_000_000).unwrap_or_default();
        Ok(highest.map_or(now, |highest| now.max(highest.saturating_add(1))))
    }

    async fn verify(
        &self,
        name: BundleName,
        archive: Bytes,
        published_at: i64,
    ) -> Result<Published, PolicyError> {
        let verification = self.shared.settings.verification.clone();
        // With the limits that sidecars have.
        let env = self.env();
        blocking(move || {
            Published::verify(name.clone(), archive, &verification, published_at, &env)
                .map_err(|reason| PolicyError::Refused { name, reason })
        })
        .await?
    }
}

#[cfg(test)]
pub(crate) mod tests;

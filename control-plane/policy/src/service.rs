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

use crate::bounded::{Bounded, Interrupted, blocking};
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
        let shared = Shared {
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
                    Ok(published) => {
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

    /// Verifies, loads, stores and serves a bundle. The same archive once more changes nothing. Once its turn has come
    /// it goes on to the end, whether or not the caller still waits: nothing is stored that isn't served.
    ///
    /// # Errors
    /// [`PolicyError::Refused`], [`PolicyError::TooMany`], [`PolicyError::Store`]; the one before keeps serving.
    pub async fn publish(&self, name: BundleName, archive: Bytes) -> Result<Arc<Published>, PolicyError> {
        let turn = Arc::clone(&self.shared.publishing).lock_owned().await;
        let policies = self.clone();
        let publication = async move {
            let _turn = turn;
            policies.publish_in_turn(name, archive).await
        };
        tokio::spawn(publication.in_current_span())
            .await
            .map_err(|_| Interrupted)?
    }

    async fn publish_in_turn(&self, name: BundleName, archive: Bytes) -> Result<Arc<Published>, PolicyError> {
        let catalog = self.catalog();
        if catalog.bundle(&name).is_none() && catalog.bundles().len() >= MAX_BUNDLES {
            return Err(PolicyError::TooMany);
        }
        let published = self
            .verify(name.clone(), archive, self.shared.clock.unix_seconds())
            .await?;
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

//! The bundle of `discovery`: asked for as others are; what is in it is somebody else's business (OPA's
//! `v1/plugins/discovery`, `processUpdate`).

use std::path::PathBuf;
use std::sync::Arc;

use postern_opa_config::{Discovery, Keys};
use postern_policy::activation::Verified;
use postern_policy::{Deltas, Limits, Verification};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::download::{Answer, ask};
use super::polling::Polling;
use super::problem::Problem;
use super::{MAX_ARCHIVE_BYTES, MAX_INFLATED_BYTES, kept};
use crate::clock;
use crate::opa::service::Service;
use crate::opa::status::{BundleError, BundleStatus, OpaStatus};
use crate::opa::verification;
use crate::random::Randomness;
use crate::sync::{ActivationError, verified};

/// The name under which the status has it.
pub(in crate::opa) const DISCOVERY: &str = "discovery";

/// Why a configuration doesn't come into force.
#[derive(Debug)]
pub(in crate::opa) enum NotApplied {
    /// Its policy is refused.
    Policy(ActivationError),
    /// Anything else, in words for an operator.
    Other(String),
}

/// What is to be told of a configuration that came into force; empty for nothing.
pub(in crate::opa) type Applied = Result<String, NotApplied>;

/// Asks for the bundle.
pub(in crate::opa) struct Discovered {
    service: Arc<dyn Service>,
    resource: String,
    polling: Polling,
    verification: Verification,
    /// Where it is kept on disk, where it is.
    kept: Option<PathBuf>,
    randomness: Arc<Randomness>,
    /// Why nothing can be compiled here, where that is so.
    missing: Option<String>,
    status: Arc<OpaStatus>,
    told: BundleStatus,
}

impl Discovered {
    /// Nothing was asked yet. `folder` is `persistence_directory`.
    ///
    /// # Errors
    /// When the name that it is kept under leads out of that.
    pub(in crate::opa) fn new(
        discovery: &Discovery,
        keys: &Keys,
        service: Arc<dyn Service>,
        folder: &str,
        randomness: Arc<Randomness>,
        missing: Option<String>,
        status: Arc<OpaStatus>,
    ) -> Result<Self, String> {
        if discovery
            .signing
            .as_ref()
            .is_some_and(|signing| !signing.is_required)
        {
            tracing::warn!(
                "`keys` are configured, and no `discovery.signing`: a signature of the discovery bundle is verified where \
                 there is one, and a bundle without one is taken. Add `discovery.signing` to require one"
            );
        }
        let kept = discovery
            .persist
            .then(|| kept::path(folder.as_ref(), &discovery.kept_as));
        Ok(Self {
            service,
            resource: discovery.resource.clone(),
            polling: Polling::new(&discovery.polling, ""),
            verification: verification::of_bundle(keys, discovery.signing.as_ref()),
            kept: kept.transpose()?,
            randomness,
            missing,
            status,
            told: BundleStatus::named(DISCOVERY),
        })
    }

    /// Has what is kept on disk applied, if anything is.
    pub(in crate::opa) async fn begin_from_disk(&mut self, apply: &mut impl AsyncFnMut(Verified) -> Applied) {
        let Some(path) = self.kept.clone() else {
            return;
        };
        let read = spawn_blocking(move || kept::read(&path, MAX_ARCHIVE_BYTES)).await;
        let archive = match read.map_err(|error| error.to_string()) {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(archive))) => Ok(archive),
            Ok(Err(problem)) | Err(problem) => Err(Problem::Other(problem)),
        };
        let loaded = match archive {
            Ok(archive) => self.verified(archive, "").await,
            Err(problem) => Err(problem),
        };
        let done = match loaded {
            Ok(verified) => self.applied(verified, apply).await,
            Err(problem) => Err(problem),
        };
        match done {
            Ok(revision) => {
                tracing::info!(revision, "the configuration that was kept on disk is in force");
            }
            Err(problem) => {
                let problem_text = problem.text();
                tracing::error!(
                    problem = problem_text,
                    "the discovery bundle on disk can't be used"
                );
                self.told.set_error(Some(problem.told()));
            }
        }
    }

    /// Asks until `stop`, and has what comes applied.
    pub(in crate::opa) async fn run(
        &mut self,
        stop: &CancellationToken,
        apply: &mut impl AsyncFnMut(Verified) -> Applied,
    ) {
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = ask(self.service.as_ref(), &self.resource, &self.polling, MAX_ARCHIVE_BYTES) => asked,
            };
            let now = clock::now().unix_ns;
            self.told.last_request = Some(now);
            let done = match asked.answer {
                Err(problem) => Err(problem),
                Ok(Answer::Unchanged { etag }) => {
                    self.told.last_successful_request = Some(now);
                    self.polling.unchanged(etag.as_deref());
                    self.told.set_error(None);
                    Ok(())
                }
                Ok(Answer::Bundle { archive, etag, holds }) => {
                    self.polling.came(&etag, holds);
                    self.came(archive, &etag, now, apply).await
                }
            };
            let pause = match done {
                Ok(()) => self.polling.pause(&self.randomness),
                Err(problem) => {
                    tracing::error!(
                        problem = problem.text(),
                        "discovery failed; what was in force goes on"
                    );
                    self.told.set_error(Some(problem.told()));
                    // As in OPA it is asked for without a tag then: the last good one, put back, takes the error away.
                    self.polling.fall_back("");
                    self.polling.pause_after_failure(&self.randomness)
                }
            };
            self.status.discovery(self.told.clone());
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    async fn came(
        &mut self,
        archive: Vec<u8>,
        etag: &str,
        now: i64,
        apply: &mut impl AsyncFnMut(Verified) -> Applied,
    ) -> Result<(), Problem> {
        let size = archive.len() as u64;
        let kept = self.kept.clone().map(|path| (path, archive.clone()));
        let verified = self.verified(archive, etag).await?;
        self.told.last_successful_request = Some(now);
        self.told.last_successful_download = Some(now);
        verified.kind().clone_into(&mut self.told.kind);
        self.told.size = size;
        let revision = self.applied(verified, apply).await?;
        if let Some((path, archive)) = kept {
            let written = spawn_blocking(move || kept::write(&path, &archive)).await;
            let written = written.map_err(|error| Problem::Other(error.to_string()))?;
            written.map_err(Problem::Other)?;
        }
        tracing::info!(
            revision,
            etag,
            "the configuration that was discovered is in force"
        );
        Ok(())
    }

    async fn verified(&self, archive: Vec<u8>, etag: &str) -> Result<Verified, Problem> {
        let limits = Limits {
            archive_bytes: MAX_ARCHIVE_BYTES,
            inflated_bytes: MAX_INFLATED_BYTES,
            file_bytes: MAX_INFLATED_BYTES,
            ..Limits::default()
        };
        let deltas = Deltas {
            is_kept: self.kept.is_some(),
        };
        let read = verified(archive, DISCOVERY, etag, &self.verification, limits, Some(deltas)).await;
        read.map_err(|error| Problem::of(error, &self.missing))
    }

    /// Has it applied; gives its revision.
    async fn applied(
        &mut self,
        verified: Verified,
        apply: &mut impl AsyncFnMut(Verified) -> Applied,
    ) -> Result<String, Problem> {
        let revision = verified.revision().to_owned();
        // As in OPA, which looks at no patch here: a delta is a bundle with nothing in it.
        let message = apply(verified.without_patch())
            .await
            .map_err(|problem| match problem {
                NotApplied::Policy(error) => Problem::of(error, &self.missing),
                NotApplied::Other(problem) => Problem::Other(problem),
            })?;
        // No error: what is told beside success.
        self.told.set_error(Some(BundleError {
            message,
            ..BundleError::default()
        }));
        self.told.code.clear();
        self.told.last_successful_activation = Some(clock::now().unix_ns);
        self.told.active_revision.clone_from(&revision);
        Ok(revision)
    }
}

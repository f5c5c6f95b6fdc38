//! Keeps the snapshot fresh behind the checks' back: pulls keys and policy, verifies, swaps, keeps the last good on disk;
//! follows the control plane's stream of revocations, API keys and hints that something changed. A task for each source;
//! none waits for another, and no check for any.

mod activation;
mod behind;
mod bundle;
mod candidate;
mod fetch;
mod keeper;
mod keys;
mod lists;
mod nonce_keys;
mod pulled;
mod sequence;
mod sources;
mod stream;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use activation::{Activation, ActivationError, PolicySet, Requirements, verified};
pub(crate) use bundle::{BundlePlan, LONG_POLLING, put_into_force};
pub(crate) use candidate::CandidatePlan;
pub(crate) use fetch::{FetchError, body_of, client, file_of, read_credential};
pub(crate) use keys::{KeysPlan, KeysSource};
pub(crate) use nonce_keys::NonceKeySource;
pub(crate) use sources::{PrepareError, Prepared, Sources};
pub(crate) use stream::StreamPlan;

use crate::candidate::Candidates;
use crate::disk::{DataFolder, Record};
use crate::opa::Runtime;
use crate::published::Published;
use crate::random::Randomness;
use crate::status::Status;

/// What all pullers share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) published: Arc<Published>,
    pub(crate) status: Arc<Status>,
    pub(crate) disk: DataFolder,
    pub(crate) randomness: Arc<Randomness>,
    pub(crate) nonce_keys: NonceKeySource,
    pub(crate) runtime: Runtime,
    pub(crate) candidates: Arc<Candidates>,
}

impl Context {
    /// Says that something on disk isn't used, and why. What is there is left for somebody to look at until something new
    /// takes its place.
    fn drop_kept(&self, what: &str, why: &dyn fmt::Display) {
        tracing::warn!(what, error = %why, "what was kept on disk is not used");
        self.status
            .change(|state| state.dropped.push(format!("{what}: {why}")));
    }

    /// Writes a record away from this runtime, so that a slow disk holds nobody up. A disk that refuses costs the next
    /// restart its independence, not this process its state.
    /// Returns whether it is on disk now.
    async fn keep(&self, record: Record, path: PathBuf) -> bool {
        let subject = record.subject.clone();
        let written = tokio::task::spawn_blocking(move || record.write(&path)).await;
        let problem = match written {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(
            subject,
            problem,
            "the last good state could not be written to disk"
        );
        false
    }
}

/// The longest wait after `failures` in a row: 1 s, doubled each time, 64 s at most.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6))
}

#[cfg(test)]
mod testing {
    //! What tests of the pullers begin with.

    use postern_decide::{Issuers, Revocations, Snapshot};

    use super::*;
    use crate::config::Config;
    use crate::status::State;

    /// Nothing in force yet, on the disk of this configuration.
    pub(super) fn context(config: &Config) -> Arc<Context> {
        let snapshot = Snapshot::initial(
            config.settings.clone(),
            Arc::clone(&config.routes),
            Issuers::default(),
            Revocations::without_stream(),
        );
        Arc::new(Context {
            published: Arc::new(Published::new(snapshot)),
            status: Arc::new(Status::new(State::default())),
            disk: DataFolder::open(&config.data_dir).unwrap(),
            randomness: Arc::new(Randomness::from_system().unwrap()),
            nonce_keys: NonceKeySource::default(),
            runtime: Runtime::default(),
            candidates: Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        assert_eq!(
            [1, 2, 3, 7, 8, u32::MAX].map(|failures| backoff(failures).as_secs()),
            [1, 2, 4, 64, 64, 64]
        );
    }
}

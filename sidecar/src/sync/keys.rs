//! Keeps one issuer's keys fresh: pulled in the background, swapped in whole, kept on disk. A failure keeps the last good
//! set. Never on a check's way.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use postern_decide::{IssuerRules, TrustedIssuer};
use postern_jose::{JwkSet, JwkSetError, KeySet, MAX_JWKS_BYTES, UnixTime};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::fetch::{Answer, FetchError, Fetcher};
use super::{Context, backoff};
use crate::clock;
use crate::disk::Record;
use crate::metrics::JWKS_FETCHES;
use crate::refetch::Wake;

/// How long a whole fetch of keys may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How one issuer's keys are kept fresh.
#[derive(Debug, Clone)]
pub(crate) struct KeysPlan {
    /// What is asked of its tokens.
    pub(crate) rules: Arc<IssuerRules>,
    /// Between two pulls when nothing else happens.
    pub(crate) refresh: Duration,
    /// Between two pulls that unknown keys cause.
    pub(crate) cooldown: Duration,
}

/// Keeps one issuer's keys fresh.
pub(crate) struct KeysPuller {
    context: Arc<Context>,
    plan: KeysPlan,
    fetcher: Fetcher,
    wake: Arc<Wake>,
    /// Tag and bytes of the set in force.
    current: Option<(Option<String>, Vec<u8>)>,
}

#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url}: {error}")]
    KeySet { url: String, error: JwkSetError },
}

impl KeysPuller {
    pub(crate) fn new(context: Arc<Context>, plan: KeysPlan, fetcher: Fetcher, wake: Arc<Wake>) -> Self {
        Self {
            context,
            plan,
            fetcher,
            wake,
            current: None,
        }
    }

    /// Puts the last good set from disk into force, if there is one.
    pub(crate) fn load_from_disk(&mut self) {
        let issuer = self.plan.rules.expectations.issuer.clone();
        let path = self.context.disk.keys(&issuer);
        match Record::read(&path, &issuer, self.fetcher.url(), MAX_JWKS_BYTES as u64) {
            Ok(None) => {}
            Ok(Some(record)) => match JwkSet::parse(&record.content) {
                Ok(set) => self.put_into_force(&set, record.etag, record.content, record.fetched_at, true),
                Err(error) => tracing::warn!(issuer, %error, "the keys on disk are not used"),
            },
            Err(error) => tracing::warn!(issuer, %error, "the keys on disk are not used"),
        }
    }

    /// Pulls until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut due = Instant::now();
        let mut not_before = due;
        let mut failures = 0u32;
        let wake = Arc::clone(&self.wake);
        loop {
            let unknown_key = async {
                wake.unknown_key.notified().await;
                sleep_until(not_before).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(due) => {}
                () = wake.hinted.notified() => {}
                () = unknown_key => {}
            }
            not_before = Instant::now() + self.plan.cooldown;
            let pulled = tokio::select! {
                () = stop.cancelled() => return,
                pulled = self.pull() => pulled,
            };
            let issuer = self.plan.rules.expectations.issuer.as_str();
            let outcome = match pulled {
                Ok(outcome) => {
                    failures = 0;
                    due = Instant::now() + self.context.randomness.jittered(self.plan.refresh);
                    outcome
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    due = Instant::now()
                        + self
                            .context
                            .randomness
                            .backoff(backoff(failures).min(self.plan.refresh));
                    tracing::warn!(issuer, %error, "keys could not be fetched; those in force, if any, stay");
                    self.context
                        .status
                        .change_issuer(issuer, |state| state.error = Some(error.to_string()));
                    "failed"
                }
            };
            counter!(JWKS_FETCHES, "issuer" => issuer.to_owned(), "outcome" => outcome).increment(1);
        }
    }

    async fn pull(&mut self) -> Result<&'static str, PullError> {
        let etag = self.current.as_ref().and_then(|(etag, _)| etag.as_deref());
        let changed = match self.fetcher.ask(etag, DEADLINE, |request| request).await? {
            Answer::Unchanged => {
                self.confirm();
                return Ok("unchanged");
            }
            Answer::Changed(changed) => changed,
        };
        let etag = changed.etag.clone();
        let body = changed.body(MAX_JWKS_BYTES, DEADLINE).await?;
        if let Some((tag, bytes)) = &mut self.current
            && *bytes == body
        {
            *tag = etag;
            self.confirm();
            return Ok("unchanged");
        }
        let set = JwkSet::parse(&body).map_err(|error| PullError::KeySet {
            url: self.fetcher.url().to_owned(),
            error,
        })?;
        let now = clock::now().seconds().0;
        self.put_into_force(&set, etag.clone(), body.clone(), now, false);
        self.keep(etag, body, now).await;
        Ok("changed")
    }

    fn put_into_force(
        &mut self,
        set: &JwkSet,
        etag: Option<String>,
        bytes: Vec<u8>,
        fetched_at: i64,
        from_disk: bool,
    ) {
        let issuer = self.plan.rules.expectations.issuer.as_str();
        for skipped in set.skipped() {
            tracing::warn!(issuer, kid = skipped.key_id, reason = %skipped.reason, "a published key can't be used");
        }
        let keys = KeySet::from_jwks(set);
        let count = keys.len();
        let rules = Arc::clone(&self.plan.rules);
        let trusted = TrustedIssuer::with_keys(rules, Arc::new(keys), UnixTime(fetched_at));
        self.context.published.swap_issuer(&Arc::new(trusted));
        self.context.status.change_issuer(issuer, |state| {
            state.keys = count;
            state.fetched_at = Some(fetched_at);
            state.from_disk = from_disk;
            state.error = None;
        });
        tracing::info!(issuer, keys = count, from_disk, "keys are in force");
        self.current = Some((etag, bytes));
    }

    fn confirm(&self) {
        let issuer = self.plan.rules.expectations.issuer.as_str();
        let now = clock::now().seconds();
        self.context.published.confirm_issuer(issuer, now);
        self.context.status.change_issuer(issuer, |state| {
            state.fetched_at = Some(now.0);
            state.from_disk = false;
            state.error = None;
        });
    }

    /// Writes the set to disk.
    async fn keep(&self, etag: Option<String>, content: Vec<u8>, fetched_at: i64) {
        let issuer = self.plan.rules.expectations.issuer.clone();
        let path = self.context.disk.keys(&issuer);
        let record = Record {
            subject: issuer,
            source: self.fetcher.url().to_owned(),
            etag,
            fetched_at,
            content,
        };
        self.context.keep(record, path).await;
    }
}

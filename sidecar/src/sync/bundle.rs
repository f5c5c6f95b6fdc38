//! Keeps the policy fresh over OPA's bundle API: conditional, long-polling GETs (`Prefer: wait=…`), each new bundle
//! activated or refused as a whole. A refused one leaves the last good one serving and isn't fetched again until the
//! server has another. Never on a check's way.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use metrics::counter;
use postern_decide::ActivePolicy;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::activation::{Activation, ActivationError, PolicySet, Requirements};
use super::behind::behind;
use super::fetch::{Answer, FetchError, Fetcher};
use super::pulled::{Loaded, PullError, Role};
use super::{Context, backoff, sequence};
use crate::clock;
use crate::disk::Record;
use crate::metrics::BUNDLE_PULLS;
use crate::status::{BundleState, CacheState};

/// How long a server may take to begin its answer, beyond the long poll that it was asked for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a bundle may take to come once it has begun.
const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// Between two pulls whatever a server says: one that answers at once for ever must not keep a core busy.
const FLOOR: Duration = Duration::from_millis(100);
/// Media type by which OPA's servers say that they support long polling.
pub(crate) const LONG_POLLING: &str = "application/vnd.openpolicyagent.bundles";
/// How long a replaced policy is kept, so that it is let go of here and not by the last check that used it.
const LINGER: Duration = Duration::from_secs(2);

/// How the policy is kept fresh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BundlePlan {
    /// The bundle's name.
    pub(crate) name: String,
    /// What a bundle must be to be activated.
    pub(crate) requirements: Requirements,
    /// Between two pulls from a server without long polling.
    pub(crate) poll: Duration,
    /// How long a server is asked to hold a request.
    pub(crate) long_poll: Duration,
}

/// Keeps the policy fresh.
pub(crate) struct BundlePuller {
    context: Arc<Context>,
    plan: BundlePlan,
    role: Role,
    set: PolicySet,
    fetcher: Fetcher,
    hinted: Arc<Notify>,
    /// The tag of what was last seen, accepted or refused.
    seen: Option<String>,
    /// SHA-256 of the archive that passed last, where none was refused since. Of a server without tags it is the only way to
    /// tell that nothing changed.
    passed: Option<[u8; 32]>,
    /// Whether the server held the last request that it was asked to hold; `None` until it was asked.
    long_polling: Option<bool>,
}

impl BundlePuller {
    pub(crate) fn new(
        context: Arc<Context>,
        plan: BundlePlan,
        role: Role,
        fetcher: Fetcher,
        hinted: Arc<Notify>,
    ) -> Self {
        Self {
            set: PolicySet::of_one_bundle(
                Arc::clone(&context),
                &plan.requirements,
                sequence::kept(&context, &plan.name),
            ),
            context,
            plan,
            role,
            fetcher,
            hinted,
            seen: None,
            passed: None,
            long_polling: None,
        }
    }

    /// The last good bundle from disk, if there is one, activated; it is verified like any other.
    pub(crate) async fn load_from_disk(&mut self) -> Option<Loaded> {
        let name = self.plan.name.clone();
        let path = self.context.disk.bundle(&name);
        let limit = self.plan.requirements.limits.archive_bytes as u64;
        match Record::read(&path, &name, self.fetcher.url(), limit) {
            Ok(None) => {}
            Ok(Some(record)) => match self
                .activated(record.content.clone(), record.etag.as_deref())
                .await
            {
                Ok(activation) => {
                    self.passed = Some(sha256(&record.content));
                    self.seen.clone_from(&record.etag);
                    return Some(Loaded {
                        activation,
                        etag: record.etag,
                        from_disk: true,
                    });
                }
                Err(error) => self.context.drop_kept(&format!("bundle {name}"), &error),
            },
            Err(error) => self.context.drop_kept(&format!("bundle {name}"), &error),
        }
        None
    }

    /// The bundle that the server has now, activated, kept and not in force yet.
    ///
    /// # Errors
    /// When it can't be had, or isn't one that may be activated.
    pub(crate) async fn fetch(&mut self) -> Result<Loaded, PullError> {
        let answer = self.ask(false).await?;
        let (loaded, archive) = self.take(answer).await?.ok_or(PullError::Nothing)?;
        self.keep(loaded.etag.clone(), archive).await;
        Ok(loaded)
    }

    /// Pulls until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0u32;
        // Whether the next request may be held by the server; the first one, and one after a hint, may not.
        let mut hold = false;
        loop {
            let asked_at = Instant::now();
            let floor = asked_at + FLOOR;
            let hinted = Arc::clone(&self.hinted);
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                () = hinted.notified(), if hold => { hold = false; continue }
                asked = self.ask(hold) => asked,
            };
            if let (true, Ok(answer)) = (hold, &asked) {
                self.long_polling = Some(self.was_held(answer, asked_at.elapsed()));
            }
            let pulled = match asked {
                Ok(answer) => tokio::select! {
                    () = stop.cancelled() => return,
                    taken = self.take(answer) => taken,
                },
                Err(error) => Err(error.into()),
            };
            let pulled = match pulled {
                Ok(Some((loaded, archive))) => {
                    self.put_into_force(&loaded);
                    self.keep(loaded.etag, archive).await;
                    Ok("activated")
                }
                Ok(None) => Ok("unchanged"),
                Err(error) => Err(error),
            };
            let (outcome, pause) = self.settle(pulled, &mut failures);
            counter!(BUNDLE_PULLS, "bundle" => self.plan.name.clone(), "outcome" => outcome).increment(1);
            // Also after a pause: a server that once let go early (it was restarted, say) may hold the next request.
            hold = true;
            let until = pause.map_or(floor, |pause| Instant::now() + pause);
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(until) => {}
                () = self.hinted.notified() => hold = false,
            }
        }
    }

    /// Asks for another bundle than the one seen last.
    async fn ask(&self, hold: bool) -> Result<Answer, FetchError> {
        let wait = if hold { self.plan.long_poll } else { Duration::ZERO };
        let prefer = format!("modes=snapshot;wait={}", wait.as_secs());
        self.fetcher
            .ask(self.seen.as_deref(), wait + ANSWER_DEADLINE, |request| {
                if hold {
                    request.header("prefer", prefer)
                } else {
                    request
                }
            })
            .await
    }

    /// Whether a server that was asked to hold the request does so. Only then do servers say it: a request without
    /// `Prefer` is answered like any other.
    fn was_held(&self, answer: &Answer, took: Duration) -> bool {
        match answer {
            Answer::Changed(changed) => changed.content_type.as_deref() == Some(LONG_POLLING),
            // Whatever it says: one that answers "unchanged" at once would be asked in a circle.
            Answer::Unchanged { .. } => took >= self.plan.long_poll / 2,
        }
    }

    /// Takes the answer in: activates what came. `None` when nothing did.
    async fn take(&mut self, answer: Answer) -> Result<Option<(Loaded, Vec<u8>)>, PullError> {
        let changed = match answer {
            Answer::Unchanged { .. } => return Ok(None),
            Answer::Changed(changed) => changed,
        };
        let etag = changed.etag.clone();
        let limit = self.plan.requirements.limits.archive_bytes;
        let body = changed.body(limit, BODY_DEADLINE).await;
        if !matches!(
            body,
            Err(FetchError::Transport { .. } | FetchError::Deadline { .. })
        ) {
            // Seen is seen, also if it is refused or too large: it isn't fetched again before the server has another.
            self.seen.clone_from(&etag);
        }
        let archive = body?;
        let digest = sha256(&archive);
        if self.passed == Some(digest) {
            return Ok(None);
        }
        // Until it has passed: what was before comes back into force by being activated again, which ends a refusal.
        self.passed = None;
        let activation = match self.activated(archive.clone(), etag.as_deref()).await {
            Ok(activation) => activation,
            Err(error) => {
                if !error.is_refusal() {
                    // The same may pass next time: it is to be fetched again.
                    self.seen = None;
                }
                return Err(error.into());
            }
        };
        self.passed = Some(digest);
        let loaded = Loaded {
            activation,
            etag,
            from_disk: false,
        };
        Ok(Some((loaded, archive)))
    }

    /// Activates it: what serves meanwhile isn't touched.
    async fn activated(&self, archive: Vec<u8>, etag: Option<&str>) -> Result<Activation, ActivationError> {
        let Self { set, plan, .. } = self;
        set.activate(
            archive,
            &plan.name,
            etag.unwrap_or_default(),
            &plan.requirements,
            &|_| {},
        )
        .await
    }

    /// Has it do what policies from here do.
    pub(super) fn put_into_force(&self, loaded: &Loaded) {
        match self.role {
            Role::InForce => put_into_force(&self.context, loaded.policy()),
            Role::Candidate { per_million } => {
                let put = self.context.candidates.put(loaded.policy(), per_million);
                if let Err(error) = put {
                    return self.change_state(|state| {
                        state.error = Some(format!("the system has no thread to evaluate it on: {error}"));
                        state.error_at = Some(clock::now().seconds().0);
                    });
                }
            }
        }
        self.tell(loaded);
    }

    fn change_state(&self, change: impl FnOnce(&mut BundleState)) {
        match self.role {
            Role::InForce => self.context.status.change_bundle(change),
            Role::Candidate { .. } => self.context.status.change_candidate(change),
        }
    }

    /// Says that it is in force.
    pub(crate) fn tell(&self, loaded: &Loaded) {
        let Loaded {
            activation,
            etag,
            from_disk,
        } = loaded;
        let revision = activation.policy.revision().to_string();
        let engine = activation.policy.engine_kind();
        let said = match self.role {
            Role::InForce => "policy is in force",
            Role::Candidate { .. } => "a candidate policy is put beside the one in force",
        };
        tracing::info!(bundle = self.plan.name, revision, engine, from_disk, "{said}");
        self.change_state(|state| {
            *state = BundleState {
                name: self.plan.name.clone(),
                revision: Some(revision),
                sequence: activation.bundles.first().and_then(|bundle| bundle.sequence),
                etag: etag.clone(),
                engine: Some(engine),
                entrypoints: activation.entrypoints.clone(),
                cache: Some(CacheState::of(&activation.policy)),
                activated_at: Some(clock::now().seconds().0),
                from_disk: *from_disk,
                decides: state.decides,
                ..Default::default()
            };
        });
    }

    /// Notes what came of a pull. Returns its name for the metric, and how long to pause; `None` is "ask again at once,
    /// and let the server hold the request".
    fn settle(
        &self,
        pulled: Result<&'static str, PullError>,
        failures: &mut u32,
    ) -> (&'static str, Option<Duration>) {
        let held = self.long_polling.unwrap_or(true);
        let regular = || self.context.randomness.jittered(self.plan.poll);
        match pulled {
            Ok(outcome) => {
                *failures = 0;
                self.change_state(|state| {
                    // A refusal stays until another bundle comes; a failed fetch is over.
                    if !state.refused {
                        state.error = None;
                        state.error_at = None;
                        state.from_disk = false;
                    }
                });
                (outcome, (!held).then(regular))
            }
            Err(error) => {
                let refused = error.is_refusal();
                tracing::warn!(bundle = self.plan.name, %error, step = error.step(), refused, "no new policy; the one in force, if any, stays");
                self.change_state(|state| {
                    if refused || !state.refused {
                        state.error = Some(error.to_string());
                        state.error_at = Some(clock::now().seconds().0);
                        state.refused = refused;
                    }
                });
                if refused && self.seen.is_some() {
                    *failures = 0;
                    return ("refused", (!held).then(regular));
                }
                *failures = failures.saturating_add(1);
                let pause = self
                    .context
                    .randomness
                    .backoff(backoff(*failures).min(self.plan.poll));
                (if refused { "refused" } else { "failed" }, Some(pause))
            }
        }
    }

    async fn keep(&self, etag: Option<String>, content: Vec<u8>) {
        let name = self.plan.name.clone();
        let path = self.context.disk.bundle(&name);
        let fetched_at = clock::now().seconds().0;
        let record = Record {
            subject: name,
            source: self.fetcher.url().to_owned(),
            etag,
            fetched_at,
            content,
        };
        // Only then its sequence: a bundle on disk that is older than what is written here would not be loaded.
        if self.context.keep(record, path).await
            && let Some(highest) = self.set.highest_sequence()
        {
            sequence::keep(&self.context, &self.plan.name, highest).await;
        }
    }
}

/// Has a policy decide from now on.
pub(crate) fn put_into_force(context: &Context, policy: &Arc<ActivePolicy>) {
    let replaced = context.published.swap_policy(policy);
    tokio::spawn(async move {
        sleep(LINGER).await;
        drop(behind(move || drop(replaced)));
    });
}

fn sha256(archive: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // SHA-256 gives exactly that many bytes.
    hash.copy_from_slice(digest(&SHA256, archive).as_ref());
    hash
}

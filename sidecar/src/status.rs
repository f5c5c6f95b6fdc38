//! What this sidecar says about itself: what it has, where from, what went wrong last. Written by sync, read by admin;
//! checks never touch it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_decide::{ActivePolicy, TrustedIssuer};
use serde::Serialize;

/// The state that /snapshot and /readyz show.
#[derive(Debug)]
pub(crate) struct Status(Mutex<State>);

/// All of it at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The issuers in the order of the configuration.
    pub(crate) issuers: Vec<IssuerState>,
    /// The bundle; `None` where no route asks a policy.
    pub(crate) bundle: Option<BundleState>,
    /// The bundle of the candidate; `None` where none is configured.
    pub(crate) candidate: Option<BundleState>,
    /// The stream of hints; `None` where none is configured.
    pub(crate) control_plane: Option<ControlPlaneState>,
    /// The configuration.
    pub(crate) config: ConfigState,
    /// What on disk was damaged or too old, and isn't used: what and why, since the process began.
    pub(crate) dropped: Vec<String>,
    /// Whether every listener is bound.
    pub(crate) listening: bool,
    /// Whether the process is about to end.
    pub(crate) draining: bool,
}

/// An issuer's keys.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct IssuerState {
    /// `iss`.
    pub(crate) issuer: String,
    /// How many keys are in force.
    pub(crate) keys: usize,
    /// When the set was last fetched or confirmed, in seconds since the epoch; `null` if never.
    pub(crate) fetched_at: Option<i64>,
    /// Whether the set in force was read from disk and has not been confirmed since.
    pub(crate) from_disk: bool,
    /// Why the last fetch failed, if it did.
    pub(crate) error: Option<String>,
}

/// The policy bundle.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct BundleState {
    /// Its name.
    pub(crate) name: String,
    /// The revision in force; `null` while there is none.
    pub(crate) revision: Option<String>,
    /// Its sequence, by which its signer orders bundles; `null` where it has none or isn't signed.
    pub(crate) sequence: Option<u64>,
    /// The tag of the one in force.
    pub(crate) etag: Option<String>,
    /// What runs it: `plan`, or `wasm` for a bundle with nothing but `policy.wasm`; `null` while there is none.
    pub(crate) engine: Option<&'static str>,
    /// What the policy in force can be asked.
    pub(crate) entrypoints: Vec<String>,
    /// Whether what it answers is remembered; `null` while there is none.
    pub(crate) cache: Option<CacheState>,
    /// When it was activated, in seconds since the epoch.
    pub(crate) activated_at: Option<i64>,
    /// Whether the one in force was read from disk and has not been confirmed since.
    pub(crate) from_disk: bool,
    /// Why the newest bundle was refused or could not be had.
    pub(crate) error: Option<String>,
    /// When that was, in seconds since the epoch.
    pub(crate) error_at: Option<i64>,
    /// Whether a route lets it decide: then nothing is ready without it.
    #[serde(skip)]
    pub(crate) decides: bool,
    /// Whether `error` is a refusal, which stays until another bundle comes.
    #[serde(skip)]
    pub(crate) refused: bool,
}

/// Whether a policy's answers are remembered.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CacheState {
    /// `on`; `where_stated`, where only answers are that say for how long; or `off`.
    pub(crate) answers: &'static str,
    /// Why not all are; `null` when they are.
    pub(crate) why: Option<String>,
}

impl CacheState {
    pub(crate) fn of(policy: &ActivePolicy) -> Self {
        let usage = policy.cache_use();
        Self {
            answers: usage.as_str(),
            why: usage.why().map(str::to_owned),
        }
    }
}

/// The stream from the control plane, and the lists that come on it.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ControlPlaneState {
    /// Whether the stream is up.
    pub(crate) connected: bool,
    /// Why it isn't.
    pub(crate) error: Option<String>,
    /// How many revocations are known.
    pub(crate) revocations: usize,
    /// How many API keys are known.
    pub(crate) api_keys: usize,
    /// The last change that is in; `null` while that isn't known.
    pub(crate) sequence: Option<u64>,
    /// When it was last heard that the lists are complete, in seconds since the epoch; `null` if never.
    pub(crate) heard_at: Option<i64>,
    /// Whether readiness needn't wait for the lists any longer: they are known, or can't be had soon.
    #[serde(skip)]
    pub(crate) settled: bool,
}

/// The configuration.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ConfigState {
    /// The one in force as its file has it, comments and defaults left out.
    #[serde(skip)]
    pub(crate) written: Arc<serde_json::Value>,
    /// When the one in force was read, in seconds since the epoch.
    pub(crate) loaded_at: i64,
    /// Why the file as it is now is not in force; `null` when it is.
    pub(crate) error: Option<String>,
    /// When that was found, in seconds since the epoch.
    pub(crate) error_at: Option<i64>,
}

impl IssuerState {
    /// What is said of an issuer whose keys have just come into force.
    pub(crate) fn of(issuer: &TrustedIssuer, from_disk: bool) -> Self {
        Self {
            issuer: issuer.name().to_string(),
            keys: issuer.keys().map_or(0, |keys| keys.len()),
            fetched_at: issuer.fetched_at().map(|at| at.0),
            from_disk,
            error: None,
        }
    }
}

impl Status {
    /// Begins with nothing loaded.
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// A copy of all of it.
    pub(crate) fn read(&self) -> State {
        self.lock().clone()
    }

    /// Changes some of it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
    }

    /// Changes what is said about one issuer.
    pub(crate) fn change_issuer(&self, name: &str, change: impl FnOnce(&mut IssuerState)) {
        if let Some(issuer) = self
            .lock()
            .issuers
            .iter_mut()
            .find(|issuer| issuer.issuer == name)
        {
            change(issuer);
        }
    }

    /// Changes what is said about the control plane.
    pub(crate) fn change_control_plane(&self, change: impl FnOnce(&mut ControlPlaneState)) {
        if let Some(control_plane) = &mut self.lock().control_plane {
            change(control_plane);
        }
    }

    /// Changes what is said about the bundle.
    pub(crate) fn change_bundle(&self, change: impl FnOnce(&mut BundleState)) {
        if let Some(bundle) = &mut self.lock().bundle {
            change(bundle);
        }
    }

    /// Changes what is said about the candidate's bundle.
    pub(crate) fn change_candidate(&self, change: impl FnOnce(&mut BundleState)) {
        if let Some(candidate) = &mut self.lock().candidate {
            change(candidate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a few assignments: a panic between two of them leaves words, not decisions, out of step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why this sidecar is not ready; empty when it is. An issuer without keys holds nobody up as long as another has
    /// some: its own tokens are refused with `keys_unavailable`, and /snapshot shows why.
    pub(crate) fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.draining {
            reasons.push("shutting down".to_owned());
        }
        if !self.listening {
            reasons.push("listeners are not bound yet".to_owned());
        }
        // Where no route takes tokens, there may be no issuer.
        if !self.issuers.is_empty() && self.issuers.iter().all(|issuer| issuer.fetched_at.is_none()) {
            let why = self
                .issuers
                .iter()
                .find_map(|issuer| issuer.error.as_deref())
                .unwrap_or("not fetched yet");
            reasons.push(format!("no issuer's keys are loaded: {why}"));
        }
        if let Some(bundle) = self
            .bundle
            .as_ref()
            .filter(|bundle| bundle.decides && bundle.activated_at.is_none())
        {
            let why = bundle.error.as_deref().unwrap_or("not fetched yet");
            reasons.push(format!("no policy is active: bundle `{}`: {why}", bundle.name));
        }
        if self.control_plane.as_ref().is_some_and(|it| !it.settled) {
            reasons
                .push("what is revoked is not known yet: the control plane has a moment to tell".to_owned());
        }
        reasons
    }

    /// What doesn't hold readiness up and is missing all the same: each issuer whose tokens are refused for want of keys,
    /// lists that nobody has told.
    pub(crate) fn degraded(&self) -> Vec<String> {
        let without_keys = self.issuers.iter().filter(|issuer| issuer.fetched_at.is_none());
        let mut reasons: Vec<_> = without_keys
            .map(|issuer| {
                let why = issuer.error.as_deref().unwrap_or("not fetched yet");
                format!("no keys of {}: {why}", issuer.issuer)
            })
            .collect();
        let watched = |bundle: &&BundleState| !bundle.decides && bundle.activated_at.is_none();
        if let Some(bundle) = self.bundle.as_ref().filter(watched) {
            let why = bundle.error.as_deref().unwrap_or("not fetched yet");
            reasons.push(format!("no policy is active: bundle `{}`: {why}", bundle.name));
        }
        if let Some(candidate) = self.candidate.as_ref().filter(|it| it.activated_at.is_none()) {
            let why = candidate.error.as_deref().unwrap_or("not fetched yet");
            reasons.push(format!(
                "no candidate policy is active: bundle `{}`: {why}",
                candidate.name
            ));
        }
        if let Some(control_plane) = self.control_plane.as_ref().filter(|it| it.heard_at.is_none()) {
            let why = control_plane.error.as_deref().unwrap_or("not told yet");
            reasons.push(format!("what is revoked is not known: {why}"));
        }
        if let Some(error) = &self.config.error {
            reasons.push(format!("the configuration in force is not the file's: {error}"));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> State {
        State {
            issuers: vec![
                IssuerState {
                    issuer: "a".to_owned(),
                    fetched_at: Some(1),
                    keys: 1,
                    ..Default::default()
                },
                IssuerState {
                    issuer: "b".to_owned(),
                    error: Some("down".to_owned()),
                    ..Default::default()
                },
            ],
            bundle: Some(BundleState {
                activated_at: Some(1),
                ..Default::default()
            }),
            listening: true,
            ..Default::default()
        }
    }

    #[test]
    fn an_issuer_that_is_down_does_not_hold_the_others_up() {
        assert_eq!(ready().not_ready(), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_configured_holds_nothing_up() {
        let state = State {
            issuers: Vec::new(),
            bundle: None,
            ..ready()
        };
        assert_eq!(state.not_ready(), Vec::<String>::new());
    }

    #[test]
    fn a_policy_that_decides_nothing_holds_nothing_up_and_is_missed() {
        let state = State {
            bundle: Some(BundleState::default()),
            ..ready()
        };
        assert_eq!(state.not_ready(), Vec::<String>::new());
        assert!(
            state
                .degraded()
                .iter()
                .any(|reason| reason.contains("no policy is active"))
        );
    }

    #[test]
    fn each_thing_that_is_missing_is_a_reason() {
        for (state, word) in [
            (
                State {
                    issuers: vec![IssuerState::default()],
                    ..ready()
                },
                "keys",
            ),
            (
                State {
                    bundle: Some(BundleState {
                        decides: true,
                        ..Default::default()
                    }),
                    ..ready()
                },
                "policy",
            ),
            (
                State {
                    listening: false,
                    ..ready()
                },
                "listeners",
            ),
            (
                State {
                    draining: true,
                    ..ready()
                },
                "shutting down",
            ),
        ] {
            let reasons = state.not_ready();
            assert!(reasons.len() == 1 && reasons[0].contains(word), "{reasons:?}");
        }
    }
}

//! The last decisions, in memory: what `postern explain` asks for. A ring of slots, each with a lock of its own that two
//! checks want at the same moment only when the ring has gone round between them. Holds no token, no header and no query.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_decide::{Now, PolicyCache, Record, RequestView};
use postern_telemetry::Code;
use serde::Serialize;

use super::entry::{Entry, Name};
use crate::decision_log::shadow_words;

/// The last decisions of this process.
#[derive(Debug)]
pub(crate) struct Recent {
    slots: Box<[Mutex<Option<Entry>>]>,
    next: AtomicUsize,
}

impl Recent {
    /// Room for `count` decisions; none are kept for 0.
    pub(crate) fn of(count: usize) -> Self {
        Self {
            slots: (0..count).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// How many can be kept.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Keeps one decision in the place of the oldest.
    pub(crate) fn keep(&self, record: &Record, request: &RequestView<'_>, at: Now, took: Duration) {
        if self.slots.is_empty() {
            return;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = self.slots.get(turn % self.slots.len()) else {
            return;
        };
        Entry::put(&mut lock(slot), record, &request.http, at, took);
    }

    /// The decision with this decision id, or the newest of the request with this correlation id.
    pub(crate) fn find(&self, id: &str) -> Option<Kept> {
        self.newest_first()
            .find(|kept| kept.decision_id == id || kept.correlation_id == id)
    }

    /// The newest decisions, at most `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<Kept> {
        self.newest_first().take(count).collect()
    }

    fn newest_first(&self) -> impl Iterator<Item = Kept> + '_ {
        let count = self.slots.len();
        let next = self.next.load(Ordering::Relaxed);
        (1..=count)
            .filter_map(move |back| self.slots.get(next.wrapping_sub(back) % count))
            .filter_map(|slot| lock(slot).as_ref().map(Kept::of))
    }
}

fn lock(slot: &Mutex<Option<Entry>>) -> MutexGuard<'_, Option<Entry>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A decision as admin tells it. Absent is what was not proved, or doesn't apply.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    pub(crate) decision_id: String,
    pub(crate) correlation_id: String,
    trace_id: String,
    /// Milliseconds since the epoch.
    at_unix_ms: i64,
    took_us: f64,
    outcome: &'static str,
    code: Option<&'static str>,
    reason: Option<Cow<'static, str>>,
    /// The stage that settled it; all stages before it were passed.
    stage: &'static str,
    route: Option<String>,
    request: Request,
    caller: Caller,
    policy_revision: Option<String>,
    /// Whether the policy's answer was remembered.
    policy_remembered: bool,
    /// What the policy would have done, on a route in shadow.
    shadow: Option<ShadowShown>,
    revocations_stale: bool,
}

/// What a policy would have done.
#[derive(Debug, Serialize)]
struct ShadowShown {
    outcome: &'static str,
    code: Option<&'static str>,
    reason: Option<Cow<'static, str>>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
struct Request {
    method: String,
    host: String,
    /// Without its query.
    path: String,
}

/// Who asked.
#[derive(Debug, Serialize)]
struct Caller {
    methods: Vec<&'static str>,
    subject: Option<String>,
    client_id: Option<String>,
    issuer: Option<String>,
    api_key_id: Option<String>,
    peer: Option<String>,
    binding: &'static str,
    token_remembered: bool,
}

impl Kept {
    fn of(entry: &Entry) -> Self {
        let text = |name| entry.texts.named(name).map(str::to_owned);
        let facts = &entry.facts;
        Self {
            decision_id: facts.decision_id.to_string(),
            correlation_id: text(Name::CorrelationId).unwrap_or_default(),
            trace_id: facts.trace.trace_id(),
            at_unix_ms: facts.at.unix_ns.div_euclid(1_000_000),
            took_us: facts.took.as_secs_f64() * 1e6,
            outcome: facts.outcome,
            code: facts.code.map(Code::as_str),
            reason: facts.reason.clone(),
            stage: facts.stage.as_str(),
            route: text(Name::Route),
            request: Request {
                method: text(Name::Method).unwrap_or_default(),
                host: text(Name::Host).unwrap_or_default(),
                path: text(Name::Path).unwrap_or_default(),
            },
            caller: Caller {
                methods: facts.methods.names().collect(),
                subject: text(Name::Subject),
                client_id: text(Name::ClientId),
                issuer: text(Name::Issuer),
                api_key_id: text(Name::ApiKeyId),
                peer: text(Name::Peer),
                binding: facts.binding.as_str(),
                token_remembered: facts.token_cached,
            },
            policy_revision: text(Name::PolicyRevision),
            policy_remembered: facts.policy_cache == PolicyCache::Hit,
            shadow: facts.shadow.as_deref().map(|shadow| ShadowShown {
                outcome: shadow_words(shadow),
                code: shadow.code.map(Code::as_str),
                reason: shadow.reason.clone(),
            }),
            revocations_stale: facts.revocations_stale,
        }
    }
}

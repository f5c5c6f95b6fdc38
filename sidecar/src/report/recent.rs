//! The last decisions, in memory: what `postern explain` asks for. A ring of slots, each with a lock of its own that two
//! checks want at the same moment only when the ring has gone round between them. Holds no token, no header and no query.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_decide::{Now, Record, RequestView};
use postern_telemetry::Code;
use serde::Serialize;

use crate::decision_log::without_query;

/// A method, host or path of which more than this was sent is kept cut: a ring of them stays small.
const MAX_TEXT: usize = 512;

/// The last decisions of this process.
#[derive(Debug)]
pub(crate) struct Recent {
    slots: Box<[Mutex<Option<Entry>>]>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    at: Now,
    took: Duration,
    method: String,
    host: String,
    path: String,
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
    pub(crate) fn keep(&self, record: Record, request: &RequestView<'_>, at: Now, took: Duration) {
        if self.slots.is_empty() {
            return;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = self.slots.get(turn % self.slots.len()) else {
            return;
        };
        let http = &request.http;
        let mut slot = lock(slot);
        if let Some(oldest) = slot.as_mut() {
            // What its texts took in memory is used again.
            oldest.record = record;
            oldest.at = at;
            oldest.took = took;
            fill(&mut oldest.method, http.method);
            fill(&mut oldest.host, http.host);
            fill(&mut oldest.path, without_query(http.path));
        } else {
            *slot = Some(Entry {
                record,
                at,
                took,
                method: cut(http.method).to_owned(),
                host: cut(http.host).to_owned(),
                path: cut(without_query(http.path)).to_owned(),
            });
        }
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

fn fill(text: &mut String, with: &str) {
    text.clear();
    text.push_str(cut(with));
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default()
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
    revocations_stale: bool,
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
        let record = &entry.record;
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        Self {
            decision_id: record.decision_id.to_string(),
            correlation_id: record.correlation_id.as_str().to_owned(),
            trace_id: record.trace_id(),
            at_unix_ms: entry.at.unix_ns.div_euclid(1_000_000),
            took_us: entry.took.as_secs_f64() * 1e6,
            outcome: if record.allowed { "allowed" } else { "denied" },
            code: record.code.map(Code::as_str),
            reason: record.reason.clone(),
            stage: record.stage.as_str(),
            route: text(&record.route),
            request: Request {
                method: entry.method.clone(),
                host: entry.host.clone(),
                path: entry.path.clone(),
            },
            caller: Caller {
                methods: record.methods.names().collect(),
                subject: text(&record.subject),
                client_id: text(&record.client_id),
                issuer: text(&record.issuer),
                api_key_id: text(&record.api_key_id),
                peer: record.peer.as_ref().map(ToString::to_string),
                binding: record.binding.as_str(),
                token_remembered: record.token_cached,
            },
            policy_revision: text(&record.policy_revision),
            revocations_stale: record.revocations_stale,
        }
    }
}

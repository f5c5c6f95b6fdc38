//! The log's own thread: makes an event of each decision, asks the mask and drop policies about it, and puts it where it
//! waits to be uploaded.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use postern_decide::opa_envoy::{Failure, calls_of, whole_input};
use postern_policy::Value;
use tokio::sync::Notify;

use super::buffer::Buffer;
use super::counters::{Counter, Counters};
use super::event::{About, Event, as_logged};
use super::judge::{Fate, judge};
use super::rfc3339;
use super::settings::LogSettings;
use super::teller::{Listener, Message, Told};
use crate::clock;
use crate::ext_authz::grpc;
use crate::ext_authz::wire;
use crate::random::Randomness;

/// The heaviest result that is written ([`Value::weight`]): some 64 MiB of text. A policy can make one of a few values that it
/// shares many times, which only grows when it is written.
const MAX_RESULT_WEIGHT: u64 = 1 << 20;

/// What the thread works with.
pub(super) struct Writer {
    pub(super) settings: LogSettings,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) path: String,
    pub(super) query: String,
    /// Where events wait, where they are uploaded anywhere.
    pub(super) buffer: Option<Arc<Mutex<Buffer>>>,
    /// Rung when there is something that could be uploaded at once.
    pub(super) ready: Arc<Notify>,
    pub(super) counters: Arc<Counters>,
    pub(super) randomness: Arc<Randomness>,
}

impl Writer {
    /// Runs until it is told to end, or nobody is left to tell it anything.
    pub(super) fn run(self, listener: &Listener) {
        while let Ok(message) = listener.next() {
            match message {
                Message::Decided(told) => self.decided(*told),
                Message::End(done) => {
                    // Whoever asked may wait no longer.
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn decided(&self, told: Told) {
        let names = (
            self.settings.drop_decision.as_str(),
            self.settings.mask_decision.as_str(),
        );
        if told
            .result
            .as_ref()
            .is_some_and(|result| result.weight() > MAX_RESULT_WEIGHT)
        {
            self.counters.add(Counter::NotEncoded, 1);
            let decision_id = told.decision_id.to_string();
            tracing::error!(
                decision_id,
                "a decision-log event is lost: the policy's answer is too large"
            );
            return;
        }
        let policy = told.policy.clone();
        let at = told.at;
        let event = self.event(told);
        let decision_id = event.about.decision_id.clone();
        let seed = || *self.randomness.secret();
        match judge(event, policy.as_deref(), names, at, seed) {
            Fate::Told(event) => self.tell(&event),
            Fate::Dropped => tracing::debug!(decision_id, "a decision-log event was dropped by policy"),
            Fate::Lost(problem) => {
                tracing::error!(decision_id, problem, "a decision-log event is lost");
            }
        }
    }

    fn event(&self, told: Told) -> Event {
        let handler_ns = u64::try_from(told.took.as_nanos()).unwrap_or(u64::MAX);
        let is_asked = told.has_input && !told.failure.as_ref().is_some_and(Failure::is_too_late);
        let nd_builtin_cache = told.failure.is_none().then(|| calls(&told)).flatten();
        let bundles = told.policy.as_ref().map(|policy| policy.bundles().to_vec());
        Event {
            input: Some(input(&told)),
            result: told.result.filter(|_| told.failure.is_none()),
            nd_builtin_cache,
            erased: Vec::new(),
            masked: Vec::new(),
            about: About {
                labels: self.labels.clone(),
                decision_id: told.decision_id.to_string(),
                bundles: bundles.unwrap_or_default(),
                path: self.path.clone(),
                query: self.query.clone(),
                timestamp_ns: told.at.unix_ns,
                handler_ns,
                evaluation_ns: is_asked.then_some(handler_ns),
            },
            failure: told.failure,
        }
    }

    fn tell(&self, event: &Event) {
        if self.settings.console {
            let mut line = event.to_console();
            let now = clock::now().unix_ns;
            line.insert(Value::from("time"), Value::from(rfc3339::seconds(now)));
            let line = Value::Object(line).to_json() + "\n";
            // Nobody is left to tell when standard error is closed.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
        if let Some(buffer) = &self.buffer {
            let json = event.to_value().to_json();
            let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
            let is_ready = buffer.push(json, clock::monotonic());
            drop(buffer);
            if is_ready {
                self.ready.notify_one();
            }
        }
    }
}

/// The calls of builtins that don't answer alike each time, where the log tells of them.
fn calls(told: &Told) -> Option<Value> {
    let (policy, made_with) = (told.policy.as_ref()?, told.made_with.as_ref()?);
    let message = grpc::message(&told.body).ok()?;
    let mut view = wire::verbatim(message).ok()?;
    let rest = wire::RestOf(message);
    view.rest = Some(&rest);
    let calls = calls_of(policy, &view, &told.settings, made_with);
    wire::done_with(view);
    Some(calls)
}

/// The document that policy was asked with; null where none could be made.
fn input(told: &Told) -> Value {
    if !told.has_input {
        return Value::Null;
    }
    let Ok(message) = grpc::message(&told.body) else {
        return Value::Null;
    };
    let Ok(mut view) = wire::verbatim(message) else {
        return Value::Null;
    };
    let rest = wire::RestOf(message);
    view.rest = Some(&rest);
    let input = whole_input(&view, &told.settings);
    wire::done_with(view);
    input.map_or(Value::Null, |input| as_logged(&input))
}

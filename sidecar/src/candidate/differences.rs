//! The last decisions in which the candidate differs, for whoever is to judge whether it should. No token, header or query is
//! kept, and of what differs its name.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use postern_decide::candidate::{Comparison, Said};
use postern_decide::{ActivePolicy, RequestView, outcome};
use postern_telemetry::Code;
use serde::Serialize;

use super::sample::Sampled;
use crate::decision_log::without_query;

/// A host or path of which more than this was sent is kept cut, in bytes.
const MAX_TEXT: usize = 512;
/// Names of what differs; further ones aren't kept.
const MAX_NAMES: usize = 32;

/// A bounded list, the newest last.
#[derive(Debug)]
pub(crate) struct Differences {
    kept: VecDeque<Arc<Difference>>,
    most: usize,
}

impl Differences {
    pub(super) fn up_to(most: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            most,
        }
    }

    /// Keeps one in the place of the oldest.
    pub(super) fn keep(&mut self, difference: Difference) {
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(difference));
    }

    /// How many can be kept.
    pub(crate) fn capacity(&self) -> usize {
        self.most
    }

    /// The newest, at most `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<Arc<Difference>> {
        self.kept.iter().rev().take(count).cloned().collect()
    }
}

/// A decision that would have been another.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    decision_id: String,
    correlation_id: String,
    /// Milliseconds since the epoch.
    at_unix_ms: i64,
    route: String,
    method: String,
    host: String,
    /// Without its query.
    path: String,
    /// In which way they differ.
    kind: &'static str,
    /// What differs.
    differs: Vec<String>,
    active: Answered,
    candidate: Answered,
}

/// What a policy would have the proxy do.
#[derive(Debug, Serialize)]
struct Answered {
    revision: String,
    outcome: &'static str,
    code: Option<&'static str>,
    status: Option<u16>,
    reason: Option<Cow<'static, str>>,
}

impl Answered {
    fn of(said: &Said, policy: Option<&ActivePolicy>) -> Self {
        Self {
            revision: policy.map_or_else(String::new, |policy| policy.revision().to_string()),
            outcome: outcome(said.allowed, said.left_to_proxy),
            code: said.code.map(Code::as_str),
            status: said.status,
            reason: said.reason.as_deref().map(|reason| cut(reason).to_owned().into()),
        }
    }
}

impl Difference {
    /// `None` where there is none.
    pub(super) fn of(
        comparison: &Comparison,
        sampled: &Sampled,
        candidate: &ActivePolicy,
        request: &RequestView<'_>,
    ) -> Option<Self> {
        let http = &request.http;
        Some(Self {
            kind: comparison.kind?.as_str(),
            differs: comparison.differs.iter().take(MAX_NAMES).cloned().collect(),
            decision_id: sampled.decision_id.to_string(),
            correlation_id: sampled.correlation_id.as_str().to_owned(),
            at_unix_ms: sampled.at.unix_ns.div_euclid(1_000_000),
            route: comparison.route.to_string(),
            method: cut(http.method).to_owned(),
            host: cut(http.host).to_owned(),
            path: cut(without_query(http.path)).to_owned(),
            active: Answered::of(&comparison.active, sampled.snapshot.policy.as_deref()),
            candidate: Answered::of(&comparison.candidate, Some(candidate)),
        })
    }
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default()
}

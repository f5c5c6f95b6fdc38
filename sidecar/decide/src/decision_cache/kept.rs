//! An answer that is remembered, and how much room it takes.

use std::sync::Arc;

use postern_policy::{PolicyResult, Span, Value};
use quick_cache::Weighter;

use super::key::Key;
use super::limits::DecisionCacheLimits;
use crate::now::Now;

/// An answer that was read already, and when it holds. A clone shares it.
#[derive(Clone)]
pub(crate) struct Kept(Arc<Inner>);

/// What the policy answered, as whoever asks acts on it.
#[derive(Debug, Clone)]
pub(crate) enum Answered {
    /// Read already.
    Read(PolicyResult),
    /// As it came; `None` is undefined.
    Raw(Option<Value>),
}

impl Answered {
    /// For how long it says that it may be given again.
    pub(super) fn cache_seconds(&self) -> Option<u32> {
        match self {
            Self::Read(result) => result.cache_seconds(),
            Self::Raw(value) => {
                let stated = value.as_ref()?.get("postern")?.get("cache_seconds")?;
                u32::try_from(stated.as_i64()?).ok()
            }
        }
    }
}

struct Inner {
    answer: Answered,
    span: Span,
    bytes: u64,
}

impl Kept {
    pub(super) fn new(answer: Answered, span: Span) -> Self {
        let bytes = bytes_of(&answer);
        Self(Arc::new(Inner { answer, span, bytes }))
    }

    pub(super) fn holds(&self, now: Now) -> bool {
        self.0.span.contains(now.unix_ns)
    }

    /// What the policy answered.
    pub(crate) fn answer(&self) -> &Answered {
        &self.0.answer
    }

    /// About how much room it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes
    }
}

/// Of an entry without texts: the answer, its key, its place.
const FIXED: u64 = 400;
/// Of a text besides its letters.
const TEXT: u64 = 48;
/// Of a value for each unit of its weight.
const VALUE: u64 = 96;

fn bytes_of(answer: &Answered) -> u64 {
    let text = |text: &String| TEXT + text.len() as u64;
    let pair = |(name, value): &(String, String)| text(name) + text(value);
    let pairs = |all: &[(String, String)]| all.iter().map(pair).sum::<u64>();
    let names = |all: &[String]| all.iter().map(text).sum::<u64>();
    let value = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or(0, |value| VALUE.saturating_mul(value.weight()))
    };
    FIXED
        + match answer {
            Answered::Raw(raw) => value(raw),
            Answered::Read(PolicyResult::Allow(allow)) => {
                pairs(&allow.headers)
                    + pairs(&allow.response_headers_to_add)
                    + pairs(&allow.query_parameters_to_set)
                    + names(&allow.request_headers_to_remove)
                    + names(&allow.query_parameters_to_remove)
                    + value(&allow.dynamic_metadata)
            }
            Answered::Read(PolicyResult::Deny(deny)) => {
                let refusal = &deny.refusal;
                let texts = [&deny.body, &refusal.required_scope, &refusal.reason];
                pairs(&deny.headers)
                    + texts.into_iter().flatten().map(text).sum::<u64>()
                    + value(&deny.dynamic_metadata)
            }
        }
}

/// Each entry counts as its bytes, and as much of all bytes as it is of all entries, so that one bound is enough for both.
#[derive(Debug, Clone)]
pub(super) struct ByWeight {
    least: u64,
}

impl ByWeight {
    pub(super) fn of(limits: DecisionCacheLimits) -> Self {
        let entries = (limits.entries as u64).max(1);
        Self {
            least: limits.bytes.div_ceil(entries),
        }
    }
}

impl Weighter<Key, Kept> for ByWeight {
    fn weight(&self, _key: &Key, kept: &Kept) -> u64 {
        kept.bytes().max(self.least)
    }
}

//! One decision as the ring keeps it: its texts in one piece of memory, which is used again when another decision takes its
//! place. A record shares its texts with tokens, routes and requests; to hold on to it would be to come back to all of those
//! when it is let go, long after they have left the processor's caches.

use std::borrow::Cow;
use std::time::Duration;

use postern_decide::{Binding, HttpView, Methods, Now, Record, Stage};
use postern_telemetry::{Code, TraceParent};
use uuid::Uuid;

use crate::decision_log::without_query;

/// A method, host or path of which more than this was sent is kept cut: a ring of them stays small.
const MAX_TEXT: usize = 512;
/// Memory beyond this is let go with the decision that needed it.
const USUAL_TEXTS: usize = 4096;

/// A decision, kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) decision_id: Uuid,
    pub(super) trace: TraceParent,
    pub(super) at: Now,
    pub(super) took: Duration,
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) code: Option<Code>,
    pub(super) stage: Stage,
    pub(super) methods: Methods,
    pub(super) binding: Binding,
    pub(super) allowed: bool,
    pub(super) token_cached: bool,
    pub(super) revocations_stale: bool,
    pub(super) texts: Texts,
}

impl Entry {
    /// What is kept of `record`, in the memory that `texts` took.
    pub(super) fn of(
        record: &Record,
        http: &HttpView<'_>,
        at: Now,
        took: Duration,
        mut texts: Texts,
    ) -> Self {
        texts.fill([
            (Name::CorrelationId, Some(record.correlation_id.as_str())),
            (Name::Method, Some(cut(http.method))),
            (Name::Host, Some(cut(http.host))),
            (Name::Path, Some(cut(without_query(http.path)))),
            (Name::Route, record.route.as_deref()),
            (Name::Subject, record.subject.as_deref()),
            (Name::ClientId, record.client_id.as_deref()),
            (Name::Issuer, record.issuer.as_deref()),
            (Name::ApiKeyId, record.api_key_id.as_deref()),
            (Name::Peer, record.peer.as_ref().map(|peer| peer.as_str())),
            (Name::PolicyRevision, record.policy_revision.as_deref()),
        ]);
        Self {
            decision_id: record.decision_id,
            trace: record.trace,
            at,
            took,
            reason: record.reason.clone(),
            code: record.code,
            stage: record.stage,
            methods: record.methods,
            binding: record.binding,
            allowed: record.allowed,
            token_cached: record.token_cached,
            revocations_stale: record.revocations_stale,
            texts,
        }
    }
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_TEXT);
    text.get(..end).unwrap_or_default()
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    CorrelationId,
    Method,
    Host,
    Path,
    Route,
    Subject,
    ClientId,
    Issuer,
    ApiKeyId,
    Peer,
    PolicyRevision,
}

const NAMES: usize = Name::PolicyRevision as usize + 1;

/// The texts of a decision, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: String,
    /// Where each ends, in the order of [`Name`]; `None` for what isn't there.
    ends: [Option<u32>; NAMES],
}

impl Texts {
    fn fill(&mut self, texts: [(Name, Option<&str>); NAMES]) {
        self.all.clear();
        if self.all.capacity() > USUAL_TEXTS {
            self.all = String::new();
        }
        self.all
            .reserve(texts.iter().map(|(_, text)| text.map_or(0, str::len)).sum());
        for (place, ((name, text), end)) in texts.into_iter().zip(&mut self.ends).enumerate() {
            debug_assert_eq!(name as usize, place, "{name:?}");
            *end = text.and_then(|text| {
                self.all.push_str(text);
                u32::try_from(self.all.len()).ok()
            });
        }
    }

    /// The text of this name, if there is one.
    pub(super) fn named(&self, name: Name) -> Option<&str> {
        let end = (*self.ends.get(name as usize)?)?;
        let before = self.ends.get(..name as usize)?;
        let begin = before.iter().rev().flatten().next().copied().unwrap_or(0);
        self.all.get(begin as usize..end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(correlation_id: &str, path: Option<&str>, peer: Option<&str>) -> Texts {
        let mut texts = Texts::default();
        refill(&mut texts, correlation_id, path, peer);
        texts
    }

    fn refill(texts: &mut Texts, correlation_id: &str, path: Option<&str>, peer: Option<&str>) {
        texts.fill([
            (Name::CorrelationId, Some(correlation_id)),
            (Name::Method, None),
            (Name::Host, Some("")),
            (Name::Path, path),
            (Name::Route, None),
            (Name::Subject, None),
            (Name::ClientId, None),
            (Name::Issuer, None),
            (Name::ApiKeyId, None),
            (Name::Peer, peer),
            (Name::PolicyRevision, None),
        ]);
    }

    #[test]
    fn each_text_is_found_by_its_name_and_absent_is_not_empty() {
        let texts = texts("id", Some("/a"), Some("spiffe://a/b"));
        assert_eq!(texts.named(Name::CorrelationId), Some("id"));
        assert_eq!(texts.named(Name::Method), None);
        assert_eq!(texts.named(Name::Host), Some(""));
        assert_eq!(texts.named(Name::Path), Some("/a"));
        assert_eq!(texts.named(Name::Peer), Some("spiffe://a/b"));
        assert_eq!(texts.named(Name::PolicyRevision), None);
    }

    #[test]
    fn nothing_of_one_decision_is_left_in_the_next() {
        let mut texts = texts("a longer id", Some("/a"), Some("spiffe://a/b"));
        refill(&mut texts, "b", None, None);
        assert_eq!(texts.all, "b");
        assert_eq!(texts.named(Name::Path), None);
        assert_eq!(texts.named(Name::Peer), None);
    }

    #[test]
    fn memory_for_a_large_decision_is_not_kept_for_a_small_one() {
        let mut texts = texts("a", Some(&"x".repeat(USUAL_TEXTS * 2)), None);
        refill(&mut texts, "b", None, None);
        assert!(texts.all.capacity() <= USUAL_TEXTS);
    }
}

//! One decision as the ring keeps it: in one piece of memory of its own, texts included, where the next decision's is the
//! next. A record shares its texts with tokens, routes and requests; to hold on to it would be to come back to all of those
//! when it is let go, long after they have left the processor's caches. And memory that is written to in order is there in
//! time.

use std::borrow::Cow;
use std::time::Duration;

use postern_decide::{Binding, HttpView, Methods, Now, PolicyCache, Record, Shadow, Stage};
use postern_telemetry::{Code, TraceParent};
use uuid::Uuid;

use crate::decision_log::without_query;

/// A method, host or path of which more than this was sent is kept cut: a ring of them stays small.
const MAX_TEXT: usize = 512;
/// Room for the texts of a usual decision.
const USUAL_TEXTS: usize = 256;

/// A decision, kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) facts: Facts,
    pub(super) texts: Texts,
}

/// What is kept of a decision besides its texts.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) decision_id: Uuid,
    pub(super) trace: TraceParent,
    pub(super) at: Now,
    pub(super) took: Duration,
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) code: Option<Code>,
    pub(super) stage: Stage,
    pub(super) methods: Methods,
    pub(super) binding: Binding,
    pub(super) outcome: &'static str,
    pub(super) token_cached: bool,
    pub(super) policy_cache: PolicyCache,
    /// On routes in shadow.
    pub(super) shadow: Option<Box<Shadow>>,
    pub(super) revocations_stale: bool,
}

impl Entry {
    /// Keeps `record` in `place`, where another may have been.
    pub(super) fn put(
        place: &mut Option<Self>,
        record: &Record,
        http: &HttpView<'_>,
        at: Now,
        took: Duration,
    ) {
        let facts = Facts {
            decision_id: record.decision_id,
            trace: record.trace,
            at,
            took,
            reason: record.reason.clone(),
            code: record.code,
            stage: record.stage,
            methods: record.methods,
            binding: record.binding,
            outcome: record.outcome(),
            token_cached: record.token_cached,
            policy_cache: record.policy_cache,
            shadow: record.shadow.clone(),
            revocations_stale: record.revocations_stale,
        };
        let entry = match place {
            Some(entry) => {
                entry.facts = facts;
                entry
            }
            None => place.insert(Self {
                facts,
                texts: Texts::default(),
            }),
        };
        let caller = &record.caller;
        entry.texts.fill([
            (Name::CorrelationId, Some(record.correlation_id.as_str())),
            (Name::Method, Some(cut(http.method))),
            (Name::Host, Some(cut(http.host))),
            (Name::Path, Some(cut(without_query(http.path)))),
            (Name::Route, record.route.as_deref()),
            (Name::Subject, caller.subject().map(AsRef::as_ref)),
            (Name::ClientId, caller.client_id().map(AsRef::as_ref)),
            (Name::Issuer, caller.issuer().map(AsRef::as_ref)),
            (Name::ApiKeyId, caller.api_key_id().map(AsRef::as_ref)),
            (Name::Peer, record.peer.as_ref().map(|peer| peer.as_str())),
            (Name::PolicyRevision, record.policy_revision.as_deref()),
        ]);
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
#[derive(Debug)]
pub(super) struct Texts {
    /// Where each ends, in the order of [`Name`]; `None` for what isn't there.
    ends: [Option<u32>; NAMES],
    /// The texts, where there is room for them.
    usual: [u8; USUAL_TEXTS],
    /// The texts, where there isn't.
    long: Option<Box<[u8]>>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            ends: [None; NAMES],
            usual: [0; USUAL_TEXTS],
            long: None,
        }
    }
}

impl Texts {
    fn fill(&mut self, texts: [(Name, Option<&str>); NAMES]) {
        let bytes: usize = texts.iter().map(|(_, text)| text.map_or(0, str::len)).sum();
        self.long = (bytes > USUAL_TEXTS).then(|| vec![0; bytes].into());
        let all = self.long.as_deref_mut().unwrap_or(&mut self.usual);
        let mut begin = 0;
        for (place, ((name, text), end)) in texts.into_iter().zip(&mut self.ends).enumerate() {
            debug_assert_eq!(name as usize, place, "{name:?}");
            *end = text.and_then(|text| {
                let its_end = begin + text.len();
                all.get_mut(begin..its_end)?.copy_from_slice(text.as_bytes());
                begin = its_end;
                u32::try_from(begin).ok()
            });
        }
    }

    /// The text of this name, if there is one.
    pub(super) fn named(&self, name: Name) -> Option<&str> {
        let end = (*self.ends.get(name as usize)?)?;
        let before = self.ends.get(..name as usize)?;
        let begin = before.iter().rev().flatten().next().copied().unwrap_or(0);
        let all = self.long.as_deref().unwrap_or(&self.usual);
        std::str::from_utf8(all.get(begin as usize..end as usize)?).ok()
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
        assert_eq!(texts.named(Name::CorrelationId), Some("b"));
        assert_eq!(texts.named(Name::Path), None);
        assert_eq!(texts.named(Name::Peer), None);
    }

    #[test]
    fn long_texts_are_kept_whole_and_leave_no_memory_behind() {
        let path = "x".repeat(USUAL_TEXTS * 2);
        let mut texts = texts("a", Some(&path), Some("spiffe://a/b"));
        assert_eq!(texts.named(Name::Path), Some(path.as_str()));
        assert_eq!(texts.named(Name::Peer), Some("spiffe://a/b"));
        refill(&mut texts, "b", None, None);
        assert!(texts.long.is_none());
        let exactly = "x".repeat(USUAL_TEXTS - 1);
        refill(&mut texts, "c", Some(&exactly), None);
        assert!(texts.long.is_none());
        assert_eq!(texts.named(Name::Path), Some(exactly.as_str()));
        refill(&mut texts, "one more", Some(&exactly), None);
        assert_eq!(texts.named(Name::Path), Some(exactly.as_str()));
    }
}

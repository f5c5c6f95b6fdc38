//! What the policy answered, remembered for who asks the same (R5.4). Correct by construction: it makes no answer differ
//! from what evaluation without it would give, and may forget anything at any time.
//!
//! Why a hit is as good as evaluating again:
//! - **It is the same policy**: each policy in force has a memory of its own, and takes it along when it goes. Revisions
//!   are not compared: others may repeat theirs.
//! - **It is the same question**: the key is made of all that the policy can read of its input, as the engine derived it from
//!   the plan, value for value; of route and issuer besides. Subjects share an answer only where the policy reads nothing
//!   that tells them apart. A path, query or body that can't be asked about is refused before anything is looked up.
//! - **It is in time**: the engine says at which other instants the answer would have been the same. Where the policy asks
//!   what time it is, that is none; where it asks whether a token is valid, it is until that changes.
//! - **It hangs on nothing else**: what a policy draws at random, asks over the network or asks about its host is remembered
//!   only where its answer says for how long that may be (`postern.cache_seconds`).
//! - Errors and evaluations that were stopped are not remembered.
//!
//! Why it can't be filled or fooled by an attacker: keys are a keyed hash of 128 bits whose key nobody knows, so that two
//! questions with one key can't be looked for; entries and bytes are bounded, and what was never asked for again goes first.

mod kept;
mod key;
mod limits;
mod usage;

use std::fmt;

use postern_policy::input::{HeaderParts, InputDocument, InputReads};
use postern_policy::{Effects, Engine, Entrypoint, Span};
use quick_cache::sync::Cache;

use crate::now::Now;

use kept::{ByWeight, Kept};
use key::Key;

pub(crate) use kept::Answered;
pub(crate) use key::Around;

pub use limits::DecisionCacheLimits;
pub use usage::DecisionCacheUse;

/// What one policy in force has answered.
pub struct DecisionCache {
    entries: Cache<Key, Kept, ByWeight>,
    secret: [u8; 16],
    /// What the key is made of.
    reads: InputReads,
    effects: Effects,
    limits: DecisionCacheLimits,
    /// A planted mistake: whatever the time is, an answer holds.
    timeless: bool,
}

/// What came of looking an answer up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyCache {
    /// It wasn't looked up: no policy was asked, or its answers aren't remembered.
    #[default]
    Unused,
    /// It wasn't there, and the policy was evaluated.
    Missed,
    /// It was there.
    Hit,
}

/// Mistakes for tests that must see them. Nothing that serves requests makes any.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct PlantedMistakes {
    /// A part of the input, a header or a claim that is left out of the key.
    pub forgotten: Option<&'static str>,
    /// What else the answers depend on is forgotten.
    pub no_effects: bool,
    /// Answers hold always.
    pub no_time: bool,
}

impl DecisionCache {
    /// An empty memory for the answers of `entrypoint`, whose keys are hashed with `secret`; none where nothing of it would
    /// ever be found again, or nothing may be kept.
    #[must_use]
    pub(crate) fn of(
        engine: &dyn Engine,
        entrypoint: Entrypoint,
        limits: DecisionCacheLimits,
        secret: [u8; 16],
        mistakes: &PlantedMistakes,
    ) -> (Option<Self>, DecisionCacheUse) {
        let (mut reads, mut effects) = (engine.reads(entrypoint).clone(), engine.effects(entrypoint));
        if let Some(forgotten) = mistakes.forgotten {
            reads = reads.forgetting(forgotten);
        }
        if mistakes.no_effects {
            effects = Effects::NONE;
        }
        let usage = match engine.opaque() {
            Some(why) => DecisionCacheUse::Off { why: why.to_owned() },
            None => DecisionCacheUse::of(&reads, effects, limits),
        };
        if let DecisionCacheUse::Off { .. } = usage {
            return (None, usage);
        }
        let entries = Cache::with_weighter(limits.typical_entries(), limits.bytes, ByWeight::of(limits));
        let cache = Self {
            entries,
            secret,
            reads,
            effects,
            limits,
            timeless: mistakes.no_time,
        };
        (Some(cache), usage)
    }

    /// What the question is remembered by.
    pub(crate) fn key<H: HeaderParts + ?Sized>(
        &self,
        around: &Around<'_>,
        input: &InputDocument<'_, H>,
    ) -> Key {
        Key::of(&self.secret, around, input, &self.reads)
    }

    /// The answer, if it was given before and still holds.
    pub(crate) fn find(&self, key: &Key, now: Now) -> Option<Kept> {
        let kept = self.entries.get(key)?;
        kept.holds(now).then_some(kept)
    }

    /// Remembers an answer that was evaluated at `now` and, as far as the clock has a part in it, is the same throughout
    /// `span`; if it may be.
    pub(crate) fn remember(&self, key: Key, answer: Answered, span: Span, now: Now) {
        let span = if self.timeless { Span::ALWAYS } else { span };
        if let Some(span) = self.keeps(answer.cache_seconds(), span, now) {
            let kept = Kept::new(answer, span);
            if kept.bytes() <= self.limits.most_of_one() {
                self.entries.insert(key, kept);
            }
        }
    }

    /// For how long; `None` for not at all.
    fn keeps(&self, stated: Option<u32>, span: Span, now: Now) -> Option<Span> {
        // What is but of this instant, is drawn or asked elsewhere is the policy's to keep.
        let fleeting =
            span == Span::instant(now.unix_ns) || usage::hangs_on_more_than_the_clock(self.effects);
        let (seconds, span) = match (stated, fleeting) {
            (None, true) | (Some(0), _) => return None,
            (Some(seconds), true) => (seconds, Span::ALWAYS),
            (stated, false) => (stated.unwrap_or(self.limits.ttl_seconds), span),
        };
        let ttl_ns = i64::from(seconds).saturating_mul(1_000_000_000);
        Some(span.and(Span {
            from_ns: now.unix_ns,
            to_ns: now.unix_ns.saturating_add(ttl_ns),
        }))
    }

    /// How many answers are remembered.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// About how many bytes they take, or count as where that is more: each counts as much as lets no more of them in than may
    /// be.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

impl fmt::Debug for DecisionCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DecisionCache")
            .field("entries", &self.entries())
            .finish_non_exhaustive()
    }
}

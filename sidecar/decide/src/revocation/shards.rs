//! The set itself: 4,096 sorted runs of 24-byte entries, chosen by the digest's first 12 bits, shared between versions of
//! the set. A million entries take 24 MB, a change copies the runs that it touches, a lookup reads one place in one run.

use std::sync::Arc;

use postern_jose::UnixTime;

use super::digest::Digest;

/// Runs are held in groups, so that a change copies two short lists of pointers and not a long one.
const GROUPS: usize = 64;
const RUNS_IN_GROUP: usize = 64;
/// How many bits of a digest choose the group, and the run in it.
const GROUP_BITS: u32 = GROUPS.trailing_zeros();
const RUN_BITS: u32 = RUNS_IN_GROUP.trailing_zeros();

/// One revocation: what it is found by, and which tokens it means. Times are kept in 32 bits (to 2106); what doesn't fit
/// is revoked longer, never shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    digest: Digest,
    issued_before: u32,
    expires_at: u32,
}

/// In place of a moment: tokens issued at any time; for ever.
const ALWAYS: u32 = u32::MAX;

impl Entry {
    /// Revokes the tokens of `digest` that were issued before `issued_before` (`None`: all), until `expires_at` (`None`:
    /// for ever).
    pub fn new(digest: Digest, issued_before: Option<UnixTime>, expires_at: Option<UnixTime>) -> Self {
        Self {
            digest,
            issued_before: compact(issued_before),
            expires_at: compact(expires_at),
        }
    }

    /// What it is found by.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Tokens issued before this are revoked; `None` for all.
    pub fn issued_before(&self) -> Option<UnixTime> {
        expand(self.issued_before)
    }

    /// From then on it revokes nothing; `None` for never.
    pub fn expires_at(&self) -> Option<UnixTime> {
        expand(self.expires_at)
    }

    /// Whether it revokes a token issued at `issued_at`.
    pub(super) fn revokes(&self, issued_at: Option<UnixTime>, now: UnixTime) -> bool {
        let meant = match (issued_at, self.issued_before()) {
            (Some(issued_at), Some(before)) => issued_at < before,
            (None, _) | (_, None) => true,
        };
        meant && self.stands(now)
    }

    fn stands(&self, now: UnixTime) -> bool {
        self.expires_at().is_none_or(|expires_at| now < expires_at)
    }
}

fn compact(time: Option<UnixTime>) -> u32 {
    // Before 1970 is 1970: nothing was issued earlier.
    time.map_or(ALWAYS, |time| u32::try_from(time.0.max(0)).unwrap_or(ALWAYS))
}

fn expand(seconds: u32) -> Option<UnixTime> {
    (seconds != ALWAYS).then(|| UnixTime(i64::from(seconds)))
}

/// Entries in the order of their digests.
type Run = Arc<[Entry]>;
type Group = Arc<[Run; RUNS_IN_GROUP]>;

/// The set.
#[derive(Debug, Clone)]
pub(super) struct Shards {
    groups: Arc<[Group; GROUPS]>,
    len: usize,
}

impl Default for Shards {
    fn default() -> Self {
        let run: Run = Arc::from([]);
        let group: Group = Arc::new(std::array::from_fn(|_| Arc::clone(&run)));
        Self {
            groups: Arc::new(std::array::from_fn(|_| Arc::clone(&group))),
            len: 0,
        }
    }
}

/// What becomes of a digest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// It is revoked, in place of what was said of it before.
    Add(Entry),
    /// It isn't any more.
    Remove(Digest),
}

impl Change {
    fn digest(&self) -> Digest {
        match self {
            Self::Add(entry) => entry.digest,
            Self::Remove(digest) => *digest,
        }
    }
}

impl Shards {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.groups
            .iter()
            .flat_map(|group| group.iter())
            .flat_map(|run| run.iter())
    }

    /// The entry of a digest. Digests are evenly spread, so that their place in the run is known up to some five entries;
    /// from there it is a walk over neighbours.
    pub(super) fn find(&self, digest: &Digest) -> Option<&Entry> {
        let (group, run) = place(digest);
        let run = self.groups.get(group)?.get(run)?;
        let (before, from) = run.split_at_checked(guess(digest, run.len()))?;
        let found = match from.first() {
            Some(first) if first.digest <= *digest => from.iter().find(|entry| entry.digest >= *digest),
            _ => before.iter().rev().find(|entry| entry.digest <= *digest),
        };
        found.filter(|entry| entry.digest == *digest)
    }

    /// Makes changes, in their order. Only the runs that they touch are copied.
    pub(super) fn apply(&mut self, mut changes: Vec<Change>) {
        // Stable: of two changes of one digest the later one comes later.
        changes.sort_by_key(Change::digest);
        for changes in changes.chunk_by(|one, other| place(&one.digest()) == place(&other.digest())) {
            let Some(first) = changes.first() else { continue };
            let (group, run) = place(&first.digest());
            let Some(run) = Arc::make_mut(&mut self.groups)
                .get_mut(group)
                .and_then(|group| Arc::make_mut(group).get_mut(run))
            else {
                continue;
            };
            let merged = merge(run, changes);
            self.len = self.len - run.len() + merged.len();
            *run = merged.into();
        }
    }

    /// Lets go of what revokes nothing at `now` any more.
    pub(super) fn purge(&mut self, now: UnixTime) {
        let over = |run: &Run| run.iter().any(|entry| !entry.stands(now));
        if !self.groups.iter().any(|group| group.iter().any(over)) {
            return;
        }
        for group in Arc::make_mut(&mut self.groups) {
            if !group.iter().any(over) {
                continue;
            }
            for run in Arc::make_mut(group).iter_mut().filter(|run| over(run)) {
                let kept: Vec<Entry> = run.iter().filter(|entry| entry.stands(now)).copied().collect();
                self.len = self.len - run.len() + kept.len();
                *run = kept.into();
            }
        }
    }
}

/// A run with changes made, which are in the order of their digests.
fn merge(run: &[Entry], changes: &[Change]) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(run.len() + changes.len());
    let mut old = run.iter().copied().peekable();
    for same in changes.chunk_by(|one, other| one.digest() == other.digest()) {
        let Some(change) = same.last() else { continue };
        while let Some(entry) = old.next_if(|entry| entry.digest < change.digest()) {
            merged.push(entry);
        }
        old.next_if(|entry| entry.digest == change.digest());
        if let Change::Add(entry) = change {
            merged.push(*entry);
        }
    }
    merged.extend(old);
    merged
}

/// Which group, and which run of it.
fn place(digest: &Digest) -> (usize, usize) {
    let group = digest.high >> (u64::BITS - GROUP_BITS);
    let run = (digest.high << GROUP_BITS) >> (u64::BITS - RUN_BITS);
    // Both are below 64.
    (
        usize::try_from(group).unwrap_or_default(),
        usize::try_from(run).unwrap_or_default(),
    )
}

/// About where in a run of `len` entries the digest must be: its bits after those that chose the run, as a fraction.
fn guess(digest: &Digest, len: usize) -> usize {
    let fraction = digest.high << (GROUP_BITS + RUN_BITS);
    usize::try_from((u128::from(fraction) * len as u128) >> u64::BITS).unwrap_or_default()
}

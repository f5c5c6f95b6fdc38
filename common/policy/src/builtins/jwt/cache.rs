//! What this process remembers of tokens. A name is a digest of all that the remembered value depends on, so one never
//! stands for another token, other keys or other constraints; what depends on the time isn't remembered at all, but
//! looked at each time. So nothing here gets old, and nothing has to be dropped for more than space.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{Context, SHA256};
use postern_rego::{Object, Value};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::decode_verify::Verified;

/// About the bytes that the memory takes at most: some 1,800 tokens of 900 bytes.
const MAX_BYTES: u64 = 8 << 20;
/// A longer token isn't remembered.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// One for both builtins: a policy calls this one or that one, and then has all of the room.
static KNOWN: LazyLock<Memory<Known>> = LazyLock::new(Memory::new);

#[derive(Clone)]
enum Known {
    /// Of `io.jwt.decode`: header, payload and signature.
    Decoded(Value),
    /// Of `io.jwt.decode_verify`: all but what the time decides.
    Verified(Verified),
}

/// What `io.jwt.decode` answered to a token of that name.
pub(super) fn decoded(name: &Name) -> Option<Value> {
    match KNOWN.get(name) {
        Some(Known::Decoded(value)) => Some(value),
        _ => None,
    }
}

/// What is known of a token of that name under constraints.
pub(super) fn verified(name: &Name) -> Option<Verified> {
    match KNOWN.get(name) {
        Some(Known::Verified(verified)) => Some(verified),
        _ => None,
    }
}

/// Remembers what `io.jwt.decode` answers.
pub(super) fn keep_decoded(name: Name, value: Value, bytes: u64) {
    KNOWN.put(name, Known::Decoded(value), bytes);
}

/// Remembers what was found out of a token under constraints.
pub(super) fn keep_verified(name: Name, verified: Verified, bytes: u64) {
    KNOWN.put(name, Known::Verified(verified), bytes);
}

/// How often it was enough to remember, and how much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Calls that were answered from memory, since the process began.
    pub hits: u64,
    /// Calls that weren't, although their token isn't too long for it.
    pub misses: u64,
    /// Tokens that are remembered now.
    pub entries: u64,
    /// About how many bytes they take.
    pub bytes: u64,
}

pub(super) fn counts() -> CacheCounts {
    KNOWN.counts()
}

/// What a remembered value depends on, as one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 32]);

impl Name {
    /// Of a token alone; none for one that is too long.
    pub(super) fn of_decode(token: &str) -> Option<Self> {
        Self::of(b'd', token, std::iter::empty())
    }

    /// Of a token and the constraints except for the time; none where they aren't of the kind that can succeed.
    pub(super) fn of_verify(token: &str, constraints: &Object) -> Option<Self> {
        let mut texts = Vec::with_capacity(2 * constraints.len());
        for (name, value) in constraints {
            match (name.as_str()?, value) {
                ("time", _) => {}
                (name, Value::String(value)) => texts.extend([name, value.as_ref()]),
                _ => return None,
            }
        }
        Self::of(b'v', token, texts.into_iter())
    }

    /// `builtin` tells apart whose answer it is.
    fn of<'a>(builtin: u8, token: &'a str, others: impl Iterator<Item = &'a str>) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut context = Context::new(&SHA256);
        context.update(&[builtin]);
        for text in std::iter::once(token).chain(others) {
            // With its length first, no text can run into the next.
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        let mut name = [0; 32];
        name.copy_from_slice(context.finish().as_ref());
        Some(Self(name))
    }
}

/// About how many bytes the values take that were made of a token.
pub(super) fn bytes(token: &str, values: &[&Value]) -> u64 {
    let values = values.iter().map(|value| value.weight().saturating_mul(96));
    values.fold(256 + 2 * token.len() as u64, u64::saturating_add)
}

/// Values by name, those that are asked for least dropped first.
struct Memory<T> {
    values: Cache<Name, Weighed<T>, ByBytes>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Clone)]
struct Weighed<T> {
    value: T,
    bytes: u64,
}

#[derive(Clone)]
struct ByBytes;

impl<T> Weighter<Name, Weighed<T>> for ByBytes {
    fn weight(&self, _: &Name, weighed: &Weighed<T>) -> u64 {
        weighed.bytes.max(1)
    }
}

impl<T: Clone> Memory<T> {
    fn new() -> Self {
        Self {
            values: Cache::with_weighter(4096, MAX_BYTES, ByBytes),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The value of that name, if it is remembered.
    fn get(&self, name: &Name) -> Option<T> {
        let found = self.values.get(name);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found.map(|weighed| weighed.value)
    }

    fn put(&self, name: Name, value: T, bytes: u64) {
        self.values.insert(name, Weighed { value, bytes });
    }

    fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.values.len() as u64,
            bytes: self.values.weight(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_TOKEN_BYTES, Memory, Name};
    use postern_rego::{Object, Value};

    fn constraints(text: &str) -> Object {
        match Value::from_json_str(text).unwrap() {
            Value::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    fn name(token: &str, text: &str) -> Option<Name> {
        Name::of_verify(token, &constraints(text))
    }

    #[test]
    fn nothing_that_matters_shares_a_name() {
        let all = [
            name("a.b.c", r#"{"secret": "k"}"#),
            name("a.b.d", r#"{"secret": "k"}"#),
            name("a.b.c", r#"{"secret": "l"}"#),
            name("a.b.c", r#"{"cert": "k"}"#),
            name("a.b.c", r#"{"secret": "k", "iss": "x"}"#),
            name("a.b.c", r#"{"secret": "k", "aud": "x"}"#),
            name("a.b.c", r#"{"secret": "k", "alg": "x"}"#),
            name("a.b.csecret", r#"{"k": ""}"#),
            name("a.b.c", "{}"),
            Name::of_decode("a.b.c"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.is_some());
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn the_time_has_no_part_in_a_name() {
        let plain = name("a.b.c", r#"{"secret": "k"}"#);
        assert_eq!(name("a.b.c", r#"{"secret": "k", "time": 1}"#), plain);
        assert_eq!(name("a.b.c", r#"{"secret": "k", "time": 2.5}"#), plain);
    }

    #[test]
    fn what_cannot_succeed_or_is_too_long_has_none() {
        assert_eq!(name("a.b.c", r#"{"secret": 1}"#), None);
        assert_eq!(Name::of_decode(&"a".repeat(MAX_TOKEN_BYTES + 1)), None);
    }

    #[test]
    fn memory_is_bounded_by_bytes() {
        let memory = Memory::new();
        for n in 0..10_000 {
            memory.put(Name::of_decode(&n.to_string()).unwrap(), n, 64 * 1024);
        }
        let counts = memory.counts();
        assert!(counts.bytes <= MAX_BYTES, "{counts:?}");
        assert!(counts.entries > 10, "{counts:?}");
    }
}

//! What an answer is remembered by.

use std::hash::Hasher as _;

use postern_policy::input::{HeaderParts, InputDocument, InputReads};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// What a question belongs to, whatever the policy reads of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    /// The route's name.
    pub(crate) route: &'a str,
    /// The issuer of the caller's token; empty where there is none.
    pub(crate) issuer: &'a str,
    /// Whether requests may be made for the answer: one that took some isn't one for a route that may not make any.
    pub(crate) http_send: bool,
}

/// All that an answer of a policy depends on, hashed. SipHash-2-4 under a secret key is a pseudorandom function: who doesn't
/// have the key can't find two questions with one hash but by asking 2^64 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    pub(super) fn of<H: HeaderParts + ?Sized>(
        secret: &[u8; 16],
        around: &Around<'_>,
        input: &InputDocument<'_, H>,
        reads: &InputReads,
    ) -> Self {
        let mut hasher = SipHasher24::new_with_key(secret);
        // Each text with its length first, so that none runs into the next.
        let mut text = |text: &str| {
            hasher.write_u64(text.len() as u64);
            hasher.write(text.as_bytes());
        };
        text(around.route);
        text(around.issuer);
        hasher.write_u8(around.http_send.into());
        input.feed(reads, &mut hasher);
        Self(hasher.finish128().as_u128())
    }
}

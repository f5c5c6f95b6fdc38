//! What an answer is remembered by.

use std::hash::Hasher as _;

use postern_policy::input::{HeaderParts, InputDocument, InputReads};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::policy::Question;

/// All that an answer of a policy depends on, hashed. SipHash-2-4 under a secret key is a pseudorandom function: who doesn't
/// have the key can't find two questions with one hash but by asking 2^64 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    pub(super) fn of<H: HeaderParts + ?Sized>(
        secret: &[u8; 16],
        question: &Question<'_>,
        input: &InputDocument<'_, H>,
        reads: &InputReads,
    ) -> Self {
        let mut hasher = SipHasher24::new_with_key(secret);
        // Each text with its length first, so that none runs into the next.
        let mut text = |text: &str| {
            hasher.write_u64(text.len() as u64);
            hasher.write(text.as_bytes());
        };
        text(&question.route.name);
        text(question.caller.identity.issuer().map_or("", |issuer| issuer));
        // An answer that took requests isn't one for a route that may not make any.
        hasher.write_u8(question.route.http_send.into());
        input.feed(reads, &mut hasher);
        Self(hasher.finish128().as_u128())
    }
}

//! What an answer is remembered by.

use std::hash::Hasher;

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
        let mut hasher = Gathering::with(SipHasher24::new_with_key(secret));
        // Each text with its length first, so that none runs into the next.
        let mut text = |text: &str| {
            hasher.write_u64(text.len() as u64);
            hasher.write(text.as_bytes());
        };
        text(around.route);
        text(around.issuer);
        hasher.write_u8(around.http_send.into());
        input.feed(reads, &mut hasher);
        Self(hasher.into_inner().finish128().as_u128())
    }
}

/// Hands a hasher many small things together, which costs a fraction of one at a time.
struct Gathering {
    hasher: SipHasher24,
    gathered: [u8; Self::ROOM],
    len: usize,
}

impl Gathering {
    const ROOM: usize = 256;

    fn with(hasher: SipHasher24) -> Self {
        Self {
            hasher,
            gathered: [0; Self::ROOM],
            len: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        let end = self.len + bytes.len();
        let Some(room) = self.gathered.get_mut(self.len..end) else {
            return false;
        };
        room.copy_from_slice(bytes);
        self.len = end;
        true
    }

    fn hand_over(&mut self) {
        self.hasher
            .write(self.gathered.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    fn into_inner(mut self) -> SipHasher24 {
        self.hand_over();
        self.hasher
    }
}

impl Hasher for Gathering {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if self.put(bytes) {
            return;
        }
        self.hand_over();
        if !self.put(bytes) {
            self.hasher.write(bytes);
        }
    }

    /// Nobody asks for so few bits.
    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_gathered_is_hashed_as_if_it_were_not(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..8),
        ) {
            let (mut gathering, mut plain) = (Gathering::with(SipHasher24::new()), SipHasher24::new());
            for piece in &pieces {
                gathering.write(piece);
                plain.write(piece);
            }
            prop_assert_eq!(gathering.into_inner().finish128(), plain.finish128());
        }
    }
}

//! Nonces (RFC 9449 §8 and §9) that nobody needs to remember: the moment they were made, and a MAC over it. Every pod
//! that has the keys recognises what another one made. Holds keys, never shows them.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use postern_jose::{UnixTime, base64url};

use super::refusal::DpopReason;

/// Most keys held; the rest of a longer list, the oldest, are left out.
pub const MAX_NONCE_KEYS: usize = 8;

/// How far the clocks of two pods may be apart, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// What the MAC covers beside the time, so that the key's other MACs, if it should ever make any, are no nonces.
const PURPOSE: &[u8] = b"postern dpop nonce 1\0";
const TIME_BYTES: usize = 8;
const MAC_BYTES: usize = 32;
/// Of 40 bytes in base64url.
const NONCE_CHARACTERS: usize = 54;

/// A key for HMAC-SHA-256 with its time.
#[derive(Clone)]
pub struct NonceKey {
    key: hmac::Key,
    not_before: UnixTime,
    not_after: UnixTime,
}

impl NonceKey {
    /// A key that makes nonces from `not_before` on, and whose nonces are recognised until before `not_after`.
    #[must_use]
    pub fn new(secret: &[u8; 32], not_before: UnixTime, not_after: UnixTime) -> Self {
        Self {
            key: hmac::Key::new(HMAC_SHA256, secret),
            not_before,
            not_after,
        }
    }

    fn mac(&self, time: [u8; TIME_BYTES]) -> hmac::Tag {
        hmac::sign(&self.key, &[PURPOSE, &time].concat())
    }

    /// In constant time.
    fn made(&self, time: [u8; TIME_BYTES], mac: &[u8]) -> bool {
        hmac::verify(&self.key, &[PURPOSE, &time].concat(), mac).is_ok()
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NonceKey")
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The keys that nonces are made and recognised with, shared by all pods. Immutable; a rotation is another set.
#[derive(Debug, Clone, Default)]
pub struct NonceKeys {
    /// The newest first.
    keys: Box<[NonceKey]>,
}

impl NonceKeys {
    /// These keys, in any order.
    pub fn new(keys: impl IntoIterator<Item = NonceKey>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.not_before));
        keys.truncate(MAX_NONCE_KEYS);
        Self {
            keys: keys.into_boxed_slice(),
        }
    }

    /// Whether no nonce can be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A nonce made now, by the newest key whose time has come. `None` without keys.
    ///
    /// Who is cut off from the source of keys goes on with those it has: a nonce says that a proof is recent, and an old
    /// key says so as well as a new one.
    #[must_use]
    pub fn issue(&self, now: UnixTime) -> Option<String> {
        let key = self.current(now)?;
        let time = now.0.to_be_bytes();
        let mut nonce = Vec::with_capacity(TIME_BYTES + MAC_BYTES);
        nonce.extend_from_slice(&time);
        nonce.extend_from_slice(key.mac(time).as_ref());
        Some(base64url::encode(&nonce))
    }

    fn current(&self, now: UnixTime) -> Option<&NonceKey> {
        let come = self.keys.iter().find(|key| key.not_before <= now);
        come.or(self.keys.last())
    }

    /// Whether one of the keys made `nonce`, at most `lifetime_seconds` ago.
    ///
    /// # Errors
    /// [`DpopReason::NonceUnknown`], or [`DpopReason::NoNonceKeys`] where no nonce can be made instead.
    pub(super) fn check(&self, nonce: &str, lifetime_seconds: u32, now: UnixTime) -> Result<(), DpopReason> {
        let current = self.current(now).ok_or(DpopReason::NoNonceKeys)?;
        let (time, mac) = parts(nonce).ok_or(DpopReason::NonceUnknown)?;
        let age = now.seconds_since(UnixTime(i64::from_be_bytes(time)));
        let recent = (-CLOCK_SKEW_SECONDS..=i64::from(lifetime_seconds)).contains(&age);
        // The current one recognises its own even when it is over, as it makes them even then.
        let others = self.keys.iter().filter(|key| now < key.not_after);
        let mut counting = std::iter::once(current).chain(others);
        if recent && counting.any(|key| key.made(time, &mac)) {
            Ok(())
        } else {
            Err(DpopReason::NonceUnknown)
        }
    }
}

fn parts(nonce: &str) -> Option<([u8; TIME_BYTES], [u8; MAC_BYTES])> {
    if nonce.len() != NONCE_CHARACTERS {
        return None;
    }
    let bytes = base64url::decode(nonce)?;
    let (time, mac) = bytes.split_first_chunk()?;
    Some((*time, mac.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const LIFETIME: u32 = 300;

    fn key(secret: u8, from: i64, until: i64) -> NonceKey {
        NonceKey::new(&[secret; 32], NOW.plus_seconds(from), NOW.plus_seconds(until))
    }

    #[test]
    fn a_nonce_is_good_for_its_lifetime_and_little_before_it_was_made() {
        let keys = NonceKeys::new([key(1, -1_000, 1_000)]);
        let nonce = keys.issue(NOW).unwrap();
        for (seconds, good) in [(-31, false), (-30, true), (0, true), (300, true), (301, false)] {
            let checked = keys.check(&nonce, LIFETIME, NOW.plus_seconds(seconds));
            assert_eq!(checked.is_ok(), good, "{seconds}");
        }
    }

    #[test]
    fn every_pod_recognises_what_another_made_across_a_rotation() {
        let (old, new) = (key(1, -1_000, 100), key(2, 0, 1_000));
        let before = NonceKeys::new([old.clone()]);
        let during = NonceKeys::new([new.clone(), old]);
        let after = NonceKeys::new([new]);
        let early = before.issue(NOW.plus_seconds(-1)).unwrap();
        assert_eq!(during.check(&early, LIFETIME, NOW), Ok(()));
        // The newest key whose time has come makes them; one that is told early is recognised early.
        let late = during.issue(NOW).unwrap();
        assert_eq!(after.check(&late, LIFETIME, NOW), Ok(()));
        assert_eq!(during.check(&late, LIFETIME, NOW.plus_seconds(-1)), Ok(()));
        assert_eq!(during.issue(NOW.plus_seconds(-1)), Some(early.clone()));
        // Who wasn't told of the new one yet asks for another nonce.
        assert_eq!(before.check(&late, LIFETIME, NOW), Err(DpopReason::NonceUnknown));
        assert_eq!(after.check(&early, LIFETIME, NOW), Err(DpopReason::NonceUnknown));
        // Over is over, however young the nonce.
        let last = before.issue(NOW.plus_seconds(99)).unwrap();
        assert_eq!(during.check(&last, LIFETIME, NOW.plus_seconds(99)), Ok(()));
        assert_eq!(
            during.check(&last, LIFETIME, NOW.plus_seconds(100)),
            Err(DpopReason::NonceUnknown)
        );
    }

    #[test]
    fn who_hears_of_no_newer_key_goes_on_with_the_newest() {
        for lonely in [
            NonceKeys::new([key(1, -1_000, -500), key(2, -2_000, -600)]),
            NonceKeys::new([key(1, 500, 1_000)]),
        ] {
            let nonce = lonely.issue(NOW).unwrap();
            assert_eq!(lonely.check(&nonce, LIFETIME, NOW), Ok(()));
        }
    }

    #[test]
    fn the_newest_keys_are_kept() {
        let keys = NonceKeys::new((0..20_u8).map(|n| key(n, i64::from(n) - 100, 1_000)));
        let made_by = |n: u8| NonceKeys::new([key(n, -100, 1_000)]).issue(NOW).unwrap();
        assert_eq!(keys.issue(NOW), Some(made_by(19)));
        assert_eq!(keys.check(&made_by(12), LIFETIME, NOW), Ok(()));
        assert_eq!(
            keys.check(&made_by(11), LIFETIME, NOW),
            Err(DpopReason::NonceUnknown)
        );
    }

    #[test]
    fn keys_are_never_shown() {
        let shown = format!("{:?}", NonceKeys::new([key(0xab, 0, 1)]));
        assert!(!shown.contains("ab, ab") && !shown.contains("171"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_nonce(at in any::<prop::sample::Index>(), new in any::<char>()) {
            let keys = NonceKeys::new([key(1, -1_000, 1_000)]);
            let nonce = keys.issue(NOW).unwrap();
            let at = at.index(nonce.len());
            let mut other = nonce.clone();
            other.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
            prop_assert!(other == nonce || keys.check(&other, LIFETIME, NOW).is_err());
            prop_assert!(keys.check(&nonce[..at], LIFETIME, NOW).is_err());
        }
    }
}

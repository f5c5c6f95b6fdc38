//! When the keys of DPoP nonces (RFC 9449 §8) come and go: a previous one, a current one and a next one, so that every
//! sidecar knows a key before another makes nonces with it, and for a while after. Pure: times in, a plan out.

/// How long a key makes nonces, in seconds; for as long again its nonces are still recognised.
pub(crate) const PERIOD_SECONDS: i64 = 6 * 3_600;
/// A key that lives shorter than this from now on makes no more nonces, in seconds; longer than any nonce is good for.
const GRACE_SECONDS: i64 = 3_600;
/// The least time between telling of a next key and its use, in seconds.
const LEAD_SECONDS: i64 = 60;

/// When a key is good for what; seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    /// Nonces may be made from then on, until the term of the next key begins.
    pub(crate) not_before: i64,
    /// Nonces are not recognised from then on.
    pub(crate) not_after: i64,
}

impl Term {
    fn from(not_before: i64) -> Self {
        Self {
            not_before,
            not_after: not_before.saturating_add(2 * PERIOD_SECONDS),
        }
    }
}

/// The terms for which a key has to be made at `now`, given the keys that there are. After they were made there is a
/// current key that lives long enough, and a next one; asked again at the same time, there is nothing to do.
pub(crate) fn missing(terms: &[Term], now: i64) -> Vec<Term> {
    let mut made = Vec::new();
    let current = terms
        .iter()
        .filter(|term| term.not_before <= now && term.not_after > now.saturating_add(GRACE_SECONDS))
        .max_by_key(|term| term.not_before);
    let current = current.copied().unwrap_or_else(|| {
        let first = Term::from(now);
        made.push(first);
        first
    });
    if !terms.iter().any(|term| term.not_before > now) {
        let due = current.not_before.saturating_add(PERIOD_SECONDS);
        made.push(Term::from(due.max(now.saturating_add(LEAD_SECONDS))));
    }
    made
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One round, as the service does it: `killed` ends it before anything is written.
    fn round(terms: &mut Vec<Term>, now: i64, killed: bool) {
        let made = missing(terms, now);
        if !killed {
            terms.retain(|term| term.not_after > now);
            terms.extend(made);
        }
    }

    #[test]
    fn the_first_round_makes_a_current_key_and_a_next_one() {
        assert_eq!(
            missing(&[], 100),
            [Term::from(100), Term::from(100 + PERIOD_SECONDS)]
        );
    }

    #[test]
    fn a_next_key_is_made_when_the_one_before_takes_over() {
        let mut terms = missing(&[], 0);
        assert_eq!(missing(&terms, PERIOD_SECONDS - 1), []);
        round(&mut terms, PERIOD_SECONDS, false);
        assert_eq!(terms, [0, PERIOD_SECONDS, 2 * PERIOD_SECONDS].map(Term::from));
        round(&mut terms, 2 * PERIOD_SECONDS, false);
        assert_eq!(terms, [1, 2, 3].map(|n| Term::from(n * PERIOD_SECONDS)));
    }

    #[test]
    fn after_a_long_silence_there_is_a_key_at_once() {
        let mut terms = missing(&[], 0);
        let now = 3 * PERIOD_SECONDS - 10;
        round(&mut terms, now, false);
        assert_eq!(terms.iter().filter(|term| term.not_before == now).count(), 1);
    }

    proptest! {
        #[test]
        fn there_is_always_a_current_key_that_lives_and_a_next_one(
            steps in prop::collection::vec((0..4 * PERIOD_SECONDS, any::<bool>()), 1..40),
        ) {
            let (mut terms, mut now) = (Vec::new(), 1_000);
            for (passed, killed) in steps {
                now += passed;
                round(&mut terms, now, killed);
                round(&mut terms, now, false);
                prop_assert!(terms.len() <= 4, "{terms:?}");
                prop_assert!(terms.iter().any(|term| term.not_before <= now && term.not_after > now + GRACE_SECONDS));
                prop_assert_eq!(terms.iter().filter(|term| term.not_before > now).count(), 1);
                prop_assert_eq!(missing(&terms, now), []);
            }
        }

        #[test]
        fn with_regular_rounds_a_key_is_known_before_it_is_used_and_there_are_three_at_most(
            waits in prop::collection::vec(1_i64..300, 1..400),
        ) {
            let (mut terms, mut now) = (Vec::new(), 1_000);
            round(&mut terms, now, false);
            for wait in waits {
                let before = terms.clone();
                now += wait * 60;
                round(&mut terms, now, false);
                let newest = |terms: &[Term]| terms.iter().filter(|t| t.not_before <= now).map(|t| t.not_before).max();
                if wait * 60 < PERIOD_SECONDS {
                    prop_assert_eq!(newest(&before), newest(&terms), "what makes nonces was told before");
                    prop_assert!(terms.len() <= 3, "{:?}", terms);
                }
            }
        }
    }
}

//! The issuers whose tokens are accepted: what is expected of each one's tokens, and the keys that prove them. Immutable;
//! other keys make another issuer. Never fetches.

use std::collections::HashMap;
use std::sync::Arc;

use postern_jose::{Expectations, KeySet, UnixTime};

use crate::accept::TokenSource;
use crate::routes::RequiredClaim;

/// What the operator asks of one issuer's tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuerRules {
    /// Issuer, audiences, algorithms, types, leeway.
    pub expectations: Expectations,
    /// Claims that must be there, with a value or any.
    pub required_claims: Arc<[RequiredClaim]>,
    /// Where its tokens are looked for; what comes from elsewhere isn't accepted.
    pub token_sources: Arc<[TokenSource]>,
    /// What a token with an unknown key does.
    pub on_unknown_kid: OnUnknownKid,
    /// For how many seconds after they were last confirmed its keys count.
    pub max_staleness_seconds: u32,
    /// Whether the issuer can be asked about tokens that are no JWTs (RFC 7662).
    pub introspects: bool,
}

/// What a check does whose token names a key that isn't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknownKid {
    /// It is refused at once; the next one may find the key.
    #[default]
    Refuse,
    /// It waits this long for one fetch, in milliseconds.
    Wait {
        /// At most [`OnUnknownKid::MAX_WAIT_MS`].
        wait_ms: u32,
    },
}

impl OnUnknownKid {
    /// The longest wait, below any deadline that Envoy is given.
    pub const MAX_WAIT_MS: u32 = 400;
}

impl IssuerRules {
    /// How long keys count where nothing is configured: a day.
    pub const DEFAULT_MAX_STALENESS_SECONDS: u32 = 86_400;

    /// Tokens as expected, in the Authorization header, and every other rule at its default.
    pub fn new(expectations: Expectations) -> Self {
        Self {
            expectations,
            required_claims: Arc::default(),
            token_sources: Arc::from([TokenSource::Authorization]),
            on_unknown_kid: OnUnknownKid::Refuse,
            max_staleness_seconds: Self::DEFAULT_MAX_STALENESS_SECONDS,
            introspects: false,
        }
    }
}

/// The keys that an issuer publishes, and when it last said so.
#[derive(Debug, Clone)]
pub struct PublishedKeys {
    keys: Arc<KeySet>,
    fetched_at: UnixTime,
}

/// One issuer. Rules and keys never change apart from it, which is what ties a remembered token to what it was verified
/// with.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    name: Arc<str>,
    rules: Arc<IssuerRules>,
    keys: Option<PublishedKeys>,
}

impl TrustedIssuer {
    /// An issuer whose keys nobody has yet.
    pub fn without_keys(rules: Arc<IssuerRules>) -> Self {
        Self {
            name: Arc::from(rules.expectations.issuer.as_str()),
            rules,
            keys: None,
        }
    }

    /// An issuer that published `keys`, as last confirmed at `fetched_at`.
    pub fn with_keys(rules: Arc<IssuerRules>, keys: Arc<KeySet>, fetched_at: UnixTime) -> Self {
        Self {
            keys: Some(PublishedKeys { keys, fetched_at }),
            ..Self::without_keys(rules)
        }
    }

    /// The same issuer, that has just confirmed the keys it had: what was verified with them still stands.
    #[must_use]
    pub fn confirmed(&self, fetched_at: UnixTime) -> Self {
        let keys = self.keys.clone().map(|keys| PublishedKeys { fetched_at, ..keys });
        Self { keys, ..self.clone() }
    }

    /// Its `iss`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What is asked of its tokens.
    pub fn rules(&self) -> &Arc<IssuerRules> {
        &self.rules
    }

    /// What is expected of its tokens.
    pub fn expectations(&self) -> &Expectations {
        &self.rules.expectations
    }

    /// Its keys, however old.
    pub fn keys(&self) -> Option<&Arc<KeySet>> {
        self.keys.as_ref().map(|published| &published.keys)
    }

    /// When it last said that these are its keys.
    pub fn fetched_at(&self) -> Option<UnixTime> {
        self.keys.as_ref().map(|published| published.fetched_at)
    }

    /// Its keys, where they are young enough to be used.
    pub(crate) fn usable_keys(&self, now: UnixTime) -> Option<&Arc<KeySet>> {
        let published = self.keys.as_ref()?;
        let age = now.seconds_since(published.fetched_at);
        (age <= i64::from(self.rules.max_staleness_seconds)).then_some(&published.keys)
    }
}

/// One of the [`Issuers`], and where it is among them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'s> {
    pub(crate) issuer: &'s Arc<TrustedIssuer>,
    pub(crate) place: usize,
}

/// All issuers, no two of one name, found in constant time.
#[derive(Debug, Clone, Default)]
pub struct Issuers {
    list: Arc<[Arc<TrustedIssuer>]>,
    places: Arc<HashMap<Arc<str>, usize>>,
}

impl Issuers {
    /// These issuers. Of two of one name, the later one counts; the configuration has none.
    pub fn new(issuers: impl IntoIterator<Item = Arc<TrustedIssuer>>) -> Self {
        let list: Arc<[_]> = issuers.into_iter().collect();
        let places = list
            .iter()
            .enumerate()
            .map(|(place, issuer): (usize, &Arc<TrustedIssuer>)| (Arc::clone(issuer.name()), place))
            .collect();
        Self {
            list,
            places: Arc::new(places),
        }
    }

    /// The issuer called `name`, and its place.
    pub(crate) fn find(&self, name: &str) -> Option<Placed<'_>> {
        self.at(*self.places.get(name)?)
    }

    /// The issuer called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<TrustedIssuer>> {
        self.find(name).map(|found| found.issuer)
    }

    /// The issuer at `place`.
    pub(crate) fn at(&self, place: usize) -> Option<Placed<'_>> {
        let issuer = self.list.get(place)?;
        Some(Placed { issuer, place })
    }

    /// Every issuer, as configured.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<TrustedIssuer>> {
        self.list.iter()
    }

    /// The issuers with the one of that name replaced: its keys changed. As they were, where there is none.
    #[must_use]
    pub fn with(&self, replacement: &Arc<TrustedIssuer>) -> Self {
        let list = self
            .list
            .iter()
            .map(|issuer| {
                if issuer.name() == replacement.name() {
                    replacement
                } else {
                    issuer
                }
            })
            .map(Arc::clone)
            .collect();
        Self {
            list,
            places: Arc::clone(&self.places),
        }
    }
}

impl FromIterator<Arc<TrustedIssuer>> for Issuers {
    fn from_iter<I: IntoIterator<Item = Arc<TrustedIssuer>>>(issuers: I) -> Self {
        Self::new(issuers)
    }
}

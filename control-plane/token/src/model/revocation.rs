//! What a revocation is: which tokens, until when. How two for the same tokens become one, and how one comes from a
//! request. Values only.

use aws_lc_rs::digest;

use super::claims::{Invalid, MAX_TTL_SECONDS};

/// How long a token can live that is issued now, and a little for clocks that differ, in seconds.
pub const TOKEN_LIFETIME_SECONDS: i64 = MAX_TTL_SECONDS as i64 + 300;
/// How long an entry may live, in seconds: ten years.
const MAX_ENTRY_SECONDS: i64 = 10 * 365 * 86_400;

const MAX_ISSUER: usize = 512;
const MAX_CLAIM_NAME: usize = 128;
const MAX_VALUE: usize = 1_024;
const MAX_KEY_ID: usize = 256;
const MAX_REASON: usize = 256;

/// The value of a claim that tokens have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClaimValue {
    /// A string.
    Text(String),
    /// A number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
}

/// What the tokens of an issuer have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Which {
    /// A claim with this value: `jti`, `sid` and `fam` too.
    Claim {
        /// The claim's name.
        name: String,
        /// Its value, or one element of it.
        value: ClaimValue,
    },
    /// The key that signed them: `kid`.
    KeyId(String),
}

/// Which tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tokens {
    /// `iss`.
    pub issuer: String,
    /// What they have in common.
    pub which: Which,
}

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Which tokens.
    pub tokens: Tokens,
    /// Only those that were issued before this time, seconds since the epoch; 0: whenever they were issued.
    pub issued_before: i64,
    /// Seconds since the epoch; from then on the entry doesn't count.
    pub expires_at: i64,
    /// When it was put on the list or last changed, seconds since the epoch.
    pub revoked_at: i64,
    /// For people.
    pub reason: String,
}

impl Tokens {
    /// Names the entry for these tokens: the first half of a SHA-256 in hex, the same for the same tokens.
    pub fn id(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let (kind, name, value) = self.which.parts();
        // Each part with its length, so that none runs into the next.
        for part in [self.issuer.as_str(), kind, name, &value] {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        let hash = context.finish();
        let half = hash.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        hex::encode(half)
    }
}

impl Which {
    /// As it is kept: kind, claim, value.
    pub(crate) fn parts(&self) -> (&'static str, &str, String) {
        match self {
            Self::KeyId(key_id) => ("key_id", "", key_id.clone()),
            Self::Claim { name, value } => match value {
                ClaimValue::Text(text) => ("text", name, text.clone()),
                ClaimValue::Integer(number) => ("integer", name, number.to_string()),
                ClaimValue::Boolean(boolean) => ("boolean", name, boolean.to_string()),
            },
        }
    }

    /// From the form that [`Which::parts`] gives.
    pub(crate) fn from_parts(kind: &str, claim: String, value: String) -> Option<Self> {
        let value = match kind {
            "key_id" => return Some(Self::KeyId(value)),
            "text" => ClaimValue::Text(value),
            "integer" => ClaimValue::Integer(value.parse().ok()?),
            "boolean" => ClaimValue::Boolean(value.parse().ok()?),
            _ => return None,
        };
        Some(Self::Claim { name: claim, value })
    }

    fn check(&self, field: &str, wrong: &mut Vec<Invalid>) {
        let mut check = |valid: bool, field: String, expected| {
            if !valid {
                wrong.push(Invalid { field, expected });
            }
        };
        match self {
            Self::KeyId(key_id) => check(is_text(key_id, MAX_KEY_ID), field.to_owned(), "1 to 256 bytes"),
            Self::Claim { name, value } => {
                let is_claim = field == "claim";
                if is_claim {
                    check(
                        is_text(name, MAX_CLAIM_NAME),
                        "claim.name".into(),
                        "1 to 128 bytes",
                    );
                }
                let field = if is_claim { "claim.text" } else { field };
                if let ClaimValue::Text(text) = value {
                    check(is_text(text, MAX_VALUE), field.to_owned(), "1 to 1024 bytes");
                }
            }
        }
    }
}

impl Revocation {
    /// Checks what was asked for at `now`, says everything that is wrong, and fills in what was left out. `field` is what
    /// the request calls `which`.
    ///
    /// # Errors
    /// One [`Invalid`] for each part that is not what it has to be.
    pub fn parse(
        tokens: Tokens,
        field: &str,
        issued_before: i64,
        expires_at: i64,
        reason: String,
        now: i64,
    ) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        tokens.which.check(field, &mut wrong);
        let latest = now.saturating_add(MAX_ENTRY_SECONDS);
        let lives_until = match (expires_at, &tokens.which) {
            (0, Which::KeyId(_)) => latest,
            (0, Which::Claim { .. }) if issued_before > 0 => {
                issued_before.saturating_add(TOKEN_LIFETIME_SECONDS).min(latest)
            }
            (0, Which::Claim { .. }) => now.saturating_add(TOKEN_LIFETIME_SECONDS),
            (given, _) => given,
        };
        let mut check = |valid: bool, field: &str, expected| {
            if !valid {
                let field = field.to_owned();
                wrong.push(Invalid { field, expected });
            }
        };
        check(is_text(&tokens.issuer, MAX_ISSUER), "issuer", "1 to 512 bytes");
        check(
            (0..=latest).contains(&issued_before),
            "issued_before",
            "seconds since the epoch, at most ten years from now; 0 for whenever they were issued",
        );
        check(
            expires_at == 0 || (now.saturating_add(1)..=latest).contains(&expires_at),
            "expires_at",
            "a time in the future, at most ten years from now; 0 for the default",
        );
        check(
            expires_at != 0 || lives_until > now,
            "issued_before",
            "a time from which tokens may still be valid; where the issuer's live longer than a day, give expires_at",
        );
        check(
            reason.chars().count() <= MAX_REASON && !reason.chars().any(char::is_control),
            "reason",
            "at most 256 characters, none of them a control character",
        );
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            tokens,
            issued_before,
            expires_at: lives_until,
            revoked_at: now,
            reason,
        })
    }

    /// This entry on top of the `former` one for the same tokens: nothing that was revoked becomes valid by it. One that
    /// has expired counts for nothing.
    #[must_use]
    pub fn on_top_of(self, former: Option<&Self>) -> Self {
        let Some(former) = former.filter(|former| former.expires_at > self.revoked_at) else {
            return self;
        };
        let issued_before = match (self.issued_before, former.issued_before) {
            (0, _) | (_, 0) => 0,
            (one, other) => one.max(other),
        };
        Self {
            issued_before,
            expires_at: self.expires_at.max(former.expires_at),
            reason: if self.reason.is_empty() {
                former.reason.clone()
            } else {
                self.reason
            },
            ..self
        }
    }
}

/// Whatever a claim may hold, of a bounded length.
fn is_text(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
}

#[cfg(test)]
mod tests;

//! SPIFFE IDs, exactly as the standard has them (SPIFFE-ID §2,
//! <https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md>). Nothing is normalised: what isn't an ID to the
//! letter is none, so that two different texts are never the same workload.

use std::fmt;
use std::str::FromStr;

/// §2.3: implementations support IDs up to this length, and never make longer ones.
const MAX_ID_BYTES: usize = 2048;

/// §2.1, after RFC 3986 §3.2.2.
const MAX_TRUST_DOMAIN_BYTES: usize = 255;

/// The scheme is lower case here, though URI schemes don't depend on case: nobody writes another.
const SCHEME: &str = "spiffe://";

/// The identity of a workload, or of a trust domain where it has no path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId {
    id: Box<str>,
    /// Where the trust domain ends and the path begins.
    path_start: usize,
}

/// The rule of the standard that a text breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Nothing there.
    #[error("a SPIFFE ID can't be empty")]
    Empty,
    /// §2.3.
    #[error("a SPIFFE ID is at most {MAX_ID_BYTES} bytes long, this one has {0}")]
    TooLong(usize),
    /// §2.
    #[error("a SPIFFE ID begins with `spiffe://`, in lower case")]
    Scheme,
    /// §2: the query component is not used.
    #[error("a SPIFFE ID has no query (`?`)")]
    Query,
    /// §2: the fragment component is not used.
    #[error("a SPIFFE ID has no fragment (`#`)")]
    Fragment,
    /// §2.1 and §2.2: percent-encoded characters are not allowed.
    #[error("a SPIFFE ID has no percent-encoding (`%`)")]
    PercentEncoding,
    /// §2.1: the authority has no userinfo.
    #[error("a SPIFFE ID has no userinfo (`@`) before its trust domain")]
    UserInfo,
    /// §2.1: the authority has no port.
    #[error("a SPIFFE ID has no port (`:`) after its trust domain")]
    Port,
    /// §2.1.
    #[error("a SPIFFE ID names a trust domain after `spiffe://`")]
    TrustDomainMissing,
    /// §2.1.
    #[error("a trust domain is at most {MAX_TRUST_DOMAIN_BYTES} bytes long, this one has {0}")]
    TrustDomainTooLong(usize),
    /// §2.1.
    #[error("a trust domain consists of `a-z 0-9 . - _`, not of {0:?}")]
    TrustDomainCharacter(char),
    /// §2.2.
    #[error("a SPIFFE ID's path doesn't end with `/`")]
    TrailingSlash,
    /// §2.2.
    #[error("a SPIFFE ID's path has no empty segments (`//`)")]
    EmptySegment,
    /// §2.2.
    #[error("a SPIFFE ID's path has no relative segments (`.` or `..`)")]
    DotSegment,
    /// §2.2.
    #[error("a SPIFFE ID's path consists of `A-Z a-z 0-9 . - _` between slashes, not of {0:?}")]
    PathCharacter(char),
}

impl SpiffeId {
    /// Reads an ID.
    ///
    /// # Errors
    /// The first rule that it breaks; what is wrong with the whole comes before what is wrong with a part.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.is_empty() {
            return Err(SpiffeIdError::Empty);
        }
        if text.len() > MAX_ID_BYTES {
            return Err(SpiffeIdError::TooLong(text.len()));
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        for (character, error) in [
            ('?', SpiffeIdError::Query),
            ('#', SpiffeIdError::Fragment),
            ('%', SpiffeIdError::PercentEncoding),
        ] {
            if rest.contains(character) {
                return Err(error);
            }
        }
        let (trust_domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_trust_domain(trust_domain)?;
        check_path(path)?;
        Ok(SpiffeId {
            id: text.into(),
            path_start: SCHEME.len() + trust_domain.len(),
        })
    }

    /// The whole ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }

    /// The trust domain's name, `prod.example` of `spiffe://prod.example/ns/shop/sa/web`.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.id.get(SCHEME.len()..self.path_start).unwrap_or_default()
    }

    /// The path with its leading slash, `/ns/shop/sa/web`; empty for the ID of a trust domain itself.
    #[must_use]
    pub fn path(&self) -> &str {
        self.id.get(self.path_start..).unwrap_or_default()
    }
}

fn check_trust_domain(name: &str) -> Result<(), SpiffeIdError> {
    if name.is_empty() {
        return Err(SpiffeIdError::TrustDomainMissing);
    }
    if name.len() > MAX_TRUST_DOMAIN_BYTES {
        return Err(SpiffeIdError::TrustDomainTooLong(name.len()));
    }
    if name.contains('@') {
        return Err(SpiffeIdError::UserInfo);
    }
    let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '.' | '-' | '_');
    match name.chars().find(|character| !allowed(*character)) {
        None => Ok(()),
        Some(':') => Err(SpiffeIdError::Port),
        Some(character) => Err(SpiffeIdError::TrustDomainCharacter(character)),
    }
}

fn check_path(path: &str) -> Result<(), SpiffeIdError> {
    if path.is_empty() {
        return Ok(());
    }
    if path.ends_with('/') {
        return Err(SpiffeIdError::TrailingSlash);
    }
    path.split('/').skip(1).try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), SpiffeIdError> {
    match segment {
        "" => return Err(SpiffeIdError::EmptySegment),
        "." | ".." => return Err(SpiffeIdError::DotSegment),
        _ => {}
    }
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    match segment.chars().find(|character| !allowed(*character)) {
        None => Ok(()),
        Some(character) => Err(SpiffeIdError::PathCharacter(character)),
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, SpiffeIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_examples_are_ids() {
        for (text, trust_domain, path) in [
            (
                "spiffe://staging.example.com/payments/mysql",
                "staging.example.com",
                "/payments/mysql",
            ),
            (
                "spiffe://k8s-west.example.com/ns/staging/sa/default",
                "k8s-west.example.com",
                "/ns/staging/sa/default",
            ),
            (
                "spiffe://example.com/9eebccd2-12bf-40a6-b262-65fe0487d453",
                "example.com",
                "/9eebccd2-12bf-40a6-b262-65fe0487d453",
            ),
            ("spiffe://example.com", "example.com", ""),
            ("spiffe://1.2.3.4/service", "1.2.3.4", "/service"),
            ("spiffe://a_b-c.d/A.b_C-9/...", "a_b-c.d", "/A.b_C-9/..."),
        ] {
            let id = SpiffeId::parse(text).expect(text);
            assert_eq!(
                (id.trust_domain(), id.path(), id.as_str()),
                (trust_domain, path, text)
            );
        }
    }

    #[test]
    fn each_rule_that_is_broken_is_named() {
        use SpiffeIdError::*;
        for (text, error) in [
            ("", Empty),
            ("example.com/web", Scheme),
            ("SPIFFE://example.com/web", Scheme),
            ("spiffe:/example.com/web", Scheme),
            ("https://example.com/web", Scheme),
            (" spiffe://example.com/web", Scheme),
            ("spiffe://example.com/web?q=1", Query),
            ("spiffe://example.com/web#f", Fragment),
            ("spiffe://example.com/we%62", PercentEncoding),
            ("spiffe://ex%61mple.com/web", PercentEncoding),
            ("spiffe://user@example.com/web", UserInfo),
            ("spiffe://user:pw@example.com/web", UserInfo),
            ("spiffe://example.com:8443/web", Port),
            ("spiffe://", TrustDomainMissing),
            ("spiffe:///web", TrustDomainMissing),
            ("spiffe://Example.com/web", TrustDomainCharacter('E')),
            ("spiffe://exämple.com/web", TrustDomainCharacter('ä')),
            ("spiffe://[2001:db8::1]/web", TrustDomainCharacter('[')),
            ("spiffe://example.com/", TrailingSlash),
            ("spiffe://example.com/web/", TrailingSlash),
            ("spiffe://example.com//web", EmptySegment),
            ("spiffe://example.com/a//b", EmptySegment),
            ("spiffe://example.com/./web", DotSegment),
            ("spiffe://example.com/a/../b", DotSegment),
            ("spiffe://example.com/..", DotSegment),
            ("spiffe://example.com/a b", PathCharacter(' ')),
            ("spiffe://example.com/a:b", PathCharacter(':')),
            ("spiffe://example.com/wéb", PathCharacter('é')),
            ("spiffe://example.com/web\0", PathCharacter('\0')),
            ("spiffe://example.com/web\n", PathCharacter('\n')),
        ] {
            assert_eq!(SpiffeId::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_limits_are_exact() {
        let domain = |bytes| format!("spiffe://{}", "d".repeat(bytes));
        assert!(SpiffeId::parse(&domain(255)).is_ok());
        assert_eq!(
            SpiffeId::parse(&domain(256)),
            Err(SpiffeIdError::TrustDomainTooLong(256))
        );

        let whole = |bytes: usize| format!("spiffe://td/{}", "p".repeat(bytes - "spiffe://td/".len()));
        assert!(SpiffeId::parse(&whole(2048)).is_ok());
        assert_eq!(SpiffeId::parse(&whole(2049)), Err(SpiffeIdError::TooLong(2049)));
    }
}

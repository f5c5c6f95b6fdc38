//! What the operator chose about answers: the realm, and the prefix of the headers that tell the upstream who called.

use std::sync::Arc;

use crate::header;

/// Settings of answers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `realm` of `WWW-Authenticate` (RFC 9110 §11.5); printable ASCII.
    pub realm: String,
    /// The header names that belong to Postern.
    pub prefix: HeaderPrefix,
    /// Most headers that the proxy lets a request have once ours are among them, pseudo-headers included. Envoy answers 500
    /// to more, without a word; such a request is refused here instead.
    pub max_upstream_headers: usize,
    /// For how many seconds a DPoP nonce is good (RFC 9449 §8).
    pub dpop_nonce_lifetime_seconds: u32,
}

impl Settings {
    /// What Envoy takes where nothing is configured (`max_headers_count`).
    pub const DEFAULT_MAX_UPSTREAM_HEADERS: usize = 100;
    /// For how many seconds a DPoP nonce is good where nothing is configured.
    pub const DEFAULT_DPOP_NONCE_LIFETIME_SECONDS: u32 = 300;
}

/// The prefix of header names that only Postern may send to an upstream, and the names made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPrefix {
    prefix: String,
    head: Head,
    pub(crate) subject: Arc<str>,
    pub(crate) client: Arc<str>,
    pub(crate) scope: Arc<str>,
    pub(crate) peer: Arc<str>,
    pub(crate) route: Arc<str>,
    pub(crate) auth: Arc<str>,
    pub(crate) decision_id: Arc<str>,
}

/// Why a prefix can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected lower-case letters, digits and dashes, beginning with a letter and ending with a dash (x-postern-)"
)]
pub struct PrefixError;

impl HeaderPrefix {
    /// What is used where nothing is configured.
    pub const DEFAULT: &'static str = "x-postern-";

    /// Checks `prefix`.
    ///
    /// # Errors
    /// When it isn't the beginning of a header name in its plainest form.
    pub fn new(prefix: &str) -> Result<Self, PrefixError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = prefix.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins || !prefix.ends_with('-') || !prefix.bytes().all(plain) || !header::is_name(prefix) {
            return Err(PrefixError);
        }
        let name = |of: &str| Arc::from(format!("{prefix}{of}"));
        Ok(Self {
            subject: name("subject"),
            client: name("client"),
            scope: name("scope"),
            peer: name("peer"),
            route: name("route"),
            auth: name("auth"),
            decision_id: name("decision-id"),
            head: Head::of(prefix),
            prefix: prefix.to_owned(),
        })
    }

    /// Whether `name` belongs to Postern. Servers that turn header names into variables (CGI, WSGI, PHP) tell neither
    /// the cases apart nor what isn't a letter or digit, so neither does this.
    pub fn owns(&self, name: impl AsRef<[u8]>) -> bool {
        let name = name.as_ref();
        if !self.head.may_begin(name) {
            return false;
        }
        let begins = name.get(..self.prefix.len());
        // From its end, since most names begin with the same letters as ours.
        begins.is_some_and(|begins| {
            let pairs = self.prefix.bytes().zip(begins);
            pairs.rev().all(|(ours, theirs)| ours == fold(*theirs))
        })
    }

    /// The prefix itself.
    pub fn as_str(&self) -> &str {
        &self.prefix
    }

    /// Whether `name` is one of those that are always ours to fill, or a spelling that an upstream could take for it.
    pub(crate) fn is_identity(&self, name: &str) -> bool {
        [
            &self.subject,
            &self.client,
            &self.scope,
            &self.peer,
            &self.route,
            &self.auth,
            &self.decision_id,
        ]
        .into_iter()
        .any(|ours| {
            ours.len() == name.len()
                && ours
                    .bytes()
                    .zip(name.bytes())
                    .all(|(ours, theirs)| ours == fold(theirs))
        })
    }
}

/// The prefix's first letters and digits, to be compared all at once: nearly all headers of a request are others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    /// Which of a name's first bytes are compared.
    mask: u64,
    /// What they are then.
    wanted: u64,
}

/// What tells a lower-case letter from its upper case, and is in every digit.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

impl Head {
    fn of(prefix: &str) -> Self {
        let mut mask = [0; 8];
        let mut wanted = [0; 8];
        for ((mask, wanted), byte) in mask.iter_mut().zip(&mut wanted).zip(prefix.bytes()) {
            if byte.is_ascii_alphanumeric() {
                (*mask, *wanted) = (0xff, byte);
            }
        }
        Self {
            mask: u64::from_le_bytes(mask),
            wanted: u64::from_le_bytes(wanted),
        }
    }

    /// Whether a name may have the prefix in one of its spellings; it is looked at closely then.
    fn may_begin(self, name: &[u8]) -> bool {
        let first = name.first_chunk();
        first.is_none_or(|first| (u64::from_le_bytes(*first) | LOWER_CASE) & self.mask == self.wanted)
    }
}

/// Upstreams that put headers into variables (CGI and its heirs) write one character for all that isn't a letter or digit.
fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_owns_every_spelling_that_an_upstream_could_confuse() {
        let prefix = HeaderPrefix::new("x-postern-").unwrap();
        for name in [
            "x-postern-subject",
            "x_postern_subject",
            "X-Postern_role",
            "x.postern.a",
            "x!postern~subject",
            "x-postern-",
        ] {
            assert!(prefix.owns(name), "{name}");
        }
        for name in ["x-poster", "x-posternal", "xx-postern-a", "authorization", ""] {
            assert!(!prefix.owns(name), "{name}");
        }
    }

    #[test]
    fn the_first_bytes_at_once_say_what_each_by_itself_does() {
        for prefix in ["x-postern-", "x-", "a1-b2-", "x-1postern-"] {
            let ours = HeaderPrefix::new(prefix).unwrap();
            for (place, byte) in (0..prefix.len()).flat_map(|place| (0..0x80).map(move |byte| (place, byte)))
            {
                let mut name = format!("{prefix}subject").into_bytes();
                name[place] = byte;
                let closely = name
                    .iter()
                    .zip(prefix.bytes())
                    .all(|(theirs, ours)| ours == fold(*theirs));
                let name = String::from_utf8(name).unwrap();
                assert_eq!(ours.owns(&name), closely, "{prefix} {name:?}");
            }
        }
    }

    #[test]
    fn who_called_is_ours_to_say_in_every_spelling() {
        let prefix = HeaderPrefix::new("x-postern-").unwrap();
        for name in [
            "x-postern-subject",
            "x_postern_subject",
            "x-postern-decision_id",
            "X-Postern-Auth",
        ] {
            assert!(prefix.is_identity(name), "{name}");
        }
        for name in ["x-postern-role", "x-postern-subjects", "x-postern-"] {
            assert!(!prefix.is_identity(name), "{name}");
        }
    }

    #[test]
    fn a_prefix_that_is_no_prefix_is_refused() {
        for prefix in [
            "",
            "-",
            "x-postern",
            "X-Postern-",
            "x_postern-",
            "x postern-",
            "x:-",
            "1-",
        ] {
            assert_eq!(HeaderPrefix::new(prefix), Err(PrefixError), "{prefix:?}");
        }
    }
}

//! Who calls, as far as this check has proved it. Made by the credentials stage alone.

use std::fmt;
use std::sync::Arc;

use postern_mesh::SpiffeId;

use crate::api_keys::ApiKey;
use crate::text::Text;
use crate::verified_caller::VerifiedCaller;

/// The means by which a caller was accepted: a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Methods(u8);

impl Methods {
    /// A verified token.
    pub const JWT: Self = Self(1);
    /// The workload at the other end of the connection.
    pub const MTLS: Self = Self(2);
    /// An API key.
    pub const API_KEY: Self = Self(4);
    /// Nothing, where nothing is asked for.
    pub const ANONYMOUS: Self = Self(8);

    /// Each with its name.
    const NAMES: [(Self, &'static str); 4] = [
        (Self::JWT, "jwt"),
        (Self::MTLS, "mtls"),
        (Self::API_KEY, "api_key"),
        (Self::ANONYMOUS, "anonymous"),
    ];

    /// Both sets in one.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none: the check ended before.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names, one by one.
    pub fn names(self) -> impl Iterator<Item = &'static str> + Clone {
        Self::NAMES
            .into_iter()
            .filter(move |(method, _)| self.contain(*method))
            .map(|(_, name)| name)
    }

    /// Their names with a comma between, as `x-postern-auth` has them; empty for none.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "jwt",
            2 => "mtls",
            3 => "jwt,mtls",
            4 => "api_key",
            5 => "jwt,api_key",
            6 => "mtls,api_key",
            7 => "jwt,mtls,api_key",
            8 => "anonymous",
            _ => "",
        }
    }
}

/// What ties the token to whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binding {
    /// Nothing: whoever has the token can send it.
    #[default]
    None,
    /// A proof of the key that it is bound to (RFC 9449).
    Dpop,
    /// The certificate that it is bound to (RFC 8705).
    Mtls,
    /// Both.
    DpopAndMtls,
}

impl Binding {
    /// Its name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop => "dpop",
            Self::Mtls => "mtls",
            Self::DpopAndMtls => "dpop,mtls",
        }
    }
}

/// Who calls: the token and the API key that say so, where there are any.
#[derive(Clone, Default)]
pub struct Identity {
    pub(crate) token: Option<Arc<VerifiedCaller>>,
    pub(crate) api_key: Option<Arc<ApiKey>>,
}

/// Names, and none of the claims.
impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("subject", &self.subject())
            .field("client_id", &self.client_id())
            .field("issuer", &self.issuer())
            .field("api_key_id", &self.api_key_id())
            .finish()
    }
}

impl Identity {
    /// Who: `sub` of the token, else the API key's subject.
    pub fn subject(&self) -> Option<&Arc<str>> {
        match (&self.token, &self.api_key) {
            (Some(token), _) => token.subject(),
            (None, Some(key)) => Some(&key.subject),
            (None, None) => None,
        }
    }

    /// With which client: `client_id` of the token, else the API key's id.
    pub fn client_id(&self) -> Option<&Arc<str>> {
        match (&self.token, &self.api_key) {
            (Some(token), _) => token.client_id(),
            (None, Some(key)) => Some(&key.id),
            (None, None) => None,
        }
    }

    /// `iss` of the token.
    pub fn issuer(&self) -> Option<&Arc<str>> {
        self.token.as_ref().map(|token| token.issuer())
    }

    /// The API key's id.
    pub fn api_key_id(&self) -> Option<&Arc<str>> {
        self.api_key.as_ref().map(|key| &key.id)
    }

    /// What they may do: the token's scopes, else the API key's.
    pub(crate) fn scopes(&self) -> &[Box<str>] {
        match (&self.token, &self.api_key) {
            (Some(token), _) => token.scopes(),
            (None, Some(key)) => &key.scopes,
            (None, None) => &[],
        }
    }
}

/// Who calls, and how that was proved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) peer: Option<Arc<SpiffeId>>,
    pub(crate) methods: Methods,
    pub(crate) binding: Binding,
}

/// What the upstream is told of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Who: [`Identity::subject`].
    Subject,
    /// With which client: [`Identity::client_id`].
    Client,
    /// The scopes with one space between.
    Scope,
}

impl Caller {
    /// What the upstream is told, as a text that doesn't copy the token's; `None` for what isn't known.
    pub(crate) fn told(&self, what: Told) -> Option<Text> {
        if let Some(token) = &self.identity.token {
            return token.told(what).map(|_| Text::Claimed(Arc::clone(token), what));
        }
        let key = self.identity.api_key.as_ref()?;
        match what {
            Told::Subject => Some(Text::from(&key.subject)),
            Told::Client => Some(Text::from(&key.id)),
            Told::Scope => (!key.scopes.is_empty()).then(|| Text::from(key.scopes.join(" "))),
        }
    }
}

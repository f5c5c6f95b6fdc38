//! What the tests of credentials share: parts of `accept`, and requests that bring credentials.

use std::sync::Arc;

use postern_decide::routes::{PeerRules, SpiffePattern};
use postern_decide::{Accept, ApiKey, ApiKeyAccept, ApiKeys, Decision, JwtAccept, Methods};
use postern_telemetry::Code;

use crate::world::{World, sha256};

pub(crate) const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
pub(crate) const KEY: &str = "postern_key_k1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const JKT: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";
pub(crate) const OTHER_ISSUER: &str = "https://other.example";

pub(crate) fn any(parts: &[Accept]) -> Accept {
    Accept::Any(Arc::from(parts))
}

pub(crate) fn all(parts: &[Accept]) -> Accept {
    Accept::All(Arc::from(parts))
}

pub(crate) fn jwt() -> Accept {
    Accept::default()
}

pub(crate) fn jwt_of(issuer: &str) -> Accept {
    Accept::Jwt(JwtAccept {
        issuers: Some(Arc::from([Arc::from(issuer)])),
        ..JwtAccept::any_issuer()
    })
}

pub(crate) fn mtls() -> Accept {
    Accept::Mtls(PeerRules::default())
}

pub(crate) fn mtls_of(id: &str) -> Accept {
    Accept::Mtls(PeerRules {
        spiffe_ids: Arc::from([SpiffePattern::parse(id).unwrap()]),
        ..PeerRules::default()
    })
}

pub(crate) fn api_key() -> Accept {
    Accept::ApiKey(ApiKeyAccept {
        header: Arc::from("x-api-key"),
    })
}

/// A world with an API key whose route accepts this.
pub(crate) fn accepting(accept: Accept) -> World {
    let mut world = World::allowing().where_route(|route| route.accept = accept);
    let key = ApiKey {
        id: Arc::from("k1"),
        name: Arc::from("batch"),
        subject: Arc::from("nightly"),
        scopes: Arc::from([Box::from("orders:read")]),
        expires_at: None,
        sha256: sha256(KEY.as_bytes()),
    };
    world.snapshot = world
        .snapshot
        .with_api_keys(Arc::new(ApiKeys::default().with([key], [])));
    world
}

/// What a request brings.
#[derive(Clone, Copy)]
pub(crate) struct Brings<'a> {
    pub(crate) token: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) certificate: Option<&'a str>,
}

impl<'a> Brings<'a> {
    pub(crate) const NOTHING: Self = Self {
        token: None,
        key: None,
        certificate: None,
    };

    pub(crate) fn token(token: &'a str) -> Self {
        Self {
            token: Some(token),
            ..Self::NOTHING
        }
    }

    pub(crate) fn key(key: &'a str) -> Self {
        Self::NOTHING.and_key(key)
    }

    pub(crate) fn peer(certificate: &'a str) -> Self {
        Self::NOTHING.and_peer(certificate)
    }

    pub(crate) fn and_key(self, key: &'a str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    pub(crate) fn and_peer(self, certificate: &'a str) -> Self {
        Self {
            certificate: Some(certificate),
            ..self
        }
    }
}

pub(crate) fn ask(world: &World, brings: Brings<'_>) -> Decision {
    let authorization = brings.token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = [
        authorization.as_deref().map(|value| ("authorization", value)),
        brings.key.map(|value| ("x-api-key", value)),
    ]
    .into_iter()
    .flatten()
    .collect();
    world.ask_from(brings.certificate.unwrap_or_default(), &headers)
}

#[track_caller]
pub(crate) fn check(world: &World, brings: Brings<'_>, expected: Result<Methods, Code>) {
    let decision = ask(world, brings);
    let found = match decision.record.code {
        None => Ok(decision.record.methods),
        Some(code) => Err(code),
    };
    assert_eq!(found, expected, "{:?}", decision.record);
}

//! What a route accepts: what the file says, and what it must be. Each part can be satisfied, or is refused here.

use std::fmt;
use std::sync::Arc;

use postern_config::{ConfigError, Document};
use postern_decide::routes::PeerRules;
use postern_decide::{ApiKeyAccept, Header, JwtAccept, TokenSource};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{Issuer, peer};

/// How deep `any` and `all` may stand in each other.
const MAX_DEPTH: usize = 8;

/// The forms that a part has.
const FORMS: &[&str] = &["jwt", "mtls", "api_key", "anonymous", "any", "all"];

/// What a route accepts as proof of who calls: `jwt`, `mtls`, `api_key` or `anonymous`, as a word or with details
/// (`jwt: {issuers: […]}`), or `any` or `all` of a list of such.
#[derive(Debug)]
pub enum Accept {
    /// A token of a trusted issuer.
    Jwt(Jwt),
    /// A workload with a certificate.
    Mtls(Mtls),
    /// An API key of the control plane.
    ApiKey(ApiKey),
    /// Everybody who presents nothing; last in `any`.
    Anonymous,
    /// The first of these that proves anything, in this order. What is presented and wrong is refused all the same.
    Any(Vec<Accept>),
    /// Each of these.
    All(Vec<Accept>),
}

/// Which tokens are accepted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Issuers of `issuers:` whose tokens are; those of others are `token_wrong_issuer`. Default all of them.
    pub issuers: Option<Vec<String>>,
}

/// Which workloads are accepted, beyond what the route's `peer` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mtls {
    /// Trust domains, of which the peer must be in one (`peer_untrusted`). Default any.
    #[serde(default)]
    pub trust_domains: Vec<String>,
    /// IDs, of which the peer must have one, or all below one (`spiffe://prod.example/ns/shop/*`), or it
    /// is `peer_untrusted`. Default any.
    #[serde(default)]
    pub spiffe_ids: Vec<String>,
}

/// Where an API key is looked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The header that holds it and nothing else; a wrong one is `api_key_invalid`. Default `x-api-key`.
    #[serde(default = "api_key_header")]
    pub header: String,
}

fn api_key_header() -> String {
    "x-api-key".to_owned()
}

impl Default for Accept {
    fn default() -> Self {
        Self::Jwt(Jwt::default())
    }
}

impl<'de> Deserialize<'de> for Accept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Part)
    }
}

struct Part;

impl<'de> Visitor<'de> for Part {
    type Value = Accept;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .write_str("one of jwt, mtls, api_key and anonymous, or a map with one key of those, any and all")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Accept, E> {
        match word {
            "jwt" => Ok(Accept::default()),
            "mtls" => Ok(Accept::Mtls(Mtls::default())),
            "api_key" => Ok(Accept::ApiKey(ApiKey {
                header: api_key_header(),
            })),
            "anonymous" => Ok(Accept::Anonymous),
            _ => Err(E::unknown_variant(word, FORMS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Accept, A::Error> {
        let Some(form) = map.next_key::<String>()? else {
            return Err(A::Error::custom(
                "expected one key: jwt, mtls, api_key, any or all",
            ));
        };
        let part = match form.as_str() {
            "jwt" => Accept::Jwt(map.next_value()?),
            "mtls" => Accept::Mtls(map.next_value()?),
            "api_key" => Accept::ApiKey(map.next_value()?),
            "any" => Accept::Any(map.next_value()?),
            "all" => Accept::All(map.next_value()?),
            _ => return Err(A::Error::unknown_field(&form, FORMS)),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom(
                "expected one key; say `any: […]` or `all: […]` of several",
            ));
        }
        Ok(part)
    }
}

/// What the rest of the file has, that parts may need.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) document: &'a Document,
    pub(super) issuers: &'a [Issuer],
    pub(super) control_plane: bool,
    /// Whom the route takes at all.
    pub(super) peer: &'a PeerRules,
}

/// The expression at `path` of the file, checked.
pub(super) fn checked(
    around: &Around<'_>,
    path: &[&str],
    file: &Accept,
) -> Result<postern_decide::Accept, ConfigError> {
    part(around, path, file, 0)
}

/// A token of any issuer: what is accepted where nothing is said.
pub(super) fn any_issuer(
    document: &Document,
    path: &[&str],
    issuers: &[Issuer],
) -> Result<postern_decide::Accept, ConfigError> {
    tokens(document, path, None, &issuers.iter().collect::<Vec<_>>()).map(postern_decide::Accept::Jwt)
}

fn part(
    around: &Around<'_>,
    path: &[&str],
    file: &Accept,
    depth: usize,
) -> Result<postern_decide::Accept, ConfigError> {
    let at = |key: &'static str| [path, &[key]].concat();
    match file {
        Accept::Anonymous => Ok(postern_decide::Accept::Anonymous),
        Accept::Jwt(jwt) => self::jwt(around, path, jwt),
        Accept::Mtls(mtls) => self::mtls(around, &at("mtls"), mtls),
        Accept::ApiKey(key) => api_key(around, &at("api_key"), key),
        Accept::Any(parts) => {
            let path = at("any");
            let last = parts.len().saturating_sub(1);
            let too_early = |(index, part): (usize, &Accept)| takes_anybody(part) && index != last;
            if let Some(index) = parts.iter().enumerate().position(too_early) {
                let message = "nothing that comes after `anonymous` would ever be tried; put it last";
                return Err(invalid_at(around, &path, index, message));
            }
            several(around, &path, parts, depth).map(postern_decide::Accept::Any)
        }
        Accept::All(parts) => {
            let path = at("all");
            if let Some(index) = parts.iter().position(takes_anybody) {
                let message = "nobody can prove something and be anonymous; remove it, or say `any`";
                return Err(invalid_at(around, &path, index, message));
            }
            several(around, &path, parts, depth).map(postern_decide::Accept::All)
        }
    }
}

/// Whether `anonymous` is somewhere in it.
fn takes_anybody(file: &Accept) -> bool {
    match file {
        Accept::Anonymous => true,
        Accept::Any(parts) | Accept::All(parts) => parts.iter().any(takes_anybody),
        Accept::Jwt(_) | Accept::Mtls(_) | Accept::ApiKey(_) => false,
    }
}

fn several(
    around: &Around<'_>,
    path: &[&str],
    parts: &[Accept],
    depth: usize,
) -> Result<Arc<[postern_decide::Accept]>, ConfigError> {
    let invalid = |message: String| Err(around.document.invalid(path, message));
    if parts.is_empty() {
        return invalid("expected at least one; nothing satisfies an empty list".to_owned());
    }
    if depth == MAX_DEPTH {
        return invalid(format!("expected at most {MAX_DEPTH} levels of `any` and `all`"));
    }
    let one = |(index, file): (usize, &Accept)| {
        part(
            around,
            &[path, &[index.to_string().as_str()]].concat(),
            file,
            depth + 1,
        )
    };
    parts.iter().enumerate().map(one).collect()
}

fn invalid_at(around: &Around<'_>, path: &[&str], index: usize, message: &str) -> ConfigError {
    around
        .document
        .invalid(&[path, &[index.to_string().as_str()]].concat(), message)
}

fn jwt(around: &Around<'_>, path: &[&str], file: &Jwt) -> Result<postern_decide::Accept, ConfigError> {
    let Some(names) = &file.issuers else {
        return any_issuer(around.document, path, around.issuers);
    };
    let path = [path, &["jwt", "issuers"]].concat();
    if names.is_empty() {
        let message = "expected at least one issuer; leave the key out to mean all";
        return Err(around.document.invalid(&path, message));
    }
    let mut issuers: Vec<&Issuer> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let Some(issuer) = around.issuers.iter().find(|issuer| issuer.name() == name) else {
            let message = format!("`{name}` is none of the `issuers` at the top of this file");
            return Err(invalid_at(around, &path, index, &message));
        };
        if issuers.iter().any(|other| other.name() == name) {
            return Err(invalid_at(around, &path, index, "it is there already"));
        }
        issuers.push(issuer);
    }
    let names = names.iter().map(|name| Arc::from(name.as_str())).collect();
    tokens(around.document, &path, Some(names), &issuers).map(postern_decide::Accept::Jwt)
}

/// Tokens of `issuers`, looked for wherever theirs are.
fn tokens(
    document: &Document,
    path: &[&str],
    names: Option<Arc<[Arc<str>]>>,
    issuers: &[&Issuer],
) -> Result<JwtAccept, ConfigError> {
    if issuers.is_empty() {
        let message = "expected at least one issuer in `issuers`; without one every token is refused";
        return Err(document.invalid(path, message));
    }
    let mut sources: Vec<TokenSource> = Vec::new();
    for source in issuers
        .iter()
        .flat_map(|issuer| issuer.plan.rules.token_sources.iter())
    {
        if !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    let mut asked = issuers.iter().filter(|issuer| issuer.plan.rules.introspects);
    let introspects = asked.next();
    if let (Some(one), Some(other)) = (introspects, asked.next()) {
        return Err(document.invalid(
            path,
            format!(
                "a token that is no JWT could be from `{}` or from `{}`, which both have `introspection`; name the \
                 issuers that this route accepts",
                one.name(),
                other.name()
            ),
        ));
    }
    Ok(JwtAccept {
        issuers: names,
        sources: sources.into(),
        introspects: introspects.map(|issuer| Arc::from(issuer.name())),
    })
}

fn mtls(around: &Around<'_>, path: &[&str], file: &Mtls) -> Result<postern_decide::Accept, ConfigError> {
    let rules = peer::checked(
        around.document,
        path,
        &peer::Peer {
            trust_domains: file.trust_domains.clone(),
            spiffe_ids: file.spiffe_ids.clone(),
            ..peer::Peer::default()
        },
    )?;
    let taken = &around.peer.trust_domains;
    let domain_of_route = |domain: &str| taken.is_empty() || taken.iter().any(|name| **name == *domain);
    let no_such_peer = |key: &str, index: usize, domain: &str| {
        let message = format!("no peer can be that: the route's `peer.trust_domains` don't have {domain}");
        invalid_at(around, &[path, &[key]].concat(), index, &message)
    };
    for (index, domain) in rules.trust_domains.iter().enumerate() {
        if !domain_of_route(domain) {
            return Err(no_such_peer("trust_domains", index, domain));
        }
    }
    for (index, pattern) in rules.spiffe_ids.iter().enumerate() {
        if !domain_of_route(pattern.trust_domain()) {
            return Err(no_such_peer("spiffe_ids", index, pattern.trust_domain()));
        }
    }
    Ok(postern_decide::Accept::Mtls(rules))
}

fn api_key(around: &Around<'_>, path: &[&str], file: &ApiKey) -> Result<postern_decide::Accept, ConfigError> {
    if !around.control_plane {
        return Err(around.document.invalid(
            path,
            "needs `control_plane`: the keys are made there, and come from there",
        ));
    }
    let key = [path, &["header"]].concat();
    let header = header_name(&file.header).map_err(|message| {
        around
            .document
            .invalid(&key, format!("{message}, such as x-api-key"))
    })?;
    Ok(postern_decide::Accept::ApiKey(ApiKeyAccept { header }))
}

/// The name of a header that holds one credential and nothing else.
pub(super) fn header_name(text: &str) -> Result<Arc<str>, &'static str> {
    let name = text.to_ascii_lowercase();
    if Header::new(&name, "").is_err() || name.starts_with(':') {
        return Err("expected the name of a header");
    }
    // These hold other things too.
    if ["authorization", "cookie", "dpop", "x-forwarded-client-cert"].contains(&name.as_str()) {
        return Err("expected a header that holds nothing else");
    }
    Ok(Arc::from(name))
}

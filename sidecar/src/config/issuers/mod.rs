//! What issuers must be: each named once, each for somebody, none that accepts everything or nothing.

mod file;

use std::sync::Arc;
use std::time::Duration;

use postern_config::{ConfigError, Document};
use postern_decide::{IssuerRules, OnUnknownKid, TokenSource};
use postern_jose::Expectations;

use super::accept::header_name;
use super::{Issuer, introspection, url, within};
use crate::sync::{KeysPlan, KeysSource};

pub(super) use file::Issuer as File;

/// The issuers of the file, checked. That there are some is what routes may need.
pub(super) fn checked(document: &Document, issuers: Vec<File>) -> Result<Vec<Issuer>, ConfigError> {
    let mut checked: Vec<Issuer> = Vec::with_capacity(issuers.len());
    for (index, issuer) in issuers.into_iter().enumerate() {
        let place = index.to_string();
        if checked.iter().any(|other| other.name() == issuer.issuer) {
            let message = format!(
                "`{}` is configured already; give it all its audiences in one place",
                issuer.issuer
            );
            return Err(document.invalid(&["issuers", &place, "issuer"], message));
        }
        checked.push(one(document, &place, issuer)?);
    }
    Ok(checked)
}

fn one(document: &Document, place: &str, file: File) -> Result<Issuer, ConfigError> {
    let at = |key: &'static str| ["issuers", place, key];
    let invalid = |key: &'static str, message: &str| Err(document.invalid(&at(key), message));
    if file.issuer.is_empty() {
        return invalid("issuer", "expected the `iss` of its tokens");
    }
    if file.audiences.is_empty() || file.audiences.iter().any(String::is_empty) {
        return invalid(
            "audiences",
            "expected at least one audience: tokens that this issuer made for others must not count here",
        );
    }
    if file.algorithms.is_empty() {
        return invalid("algorithms", "expected at least one of ES256, RS256, EdDSA, …");
    }
    if file.types.is_empty() {
        return invalid("types", "expected at least one type, such as at+jwt");
    }
    let number = |key: &'static str, value, least, most| within(document, &at(key), value, least, most);
    let leeway = number("clock_leeway_seconds", file.clock_leeway_seconds, 0, 60)?;
    let refresh = number("refresh_seconds", file.refresh_seconds, 1, 86_400)?;
    let cooldown = number(
        "refetch_cooldown_seconds",
        file.refetch_cooldown_seconds,
        1,
        3_600,
    )?;
    // Keys that count for less time than lies between two fetches would be missing between them.
    let usual = u64::from(IssuerRules::DEFAULT_MAX_STALENESS_SECONDS).max(refresh);
    let staleness = file.max_staleness_seconds.unwrap_or(usual);
    let staleness = number("max_staleness_seconds", staleness, refresh, 2_592_000)?;
    let token_sources = sources(document, &at("token_sources"), &file.token_sources)?;
    let on_unknown_kid = match file.on_unknown_kid {
        file::OnUnknownKid::Refuse => OnUnknownKid::Refuse,
        file::OnUnknownKid::Wait(ms) => {
            let key = ["issuers", place, "on_unknown_kid", "wait_ms"];
            let ms = within(document, &key, ms, 1, u64::from(OnUnknownKid::MAX_WAIT_MS))?;
            OnUnknownKid::Wait { wait_ms: small(ms) }
        }
    };
    let introspection = match file.introspection {
        Some(section) => Some(introspection::checked(document, place, &file.issuer, section)?),
        None => None,
    };
    Ok(Issuer {
        source: source(document, place, &file.issuer, file.jwks_uri, file.discovery)?,
        plan: KeysPlan {
            rules: Arc::new(IssuerRules {
                required_claims: file.required_claims.0,
                token_sources: token_sources.into(),
                on_unknown_kid,
                max_staleness_seconds: small(staleness),
                introspects: introspection.is_some(),
                expectations: Expectations {
                    issuer: file.issuer,
                    audiences: file.audiences,
                    algorithms: file.algorithms.into_iter().map(|one| one.0).collect(),
                    types: file.types,
                    leeway_seconds: small(leeway),
                    required_claims: Vec::new(),
                },
            }),
            refresh: Duration::from_secs(refresh),
            cooldown: Duration::from_secs(cooldown),
        },
        introspection,
    })
}

/// Where its keys are: written down, or found.
fn source(
    document: &Document,
    place: &str,
    issuer: &str,
    jwks_uri: Option<String>,
    discovery: bool,
) -> Result<KeysSource, ConfigError> {
    let key = |name| ["issuers", place, name];
    match (jwks_uri, discovery) {
        (Some(uri), false) => Ok(KeysSource::Uri(url(document, &key("jwks_uri"), uri)?)),
        (None, true) => {
            // Its document is found under its name.
            url(document, &key("issuer"), issuer.to_owned())?;
            Ok(KeysSource::Discovery)
        }
        (None, false) => Err(document.invalid(
            &["issuers", place],
            "expected `jwks_uri`, or `discovery: true` for an issuer that publishes where its keys are",
        )),
        (Some(_), true) => Err(document.invalid(
            &key("discovery"),
            "expected false where `jwks_uri` says where the keys are; remove one of them",
        )),
    }
}

/// Numbers that were found to be small.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn sources(
    document: &Document,
    key: &[&str],
    files: &[file::TokenSource],
) -> Result<Vec<TokenSource>, ConfigError> {
    if files.is_empty() {
        let message = "expected at least one of authorization, cookie, header and query";
        return Err(document.invalid(key, message));
    }
    let mut sources = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let refused =
            |message: &str| Err(document.invalid(&[key, &[index.to_string().as_str()]].concat(), message));
        let source = match file {
            file::TokenSource::Authorization => TokenSource::Authorization,
            file::TokenSource::Header(name) => match header_name(name) {
                Ok(name) => TokenSource::Header(name),
                Err(message) => return refused(message),
            },
            file::TokenSource::Cookie(name) if is_plain(name) => {
                TokenSource::Cookie(Arc::from(name.as_str()))
            }
            file::TokenSource::Query(name) if is_plain(name) => TokenSource::Query(Arc::from(name.as_str())),
            file::TokenSource::Cookie(_) => {
                return refused("expected the name of a cookie: letters, digits, `-`, `_` and `.`");
            }
            file::TokenSource::Query(_) => {
                return refused("expected the name of a parameter: letters, digits, `-`, `_` and `.`");
            }
        };
        if sources.contains(&source) {
            return refused("it is there already");
        }
        sources.push(source);
    }
    Ok(sources)
}

/// A name that has one spelling in a header and in a URL.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

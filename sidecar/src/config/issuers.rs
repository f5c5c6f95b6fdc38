//! What issuers must be: each named once, each for somebody, none that accepts everything or nothing.

use std::sync::Arc;
use std::time::Duration;

use postern_config::{ConfigError, Document};
use postern_decide::IssuerRules;
use postern_jose::Expectations;

use super::{Issuer, file, url, within};
use crate::sync::KeysPlan;

/// The issuers of the file, checked.
pub(super) fn checked(document: &Document, issuers: Vec<file::Issuer>) -> Result<Vec<Issuer>, ConfigError> {
    if issuers.is_empty() {
        return Err(document.invalid(
            &["issuers"],
            "expected at least one issuer; without one every request is refused",
        ));
    }
    let mut checked: Vec<Issuer> = Vec::with_capacity(issuers.len());
    for (index, issuer) in issuers.into_iter().enumerate() {
        let place = index.to_string();
        if checked
            .iter()
            .any(|other| other.plan.rules.expectations.issuer == issuer.issuer)
        {
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

fn one(document: &Document, place: &str, file: file::Issuer) -> Result<Issuer, ConfigError> {
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
    Ok(Issuer {
        jwks_uri: url(document, &at("jwks_uri"), file.jwks_uri)?,
        plan: KeysPlan {
            rules: Arc::new(IssuerRules::new(Expectations {
                issuer: file.issuer,
                audiences: file.audiences,
                algorithms: file.algorithms,
                types: file.types,
                leeway_seconds: u32::try_from(leeway).unwrap_or_default(),
                required_claims: file.required_claims,
            })),
            refresh: Duration::from_secs(refresh),
            cooldown: Duration::from_secs(cooldown),
        },
    })
}

//! What a route asks beyond who calls: scopes, proofs, sign-ins, fresh knowledge.

use postern_config::ConfigError;
use postern_decide::Accept;
use postern_decide::dpop::MAX_IAT_WINDOW_SECONDS;
use postern_decide::routes::{DpopRule, RevocationRule, StepUp, WhenStale};

use super::file;
use super::place::Place;

/// One scope (RFC 6749 §3.3).
pub(super) fn scope(text: &str) -> Result<Box<str>, &'static str> {
    let printable = |byte: u8| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if !text.is_empty() && text.bytes().all(printable) {
        Ok(Box::from(text))
    } else {
        Err("expected one scope: printable ASCII without blanks, quotes and backslashes")
    }
}

/// DPoP's rule.
pub(super) fn dpop(
    place: &Place<'_>,
    file: &file::Dpop,
    control_plane: bool,
) -> Result<DpopRule, ConfigError> {
    if file.nonce && !control_plane {
        return Err(place.invalid(
            &["dpop", "nonce"],
            "needs `control_plane`: the keys that nonces are made with come from there",
        ));
    }
    Ok(DpopRule {
        required: file.required,
        nonce: file.nonce,
        iat_window_seconds: place.within(
            &["dpop", "iat_window_seconds"],
            file.iat_window_seconds,
            1,
            u64::from(MAX_IAT_WINDOW_SECONDS),
        )?,
    })
}

/// What authentication must have been like.
pub(super) fn step_up(place: &Place<'_>, file: &file::StepUp) -> Result<StepUp, ConfigError> {
    let max_age_seconds = match file.max_age_seconds {
        Some(age) => Some(place.within(&["step_up", "max_age_seconds"], age, 0, 31_536_000)?),
        None => None,
    };
    let acr_values = match &file.acr_values {
        Some(values) if values.is_empty() => {
            let expected = "expected at least one value of `acr`; leave the key out where any will do";
            return Err(place.invalid(&["step_up", "acr_values"], expected));
        }
        Some(values) => values.as_slice(),
        None if max_age_seconds.is_none() => {
            return Err(place.invalid(&["step_up"], "expected `acr_values`, `max_age_seconds` or both"));
        }
        None => &[],
    };
    // In a challenge they stand between blanks, as scopes do.
    let acr = |text: &str| {
        scope(text).map_err(
            |_| "expected one value of `acr`: printable ASCII without blanks, quotes and backslashes",
        )
    };
    Ok(StepUp {
        acr_values: place.each(&["step_up", "acr_values"], acr_values, acr)?.into(),
        max_age_seconds,
    })
}

/// How old the knowledge of revocations may be.
pub(super) fn revocation(
    place: &Place<'_>,
    file: &file::Revocation,
    control_plane: bool,
) -> Result<RevocationRule, ConfigError> {
    if !control_plane {
        return Err(place.invalid(
            &["revocation"],
            "needs `control_plane`: what has been revoked is heard from there",
        ));
    }
    Ok(RevocationRule {
        max_staleness_seconds: Some(place.within(
            &["revocation", "max_staleness_seconds"],
            file.max_staleness_seconds,
            1,
            86_400,
        )?),
        when_stale: match file.when_stale {
            file::WhenStale::Serve => WhenStale::Serve,
            file::WhenStale::Deny => WhenStale::Deny,
        },
    })
}

/// What a route asks of whoever it accepts must be something that one of those can have.
pub(super) fn satisfiable(place: &Place<'_>, file: &file::Route, accept: &Accept) -> Result<(), ConfigError> {
    let leaves = accept.leaves();
    let tokens = leaves.iter().any(|leaf| matches!(leaf, Accept::Jwt(_)));
    let scopes = tokens || leaves.iter().any(|leaf| matches!(leaf, Accept::ApiKey(_)));
    let asked = [
        (
            "required_scopes",
            !file.required_scopes.is_empty(),
            scopes,
            "a token or an API key",
        ),
        (
            "required_claims",
            !file.required_claims.0.is_empty(),
            tokens,
            "a token",
        ),
        ("step_up", file.step_up.is_some(), tokens, "a token"),
        ("dpop", file.dpop.is_some(), tokens, "a token"),
    ];
    match asked.into_iter().find(|(_, asked, met, _)| *asked && !met) {
        Some((key, _, _, what)) => {
            let message = format!("nobody can meet it: it takes {what}, and the route's `accept` has none");
            Err(place.invalid(&[key], message))
        }
        None => Ok(()),
    }
}

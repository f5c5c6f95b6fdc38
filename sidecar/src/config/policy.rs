//! What the policy's configuration must be: above all, whose signature counts.

use std::time::Duration;

use postern_config::{ConfigError, Document};
use postern_policy::{Limits, Verification, VerificationKey};

use super::{Policy, file, url, within};
use crate::sync::{BundlePlan, Requirements};

/// The policy of the file, checked.
pub(super) fn checked(document: &Document, file: file::Policy) -> Result<Policy, ConfigError> {
    let invalid = |key: &str, message: &str| document.invalid(&["policy", key], message);
    if file.bundle.is_empty() {
        return Err(invalid("bundle", "expected the bundle's name"));
    }
    if file.entrypoint.is_empty() {
        return Err(invalid(
            "entrypoint",
            "expected the path of a rule, such as orders/authz/decision",
        ));
    }
    let verification = match (file.verification, file.allow_unsigned) {
        (Some(verification), false) => keys(document, verification)?,
        (None, true) => Verification::Unsigned,
        (None, false) => {
            return Err(invalid(
                "verification",
                "expected the keys that bundles are signed with, or `allow_unsigned: true`",
            ));
        }
        (Some(_), true) => {
            return Err(invalid(
                "allow_unsigned",
                "expected false where `verification` has keys; remove one of them",
            ));
        }
    };
    let poll = within(
        document,
        &["policy", "poll_seconds"],
        file.poll_seconds,
        1,
        86_400,
    )?;
    let long_poll = within(
        document,
        &["policy", "long_poll_seconds"],
        file.long_poll_seconds,
        1,
        600,
    )?;
    Ok(Policy {
        url: url(document, &["policy", "url"], file.url)?,
        credential_file: file.credential_file.map(|path| document.resolve(&path)),
        plan: BundlePlan {
            name: file.bundle,
            requirements: Requirements {
                verification,
                entrypoint: file.entrypoint,
                limits: Limits::default(),
            },
            poll: Duration::from_secs(poll),
            long_poll: Duration::from_secs(long_poll),
        },
    })
}

fn keys(document: &Document, file: file::Verification) -> Result<Verification, ConfigError> {
    let mut keys = Vec::with_capacity(file.keys.len());
    for (index, key) in file.keys.into_iter().enumerate() {
        let place = index.to_string();
        let at = |name: &'static str| ["policy", "verification", "keys", &place, name].map(str::to_owned);
        let invalid = |name: &'static str, message: String| {
            let key = at(name);
            document.invalid(&key.each_ref().map(String::as_str), message)
        };
        let path = document.resolve(&key.public_key_file);
        let pem = std::fs::read_to_string(&path)
            .map_err(|error| invalid("public_key_file", format!("{}: {error}", path.display())))?;
        let key = VerificationKey::from_pem(&key.key_id, key.algorithm, &pem)
            .map_err(|error| invalid("public_key_file", format!("{}: {error}", path.display())))?;
        keys.push(key);
    }
    Verification::keys(keys)
        .map_err(|error| document.invalid(&["policy", "verification", "keys"], error.to_string()))
}

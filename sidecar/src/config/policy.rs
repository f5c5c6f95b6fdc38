//! What the policy's configuration must be: above all, whose signature counts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_compiler::program_in_path;
use postern_config::{ConfigError, Document};
use postern_decide::{DecisionCacheLimits, PolicyLimits};
use postern_policy::{EvaluationLimits, HttpSend, Limits, OPA_VERSION, TimeLimit, Verification};

use super::{Policy, bundle_url, file, http_send, within};
use crate::clock;
use crate::sync::{BundlePlan, CandidatePlan, Requirements};

/// The policy of the file, and its candidate, checked.
pub(super) fn checked(
    document: &Document,
    mut file: file::Policy,
) -> Result<(Policy, Option<CandidatePlan>), ConfigError> {
    let candidate = file.candidate.take();
    let policy = policy(document, file)?;
    let candidate = candidate
        .map(|candidate| beside(document, candidate, &policy))
        .transpose()?;
    Ok((policy, candidate))
}

/// The candidate: what isn't said of it is as for the policy that it is put beside.
fn beside(
    document: &Document,
    file: file::PolicyCandidate,
    policy: &Policy,
) -> Result<CandidatePlan, ConfigError> {
    let key = |key| ["policy", "candidate", key];
    if file.bundle.is_empty() || file.bundle == policy.plan.name {
        return Err(document.invalid(
            &key("bundle"),
            "expected the bundle's name, another than that of policy.bundle",
        ));
    }
    let of_policy = &policy.plan.requirements;
    let entrypoint = file.entrypoint.unwrap_or_else(|| of_policy.entrypoint.clone());
    if entrypoint.is_empty() {
        return Err(document.invalid(
            &key("entrypoint"),
            "expected the path of a rule, such as orders/authz/decision",
        ));
    }
    let sample = &key("sample_per_million");
    Ok(CandidatePlan {
        url: bundle_url(document, &key("url"), file.url)?,
        credential_file: file.credential_file.map(|path| document.resolve(&path)),
        plan: BundlePlan {
            name: file.bundle,
            requirements: Requirements {
                entrypoint,
                // Whatever it answers is asked once.
                cache: DecisionCacheLimits {
                    entries: 0,
                    ..of_policy.cache
                },
                ..of_policy.clone()
            },
            ..policy.plan.clone()
        },
        per_million: within(document, sample, file.sample_per_million, 1, 1_000_000)?,
    })
}

fn policy(document: &Document, file: file::Policy) -> Result<Policy, ConfigError> {
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
    let verification = verification(document, &file)?;
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
    let http_send = file
        .http_send
        .map(|section| http_send::checked(document, section))
        .transpose()?;
    let evaluation = evaluation(document, &file.limits)?;
    let opa = file.opa.map(|program| opa(document, &program)).transpose()?;
    let cache = cache(document, &file.cache)?;
    Ok(Policy {
        url: bundle_url(document, &["policy", "url"], file.url)?,
        credential_file: file.credential_file.map(|path| document.resolve(&path)),
        plan: BundlePlan {
            name: file.bundle,
            requirements: Requirements {
                verification,
                entrypoint: file.entrypoint,
                limits: Limits::default(),
                http_send: if http_send.is_some() {
                    HttpSend::On
                } else {
                    HttpSend::Off
                },
                may_fail: false,
                evaluation,
                opa,
                cache,
            },
            poll: Duration::from_secs(poll),
            long_poll: Duration::from_secs(long_poll),
        },
        http_send,
    })
}

/// Where OPA's program is.
fn opa(document: &Document, program: &Path) -> Result<PathBuf, ConfigError> {
    // A mere name isn't a file beside the configuration.
    let program = if program.components().count() > 1 {
        document.resolve(program)
    } else {
        program.to_owned()
    };
    program_in_path(&program).ok_or_else(|| {
        document.invalid(
            &["policy", "opa"],
            format!(
                "{} is not a program that can be run; expected OPA's (version {OPA_VERSION}), by its path or by a name in PATH",
                program.display()
            ),
        )
    })
}

/// How much one decision may take, by the process's own clock.
fn evaluation(document: &Document, file: &file::PolicyLimits) -> Result<PolicyLimits, ConfigError> {
    let number =
        |key: &str, value, least, most| within(document, &["policy", "limits", key], value, least, most);
    let milliseconds = number("milliseconds", file.milliseconds, 1, 60_000)?;
    let memory = number("memory_mib", file.memory_mib, 1, 4096)?;
    Ok(PolicyLimits {
        evaluation: EvaluationLimits {
            max_statements: number("statements", file.statements, 1000, 1_000_000_000)?,
            max_memory: memory * 1024 * 1024,
            ..EvaluationLimits::default()
        },
        time: Some(TimeLimit::new(
            Duration::from_millis(milliseconds),
            clock::monotonic,
        )),
    })
}

/// How much of what it answered is remembered.
fn cache(document: &Document, file: &file::PolicyCache) -> Result<DecisionCacheLimits, ConfigError> {
    let number =
        |key: &str, value, least, most| within(document, &["policy", "cache", key], value, least, most);
    let entries = match file.entries {
        0 => 0,
        some => number("entries", some, 10, 1_000_000)?,
    };
    Ok(DecisionCacheLimits {
        entries: usize::try_from(entries).unwrap_or(usize::MAX),
        bytes: number("mib", file.mib, 1, 1024)? << 20,
        ttl_seconds: u32::try_from(number("ttl_seconds", file.ttl_seconds, 1, 86_400)?).unwrap_or(u32::MAX),
    })
}

fn verification(document: &Document, file: &file::Policy) -> Result<Verification, ConfigError> {
    Verification::configured(file.verification.as_ref(), file.allow_unsigned, |path| {
        let path = document.resolve(path);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    })
    .map_err(|error| {
        let mut key = vec!["policy"];
        key.extend(error.key.iter().map(String::as_str));
        document.invalid(&key, error.message.as_str())
    })
}

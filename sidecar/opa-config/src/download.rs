//! What bundles and discovery have in common: whom they ask, how often, and what they check.

use postern_config::ConfigError;

use crate::keys::Keys;
use crate::section::Section;

const DEFAULT_MIN_DELAY_SECONDS: u64 = 60;
const DEFAULT_MAX_DELAY_SECONDS: u64 = 120;

/// How often to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Least wait between two requests, in seconds.
    pub min_delay_seconds: u64,
    /// Longest wait, in seconds; one in between is chosen at random.
    pub max_delay_seconds: u64,
    /// How long the server may hold a request, in seconds, if it is asked to.
    pub long_polling_timeout_seconds: Option<u64>,
}

/// What a signature must be, where there are keys. Where there are none a bundle must not be signed: nobody could prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The one key that counts, of `keys`; without it the signature names one.
    pub key_id: Option<String>,
    /// What the signature's `scope` must be; the key's own otherwise.
    pub scope: Option<String>,
    /// Files that need not be signed.
    pub exclude_files: Vec<String>,
    /// There is a `signing` that says so: a bundle without a signature is refused. Otherwise one that is there must be good.
    pub is_required: bool,
    /// Deltas, which have no signature, are taken even where one is required.
    pub allow_unsigned_delta_bundles: bool,
}

/// Reads `polling` of `section`.
pub(crate) fn polling(section: &Section<'_>) -> Result<Polling, ConfigError> {
    let polling = section.section("polling")?;
    let (min_delay_seconds, max_delay_seconds) =
        delays(&polling, (DEFAULT_MIN_DELAY_SECONDS, DEFAULT_MAX_DELAY_SECONDS))?;
    let long_polling_timeout_seconds = match polling.integer("long_polling_timeout_seconds")? {
        None => None,
        Some(seconds @ 1..) => Some(seconds.unsigned_abs()),
        Some(_) => return Err(polling.error("long_polling_timeout_seconds", "expected at least 1 second")),
    };
    Ok(Polling {
        min_delay_seconds,
        max_delay_seconds,
        long_polling_timeout_seconds,
    })
}

/// `min_delay_seconds` and `max_delay_seconds`: both or none.
pub(crate) fn delays(section: &Section<'_>, default: (u64, u64)) -> Result<(u64, u64), ConfigError> {
    let seconds = |key| match section.integer(key)?.map(u64::try_from) {
        None => Ok(None),
        Some(Ok(seconds)) => Ok(Some(seconds)),
        Some(Err(_)) => Err(section.error(key, "expected a number of seconds, not less than 0")),
    };
    match (seconds("min_delay_seconds")?, seconds("max_delay_seconds")?) {
        (None, None) => Ok(default),
        (Some(min), Some(max)) if min <= max => Ok((min, max)),
        (Some(_), Some(_)) => {
            Err(section.error("max_delay_seconds", "must not be less than min_delay_seconds"))
        }
        (Some(_), None) => Err(section.error(
            "max_delay_seconds",
            "missing; min_delay_seconds needs it beside itself",
        )),
        (None, Some(_)) => Err(section.error(
            "min_delay_seconds",
            "missing; max_delay_seconds needs it beside itself",
        )),
    }
}

/// `trigger`: OPA's `manual` waits for a call that only a program around OPA can make.
pub(crate) fn trigger(section: &Section<'_>) -> Result<(), ConfigError> {
    match section.text("trigger")?.as_deref() {
        None | Some("periodic") => Ok(()),
        Some("manual") => Err(section.error(
            "trigger",
            "`manual` waits for a call that nothing makes here; leave it out, or write `periodic`",
        )),
        Some(_) => Err(section.error("trigger", "expected `periodic`")),
    }
}

/// `signing`: without it every key of `keys` may have signed, and a bundle needs no signature.
pub(crate) fn signing(section: &Section<'_>, keys: &Keys) -> Result<Option<Signing>, ConfigError> {
    let Some(signing) = section.optional("signing")? else {
        return Ok((!keys.is_empty()).then(|| Signing {
            key_id: None,
            scope: None,
            exclude_files: Vec::new(),
            is_required: false,
            allow_unsigned_delta_bundles: false,
        }));
    };
    let key_id = signing.word("keyid")?;
    match &key_id {
        None if keys.is_empty() => {
            return Err(section.error(
                "signing",
                "there is no key to verify a signature with; add it to `keys`",
            ));
        }
        Some(id) if !keys.contains_key(id) => {
            return Err(signing.error(
                "keyid",
                format!("`{id}` is not in `keys`; {}", known(keys.keys())),
            ));
        }
        _ => {}
    }
    Ok(Some(Signing {
        key_id,
        scope: signing.word("scope")?,
        exclude_files: signing.texts("exclude_files")?,
        is_required: true,
        allow_unsigned_delta_bundles: signing.flag("allow_unsigned_delta_bundles")?,
    }))
}

/// The service that `section` names; if it names none, the only one that there is. OPA takes any of several.
pub(crate) fn service(section: &Section<'_>, services: &[String]) -> Result<String, ConfigError> {
    let named = section.word("service")?;
    match (named, services) {
        (Some(name), services) if services.contains(&name) => Ok(name),
        (Some(name), services) => Err(section.error(
            "service",
            format!("`{name}` is not in `services`; {}", known(services.iter())),
        )),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(section.error(
            "service",
            "missing, and there are no `services`; add one and name it here",
        )),
        (None, services) => Err(section.error(
            "service",
            format!("missing; OPA would take any; {}", known(services.iter())),
        )),
    }
}

fn known<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return "there are none".to_owned();
    }
    format!("there are: {}", names.join(", "))
}

//! `services`: whom bundles come from, and whom logs and status go to.

use std::collections::BTreeMap;

use postern_config::ConfigError;
use secrecy::SecretString;

use crate::credentials::{Credentials, credentials};
use crate::host::Host;
use crate::keys::Keys;
use crate::notice::NotHonoured;
use crate::section::Section;
use crate::tree::Value;

const DEFAULT_RESPONSE_HEADER_TIMEOUT_SECONDS: u64 = 10;

/// One service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where paths are put behind, without a slash at its end.
    pub url: String,
    /// Put into each request. Values may be secrets.
    pub headers: Vec<(String, SecretString)>,
    /// How it is shown who asks.
    pub credentials: Credentials,
    /// What the server's certificate is held to.
    pub tls: ServerTls,
    /// How long the server may take to begin its answer, in seconds; 0 is for ever, which a caller should bound.
    pub response_header_timeout_seconds: u64,
}

/// What a server's certificate is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTls {
    /// Any certificate is taken.
    pub allow_insecure: bool,
    /// A file of authorities in PEM; the system's otherwise.
    pub ca_cert: Option<String>,
    /// The system's authorities count, too, beside `ca_cert`.
    pub system_ca_required: bool,
}

/// Services by their names.
pub type Services = BTreeMap<String, Service>;

/// Reads `services`: a map by name, or a list in which each has its name.
pub(crate) fn read(
    root: &Section<'_>,
    keys: &Keys,
    host: &dyn Host,
    notices: &mut Vec<NotHonoured>,
) -> Result<Services, ConfigError> {
    let mut services = Services::new();
    let Some(node) = root.node("services") else {
        return Ok(services);
    };
    let named: Vec<(String, Section<'_>)> = match &node.value {
        Value::List(items) => {
            let items = items.iter().enumerate();
            let named = items.map(|(index, item)| {
                let section = Section::of(item, format!("services[{index}]"))?;
                let name = section.word("name")?;
                let name =
                    name.ok_or_else(|| section.error("name", "missing; bundles name their service by it"))?;
                Ok((name, section))
            });
            named.collect::<Result<_, ConfigError>>()?
        }
        Value::Map(_) | Value::Null => {
            let entries = root.section("services")?;
            let named = entries.entries().map(|(name, item)| {
                let section = Section::of(item, entries.key(name))?;
                Ok((name.to_owned(), section))
            });
            named.collect::<Result<_, ConfigError>>()?
        }
        _ => {
            return Err(root.error(
                "services",
                "expected a map of services by name, or a list of them",
            ));
        }
    };
    for (name, section) in named {
        let service = service(&section, keys, host)?;
        if services.insert(name, service).is_some() {
            let why = "an earlier service has this name; the last one holds, as in OPA";
            notices.push(NotHonoured::new(section.path(), node.at.clone(), why));
        }
    }
    Ok(services)
}

fn service(section: &Section<'_>, keys: &Keys, host: &dyn Host) -> Result<Service, ConfigError> {
    let url = section.text("url")?.unwrap_or_default();
    let url = url.trim_end_matches('/');
    let authority = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    if authority.is_none_or(|rest| {
        rest.is_empty() || rest.starts_with(['/', '?', '#']) || rest.contains(char::is_whitespace)
    }) {
        return Err(section.error(
            "url",
            "expected https://host or http://host, with a path if there is one",
        ));
    }
    let timeout = match section
        .integer("response_header_timeout_seconds")?
        .map(u64::try_from)
    {
        None => DEFAULT_RESPONSE_HEADER_TIMEOUT_SECONDS,
        Some(Ok(seconds)) => seconds,
        Some(Err(_)) => {
            let message = "expected a number of seconds, not less than 0";
            return Err(section.error("response_header_timeout_seconds", message));
        }
    };
    let tls = section.section("tls")?;
    let mut tls = ServerTls {
        allow_insecure: section.flag("allow_insecure_tls")?,
        ca_cert: tls.word("ca_cert")?,
        system_ca_required: tls.flag("system_ca_required")?,
    };
    let headers = section.text_map("headers")?.into_iter();
    Ok(Service {
        url: url.to_owned(),
        headers: headers
            .map(|(name, value)| (name, SecretString::from(value)))
            .collect(),
        credentials: credentials(&section.section("credentials")?, keys, host, &mut tls)?,
        tls,
        response_header_timeout_seconds: timeout,
    })
}

//! `bundles`, and the one `bundle` of old.

use std::collections::BTreeMap;

use postern_config::ConfigError;

use crate::download::{Polling, Signing, polling, service, signing, trigger};
use crate::keys::Keys;
use crate::section::Section;

const DEFAULT_PREFIX: &str = "bundles";
const DEFAULT_SIZE_LIMIT_BYTES: u64 = 1024 * 1024 * 1024;

/// One bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Where it comes from.
    pub source: BundleSource,
    /// How often it is asked for.
    pub polling: Polling,
    /// What its signature must be; without it a signed one is refused, since no key could prove it.
    pub signing: Option<Signing>,
    /// It is kept on disk, and served from there after a restart.
    pub persist: bool,
    /// Longest file in it, in bytes, as OPA counts them.
    pub size_limit_bytes: u64,
}

/// Where a bundle comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleSource {
    /// A service, and the path below its URL, which may begin with a slash.
    Service {
        /// One of the services.
        service: String,
        /// Such as `bundles/http/example.tar.gz`, with its query if it has one.
        resource: String,
    },
    /// An archive or a folder on this machine, from `file://`.
    File(String),
}

/// Reads `bundles` or `bundle`.
pub(crate) fn read(
    root: &Section<'_>,
    services: &[String],
    keys: &Keys,
) -> Result<BTreeMap<String, Bundle>, ConfigError> {
    if root.has("bundle") {
        if root.has("bundles") {
            let message = "there is `bundles`, too, which OPA then passes over; move this one into it";
            return Err(root.error("bundle", message));
        }
        return legacy(&root.section("bundle")?, services);
    }
    let sections = root.section("bundles")?.sections()?;
    let bundles = sections.into_iter().map(|(name, section)| {
        let bundle = bundle(name, &section, services, keys)?;
        Ok((name.to_owned(), bundle))
    });
    bundles.collect()
}

fn bundle(
    name: &str,
    section: &Section<'_>,
    services: &[String],
    keys: &Keys,
) -> Result<Bundle, ConfigError> {
    trigger(section)?;
    let resource = section.word("resource")?;
    let resource = resource.unwrap_or_else(|| format!("{DEFAULT_PREFIX}/{name}"));
    let source = match resource.strip_prefix("file://") {
        Some(path) if path.starts_with('/') && !path.contains(['%', '?', '#']) => {
            BundleSource::File(path.to_owned())
        }
        Some(_) => {
            let message =
                "expected file:// with a whole path, such as file:///bundles/authz.tar.gz, without %, ? or #";
            return Err(section.error("resource", message));
        }
        None => BundleSource::Service {
            service: service(section, services)?,
            resource,
        },
    };
    let size = section
        .integer("size_limit_bytes")?
        .and_then(|size| u64::try_from(size).ok());
    Ok(Bundle {
        source,
        polling: polling(section)?,
        signing: signing(section, keys)?,
        persist: section.flag("persist")?,
        size_limit_bytes: size.filter(|size| *size > 0).unwrap_or(DEFAULT_SIZE_LIMIT_BYTES),
    })
}

/// `bundle` knows neither signatures nor persistence.
fn legacy(section: &Section<'_>, services: &[String]) -> Result<BTreeMap<String, Bundle>, ConfigError> {
    trigger(section)?;
    let Some(name) = section.word("name")? else {
        return Err(section.error(
            "name",
            "missing; name the bundle, or write `bundles: {NAME: {…}}` instead",
        ));
    };
    let prefix = section.text("prefix")?;
    let prefix = prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    let parts = [prefix.as_str(), name.as_str()]
        .into_iter()
        .flat_map(|part| part.split('/'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(section.error("prefix", "expected a path without `..`"));
    }
    let bundle = Bundle {
        source: BundleSource::Service {
            service: service(section, services)?,
            resource: parts.join("/"),
        },
        polling: polling(section)?,
        signing: None,
        persist: false,
        size_limit_bytes: DEFAULT_SIZE_LIMIT_BYTES,
    };
    Ok(BTreeMap::from([(name, bundle)]))
}

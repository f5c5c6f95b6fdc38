//! `discovery`: a bundle whose data is the rest of the configuration.

use postern_config::ConfigError;

use crate::decision_path::DecisionPath;
use crate::download::{Polling, Signing, polling, service, signing, trigger};
use crate::keys::Keys;
use crate::section::Section;

/// Where more configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// One of the services.
    pub service: String,
    /// The path below its URL.
    pub resource: String,
    /// Where in the bundle the configuration is; all of `data` by default.
    pub decision: DecisionPath,
    /// How often it is asked for.
    pub polling: Polling,
    /// What its signature must be; without it a signed one is refused, since no key could prove it.
    pub signing: Option<Signing>,
    /// It is kept on disk, and read from there after a restart.
    pub persist: bool,
    /// The name that it is kept on disk under.
    pub kept_as: String,
}

/// Reads `discovery`, if it is there.
pub(crate) fn read(
    root: &Section<'_>,
    services: &[String],
    keys: &Keys,
) -> Result<Option<Discovery>, ConfigError> {
    let Some(section) = root.optional("discovery")? else {
        return Ok(None);
    };
    trigger(&section)?;
    let name = section.text("name")?;
    let resource = match (section.text("resource")?, &name) {
        (Some(resource), _) => resource,
        (None, Some(name)) => {
            let prefix = section.text("prefix")?.unwrap_or_else(|| "bundles".to_owned());
            format!("{}/{}", prefix.trim_matches('/'), name.trim_matches('/'))
        }
        (None, None) => return Err(section.error("resource", "missing; name the discovery bundle's path")),
    };
    let kept_as = name.clone().unwrap_or_else(|| "discovery".to_owned());
    let decision = section.text("decision")?.or(name).unwrap_or_default();
    // OPA makes a reference of it by putting dots for slashes.
    let reference = match decision.trim_matches('/') {
        "" => "data".to_owned(),
        path => format!("data.{}", path.replace('/', ".")),
    };
    let Some(mut path) = DecisionPath::of_query(&reference) else {
        return Err(section.error("decision", "expected a path of names, such as example/discovery"));
    };
    path.written = decision;
    Ok(Some(Discovery {
        service: service(&section, services)?,
        resource,
        decision: path,
        polling: polling(&section)?,
        signing: signing(&section, keys)?,
        persist: section.flag("persist")?,
        kept_as,
    }))
}

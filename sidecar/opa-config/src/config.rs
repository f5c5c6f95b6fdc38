//! OPA's configuration, all of it, checked and with its defaults.

use std::collections::BTreeMap;

use postern_config::ConfigError;
use serde_json::Value as Json;

use crate::active::active;
use crate::bundles::{self, Bundle};
use crate::decision_logs::{self, DecisionLogs};
use crate::decision_path::DecisionPath;
use crate::discovery::{self, Discovery};
use crate::ext_authz::{self, ExtAuthz};
use crate::fate;
use crate::host::Host;
use crate::keys::{self, Keys};
use crate::notice::NotHonoured;
use crate::section::Section;
use crate::services::{self, Services};
use crate::status::{self, Status};
use crate::tree::Node;

pub(crate) const DEFAULT_DECISION: &str = "/system/main";
pub(crate) const DEFAULT_AUTHORIZATION_DECISION: &str = "/system/authz/allow";
const DEFAULT_PERSISTENCE_DIRECTORY: &str = ".opa";

/// What OPA's configuration says.
#[derive(Clone, Debug)]
pub struct OpaConfig {
    /// Put into status and decision logs. `id` and `version` are the process's own and never stand here.
    pub labels: BTreeMap<String, String>,
    /// Whom bundles come from, and whom logs and status go to.
    pub services: Services,
    /// What signatures are verified, and tokens signed, with.
    pub keys: Keys,
    /// Bundles by their names.
    pub bundles: BTreeMap<String, Bundle>,
    /// Where more configuration comes from.
    pub discovery: Option<Discovery>,
    /// What becomes of decisions' events; they aren't made without it.
    pub decision_logs: Option<DecisionLogs>,
    /// What becomes of status; it isn't reported without it.
    pub status: Option<Status>,
    /// What Envoy is served; nothing without it.
    pub ext_authz: Option<ExtAuthz>,
    /// What OPA answers `POST /` with.
    pub default_decision: DecisionPath,
    /// What OPA authorizes requests of its API by.
    pub default_authorization_decision: DecisionPath,
    /// The answers of builtins that don't answer alike each time are kept for decision logs.
    pub nd_builtin_cache: bool,
    /// Most bytes of answers that `http.send` keeps between decisions; OPA has no bound if none is given.
    pub inter_query_cache_bytes: Option<u64>,
    /// Where what is persisted is kept: a path, from the working folder if it is relative.
    pub persistence_directory: String,
}

/// A configuration and what of it isn't honoured.
#[derive(Clone, Debug)]
pub struct ReadConfig {
    /// What it says.
    pub config: OpaConfig,
    /// What has no effect, to be said once.
    pub not_honoured: Vec<NotHonoured>,
    /// Of what discovery brought: the keys that the configuration here goes over, with dots.
    pub overridden: Vec<String>,
    pub(crate) root: Node,
}

impl ReadConfig {
    /// What OPA's `GET /v1/config` shows as `result` when this is in force in the process `id` of `version`: what was
    /// written, without services' credentials and keys.
    #[must_use]
    pub fn active(&self, id: &str, version: &str) -> Json {
        active(&self.root, id, version)
    }
}

/// Reads `whole`; `notices` are those that its YAML gave rise to.
pub(crate) fn read(
    whole: Node,
    mut notices: Vec<NotHonoured>,
    host: &dyn Host,
) -> Result<ReadConfig, ConfigError> {
    fate::hold(&whole, &mut notices)?;
    let root = Section::root(&whole);
    let keys = keys::read(&root)?;
    let services = services::read(&root, &keys, host, &mut notices)?;
    let names: Vec<String> = services.keys().cloned().collect();
    let path = |key, default: &str| {
        let written = root.text(key)?;
        Ok::<_, ConfigError>(DecisionPath::of_opa(written.as_deref().unwrap_or(default)))
    };
    let config = OpaConfig {
        labels: labels(&root, &mut notices)?,
        bundles: bundles::read(&root, &names, &keys)?,
        discovery: discovery::read(&root, &names, &keys)?,
        decision_logs: decision_logs::read(&root, &names)?,
        status: status::read(&root, &names)?,
        ext_authz: ext_authz::read(&root)?,
        default_decision: path("default_decision", DEFAULT_DECISION)?,
        default_authorization_decision: path(
            "default_authorization_decision",
            DEFAULT_AUTHORIZATION_DECISION,
        )?,
        nd_builtin_cache: root.flag("nd_builtin_cache")?,
        inter_query_cache_bytes: cache_bytes(&root)?,
        persistence_directory: root
            .text("persistence_directory")?
            .unwrap_or_else(|| DEFAULT_PERSISTENCE_DIRECTORY.to_owned()),
        keys,
        services,
    };
    Ok(ReadConfig {
        config,
        not_honoured: notices,
        overridden: Vec::new(),
        root: whole,
    })
}

fn labels(
    root: &Section<'_>,
    notices: &mut Vec<NotHonoured>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut labels: BTreeMap<String, String> = root.text_map("labels")?.into_iter().collect();
    let section = root.section("labels")?;
    for own in ["id", "version"] {
        if labels.remove(own).is_some()
            && let Some(node) = section.node(own)
        {
            let why = "the process's own holds, as in OPA";
            notices.push(NotHonoured::new(section.key(own), node.at.clone(), why));
        }
    }
    Ok(labels)
}

fn cache_bytes(root: &Section<'_>) -> Result<Option<u64>, ConfigError> {
    let cache = root.section("caching")?.section("inter_query_builtin_cache")?;
    let bytes = cache.integer("max_size_bytes")?;
    Ok(bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .filter(|bytes| *bytes > 0))
}

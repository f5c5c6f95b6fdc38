//! All that a process must do that was started as opa-envoy-plugin is.

use postern_config::ConfigError;
use serde_json::Value as Json;

use crate::active::{active, without_secrets};
use crate::command_line::{Logging, Server, logging, server};
use crate::config::{self, OpaConfig, ReadConfig};
use crate::host::Host;
use crate::load::{Sources, load, read_map};
use crate::notice::NotHonoured;
use crate::overrides::{entry_of, named, overridden, unchanged};
use crate::pflag;
use crate::policy_files::{self, PolicyFiles};
use crate::substitute::substitute;
use crate::tree::{MAX_NODES, Node, Place, Value, merge};

/// What the command line, the environment and the configuration say together.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where and how to serve.
    pub server: Server,
    /// How to log.
    pub logging: Logging,
    /// What policy is on disk.
    pub policy: PolicyFiles,
    /// OPA's configuration.
    pub config: OpaConfig,
    /// The file of that configuration, if there is one.
    pub config_file: Option<String>,
    /// What has no effect: to be said once, at start.
    pub not_honoured: Vec<NotHonoured>,
    /// The configuration as it was read, which goes over what discovery brings.
    root: Node,
}

impl Plan {
    /// Reads `args`, which come after `run`, and what they and the environment lead to.
    ///
    /// # Errors
    /// The first thing that isn't as OPA wants it or that can't be done here, with the flag or the file, line and key, and
    /// what to do.
    pub fn read(args: &[String], host: &dyn Host) -> Result<Self, ConfigError> {
        let mut given = pflag::parse(args, host)?;
        if !given.is_on("server") && given.last("opa-config").is_none() {
            return Err(given.wrong("server", "missing; OPA would start its shell, which isn't here"));
        }
        let server = server(&given)?;
        let (policy, overrides) = policy_files::read(&given, host)?;
        let set: Vec<String> = given.all("set").iter().cloned().chain(overrides).collect();
        let file = given
            .last("config-file")
            .or(given.last("opa-config"))
            .filter(|file| !file.is_empty());
        let sources = Sources {
            file,
            set: &set,
            set_file: given.all("set-file"),
        };
        let (root, notices) = load(&sources, host)?;
        let read = config::read(root.clone(), notices, host)?;
        let config_file = file.map(str::to_owned);
        let mut not_honoured = std::mem::take(&mut given.notices);
        not_honoured.extend(read.not_honoured);
        Ok(Self {
            server,
            logging: logging(&given),
            policy,
            config: read.config,
            config_file,
            not_honoured,
            root,
        })
    }

    /// What OPA's `GET /v1/config` shows as `result` in the process `id` of `version`: what was written, without services'
    /// credentials and keys.
    #[must_use]
    pub fn active(&self, id: &str, version: &str) -> Json {
        active(&self.root, id, version)
    }

    /// What policies are told of the configuration (`opa.runtime().config`): what was written, without services' credentials
    /// and keys, and without defaults.
    #[must_use]
    pub fn told_to_policy(&self) -> Json {
        Json::Object(without_secrets(&self.root))
    }

    /// The configuration that holds once discovery has brought `json`: what this plan says goes over it, and so does its
    /// discovery. Only what of it isn't honoured is named.
    ///
    /// # Errors
    /// As [`Plan::read`]; also where `json` has another idea of the service that it came from, or of a key.
    pub fn discovered(&self, json: &str, host: &dyn Host) -> Result<ReadConfig, ConfigError> {
        const SOURCE: &str = "discovery";
        let (mut entries, notices) = read_map(SOURCE, &substitute(json, host))?;
        let Value::Map(boot) = &self.root.value else {
            return Err(self.root.at.error("", "expected a map of keys"));
        };
        let service = self
            .config
            .discovery
            .as_ref()
            .map(|discovery| discovery.service.as_str());
        const SERVICE: &str = "updates to the discovery service are not allowed";
        const KEY: &str = "updates to keys specified in the boot configuration are not allowed";
        unchanged(&entries, boot, "services", &|name| Some(name) == service, SERVICE)?;
        unchanged(&entries, boot, "keys", &|_| true, KEY)?;
        let overridden = overridden(&entries, boot);
        merge(&mut entries, boot.clone());
        // It was read without the services that it brings.
        entries.retain(|(key, _)| key != "discovery");
        let root = Node {
            at: Place::new(SOURCE, None),
            value: Value::Map(entries),
        };
        if root.size() > MAX_NODES {
            return Err(root.at.error(
                "",
                format!("more than {MAX_NODES} values, so hardly a configuration"),
            ));
        }
        let mut read = config::read(root, notices, host)?;
        read.config.discovery.clone_from(&self.config.discovery);
        read.overridden = overridden;
        read.not_honoured
            .retain(|notice| !self.not_honoured.contains(notice));
        Ok(read)
    }

    /// This plan with another configuration, such as [`Plan::discovered`] gives.
    #[must_use]
    pub fn with(&self, read: ReadConfig) -> Self {
        Self {
            config: read.config,
            not_honoured: read.not_honoured,
            root: read.root,
            ..self.clone()
        }
    }

    /// Whether both write the same of the service `name`, and of the keys that services may sign with.
    #[must_use]
    pub fn has_same_service(&self, other: &Self, name: &str) -> bool {
        let of = |plan: &Self| named(&plan.root, "services", name).map(|node| node.json());
        of(self) == of(other) && self.has_same_keys(other)
    }

    /// Whether both write the same `keys`.
    #[must_use]
    pub fn has_same_keys(&self, other: &Self) -> bool {
        let of = |plan: &Self| entry_of(&plan.root, "keys").map(Node::json);
        of(self) == of(other)
    }
}

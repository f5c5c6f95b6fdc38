//! What to run, from OPA's command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postern_config::Listen;
use postern_decide::OpaEnvoySettings;

use super::grpc_messages::Descriptors;
use crate::overload::OverloadPlan;

/// What to run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where checks are answered.
    pub(crate) listen: Listen,
    pub(crate) settings: OpaEnvoySettings,
    pub(crate) reflection: bool,
    pub(crate) overload: OverloadPlan,
    /// What is asked, slash-separated.
    pub(crate) path: String,
    /// Bundles' archives.
    pub(crate) bundles: Vec<PathBuf>,
}

/// Reads the command line behind `run`.
///
/// # Errors
/// One line about what is wrong with it.
pub(crate) fn plan(args: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        listen: Listen::Tcp(([0, 0, 0, 0], 9191).into()),
        settings: OpaEnvoySettings::default(),
        reflection: false,
        overload: OverloadPlan {
            max_in_flight: 1024,
            max_connections: 1024,
            max_streams: 256,
            max_message_bytes: 4 << 20,
            max_partial_bytes: 64 << 20,
            message_deadline: Duration::from_secs(5),
            drain: Duration::from_secs(5),
        },
        path: "envoy/authz/allow".to_owned(),
        bundles: Vec::new(),
    };
    let split: Vec<String> = args
        .iter()
        .flat_map(|arg| match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => vec![flag.to_owned(), value.to_owned()],
            _ => vec![arg.clone()],
        })
        .collect();
    let mut args = split.iter();
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{flag}: expected a value"));
        match flag.as_str() {
            "--server" => {}
            "-b" => plan.bundles.push(value()?.into()),
            "--set" => {
                let set = value()?;
                let (key, value) = set
                    .split_once('=')
                    .ok_or_else(|| format!("--set {set}: expected key=value"))?;
                match key.strip_prefix("plugins.envoy_ext_authz_grpc.") {
                    Some("addr") => {
                        plan.listen = value
                            .replace("unix://", "unix:")
                            .parse()
                            .map_err(|error| format!("{key}: {error}"))?;
                    }
                    Some("path") => value.clone_into(&mut plan.path),
                    Some("dry-run") => plan.settings.dry_run = value == "true",
                    Some("skip-request-body-parse") => {
                        plan.settings.skip_request_body_parse = value == "true";
                    }
                    Some("proto-descriptor") => {
                        let messages =
                            Descriptors::read(Path::new(value)).map_err(|error| format!("{key}: {error}"))?;
                        plan.settings.grpc = Some(Arc::new(messages));
                    }
                    Some("enable-reflection") => plan.reflection = value == "true",
                    _ => return Err(format!("--set {key}: not known")),
                }
            }
            "--addr" | "--diagnostic-addr" => {
                value()?;
            }
            file => plan.bundles.push(file.into()),
        }
    }
    Ok(plan)
}

//! The process as a drop-in for opa-envoy-plugin: OPA's command line and configuration (read by `postern-opa-config`), the
//! plugin's answers. Nothing of ours is added to what policy is asked or what Envoy is told.
//!
//! | file | job |
//! |---|---|
//! | `grpc_messages` | the types of gRPC messages, from a file of descriptors |
//! | `machine` | what a configuration may ask of the machine: its files and its environment |
//! | `at_start` | the policy that the process is started with |
//! | `runtime` | what policies are told of where they run |
//! | `bundles/` | the policy that comes from services and files of the configuration |
//! | `discovery/` | configuration that comes as a bundle |
//! | `policy` | the one policy that all of that makes |
//! | `backoff` | how long is waited after failures |
//! | `sockets` | where it listens |
//! | `process` | the process from its plan to its end |
//! | `tells` | what tells of decisions, set up from the plan |
//! | `observer` | hands each decision to those who tell of it |
//! | `log/` | the decision log |
//! | `status/` | the status API, and OPA's metrics |
//! | `api/` | OPA's HTTP API |
//! | `configured` | what the configuration says of what is told |
//! | `telling` | starts and ends all that tells of decisions |
//! | `watching` | files that may change while the process runs |
//! | `verification` | which signatures of bundles count |
//! | `service/` | the servers that bundles come from, and that log and status are sent to |

mod api;
mod at_start;
mod backoff;
mod bundles;
mod configured;
mod discovery;
mod grpc_messages;
mod log;
mod machine;
mod observer;
mod policy;
mod process;
mod runtime;
mod service;
mod sockets;
mod status;
mod telling;
mod tells;
mod verification;
mod watching;

use postern_config::ConfigError;
use postern_opa_config::{LogFormat as Format, LogLevel, Plan};
use postern_telemetry::log::LogFormat;

pub(crate) use observer::Observer;
pub(crate) use process::{DropInError, run};
pub(crate) use runtime::Runtime;
pub(crate) use service::Proxies;

/// How `--log-format` and `--log-level` want lines; which lines there are may be said better by `POSTERN_LOG`.
pub(crate) fn logging(plan: &Plan) -> (LogFormat, &'static str) {
    let format = match plan.logging.format {
        Format::Text => LogFormat::Pretty,
        Format::Json => LogFormat::Json,
        Format::JsonPretty => LogFormat::JsonPretty,
    };
    let filter = match plan.logging.level {
        // What libraries say at that level is for those who work on them.
        LogLevel::Debug => {
            "info,postern_sidecar=debug,postern_decide=debug,postern_policy=debug,postern_compiler=debug"
        }
        LogLevel::Info => "info",
        LogLevel::Error => "error",
    };
    (format, filter)
}

/// Reads OPA's command line, which comes after `run`, and what it leads to.
///
/// # Errors
/// The first thing that is wrong, by flag or by file, line and key.
pub(crate) fn plan(args: &[String]) -> Result<Plan, ConfigError> {
    Plan::read(args, &machine::Machine)
}

/// See [`crate::grpc_messages`].
#[cfg(feature = "fuzzing")]
pub(crate) fn grpc_messages(
    set: &[u8],
) -> Option<std::sync::Arc<dyn postern_policy::input::GrpcMessages + Send>> {
    let descriptors = grpc_messages::Descriptors::decode(set).ok()?;
    Some(std::sync::Arc::new(descriptors))
}

//! The process as a drop-in for opa-envoy-plugin: OPA's command line and configuration, the plugin's answers, its ports.
//! Nothing of ours is added to what policy is asked or what Envoy is told.
//!
//! | file | job |
//! |---|---|
//! | `grpc_messages` | the types of gRPC messages, from a file of descriptors |
//! | `plan` | what to run: the configuration as this process needs it |
//! | `process` | the process from its plan to its end |
//! | `observer` | hands each decision to those who tell of it |
//! | `log/` | the decision log |
//! | `status/` | the status API, and OPA's metrics |
//! | `api/` | OPA's HTTP API |
//! | `configured` | what the configuration says of what is told |
//! | `telling` | starts and ends all that tells of decisions |
//! | `service` | the servers that log and status are sent to |

#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod api;
#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod configured;
mod grpc_messages;
#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod log;
mod observer;
mod plan;
mod process;
#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod service;
#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod status;
#[allow(
    dead_code,
    unused_imports,
    reason = "started once OPA's configuration is read"
)]
mod telling;

pub(crate) use observer::Observer;
pub(crate) use plan::plan;
pub(crate) use process::run;

//! The process as a drop-in for opa-envoy-plugin: OPA's command line and configuration, the plugin's answers, its ports.
//! Nothing of ours is added to what policy is asked or what Envoy is told.
//!
//! | file | job |
//! |---|---|
//! | `grpc_messages` | the types of gRPC messages, from a file of descriptors |
//! | `plan` | what to run: the configuration as this process needs it |
//! | `process` | the process from its plan to its end |

mod grpc_messages;
mod plan;
mod process;

pub(crate) use plan::plan;
pub(crate) use process::run;

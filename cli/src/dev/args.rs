//! The flags of `postern dev`. Knows nothing of what they lead to.

use std::path::PathBuf;

use crate::target::DataDirArgs;

/// `postern dev`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits 0 when stopped with Ctrl-C (or SIGTERM), 1 when a part or the policy failed before READY, \
    2 when it can't start: a taken port, a missing program, a data folder of a newer version.\n\n\
    Examples:\n  \
    postern dev\n  \
    postern dev --port-base 18000 --data-dir /tmp/postern\n  \
    postern dev --no-envoy\n  \
    postern dev --policy-dir ./policy   # Rego of package orders.authz with a rule `decision`"
)]
pub struct DevArgs {
    #[command(flatten)]
    pub dev: DataDirArgs,
    /// Listen on N to N+4: Envoy, upstream, control plane HTTP, control plane gRPC, sidecar admin
    /// [default: 8000, 8001, 8080, 8081, 9192].
    #[arg(long, value_name = "N")]
    pub port_base: Option<u16>,
    /// The folder whose Rego decides; watched while it runs. Rule `decision` of package orders.authz is asked, no other
    /// [default: policy/ in the data folder].
    #[arg(long, value_name = "DIR")]
    pub policy_dir: Option<PathBuf>,
    /// Leave Envoy out.
    #[arg(long, conflicts_with = "envoy")]
    pub no_envoy: bool,
    /// The Envoy to run [default: the one in .venv, else on PATH].
    #[arg(long, value_name = "PATH")]
    pub envoy: Option<PathBuf>,
    /// The opa to compile policy with [default: the one of `make tools`, else on PATH].
    #[arg(long, value_name = "PATH")]
    pub opa: Option<PathBuf>,
}

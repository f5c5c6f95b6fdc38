//! `postern-null SOCKET [--worker-threads N]`: the reference server of the benches, see [`postern_e2e::null`].

use std::path::PathBuf;

use clap::Parser;

/// An ext_authz server that always allows: the reference that the sidecar's cost is measured against.
#[derive(Parser)]
#[command(name = "postern-null", version)]
struct Arguments {
    /// The Unix socket to listen on.
    socket: PathBuf,
    /// Threads of a multi-thread runtime; without it the runtime is `current_thread`.
    #[arg(long)]
    worker_threads: Option<usize>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = match arguments.worker_threads {
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        Some(n) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(n)
            .enable_all()
            .build()?,
    };
    runtime.block_on(postern_e2e::null::serve(&arguments.socket))
}

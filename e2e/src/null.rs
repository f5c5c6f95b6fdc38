//! The **null** server: what an ordinary tonic ext_authz server costs when it decides nothing. It decodes the request
//! with prost and always allows, with no headers. Every figure about the sidecar is a ratio to this one.

use std::path::Path;

use anyhow::Context as _;
use envoy_types::pb::envoy::service::auth::v3::authorization_server::{Authorization, AuthorizationServer};
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use envoy_types::pb::google::rpc::Status as RpcStatus;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

struct AlwaysAllow;

#[tonic::async_trait]
impl Authorization for AlwaysAllow {
    async fn check(&self, _request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse {
            status: Some(RpcStatus::default()),
            ..CheckResponse::default()
        }))
    }
}

/// Serves on a Unix socket until the process ends. An existing file at `socket` is replaced.
///
/// # Errors
/// Where the socket can't be bound, or the listener breaks.
pub async fn serve(socket: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(socket).with_context(|| format!("bind {}", socket.display()))?;
    tonic::transport::Server::builder()
        .add_service(AuthorizationServer::new(AlwaysAllow))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await?;
    Ok(())
}

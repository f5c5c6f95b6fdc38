//! Load as Envoy makes it: `CheckRequest`s over one HTTP/2 connection. Requests are encoded beforehand and answers read
//! only as far as their status, so that the generator costs little beside the server.

use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use hyper_util::rt::TokioIo;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::Target;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// One connection to an ext_authz server and the requests to rotate through.
pub struct ExtAuthz {
    channel: Channel,
    requests: Vec<Bytes>,
    /// The google.rpc code that is wanted: 0 where all are to be allowed.
    wanted: i32,
}

impl ExtAuthz {
    /// Connects to the Unix socket.
    ///
    /// # Errors
    /// Where nobody listens.
    pub async fn connect(socket: &Path, requests: Vec<Bytes>, wanted: i32) -> anyhow::Result<Self> {
        anyhow::ensure!(!requests.is_empty(), "no requests to send");
        let socket = Arc::<Path>::from(socket);
        // The URI is only what the `:authority` header says.
        let channel = Endpoint::try_from("http://ext-authz")?
            .connect_with_connector(service_fn(move |_: Uri| {
                let socket = Arc::clone(&socket);
                async move { tokio::net::UnixStream::connect(&socket).await.map(TokioIo::new) }
            }))
            .await?;
        Ok(Self {
            channel,
            requests,
            wanted,
        })
    }

    /// The same connection with other requests.
    ///
    /// # Errors
    /// Where there are none.
    pub fn with_requests(&self, requests: Vec<Bytes>) -> anyhow::Result<Self> {
        anyhow::ensure!(!requests.is_empty(), "no requests to send");
        Ok(Self {
            channel: self.channel.clone(),
            requests,
            wanted: self.wanted,
        })
    }

    async fn check(&self, request: Bytes) -> Result<i32, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let path = http::uri::PathAndQuery::from_static(CHECK);
        Ok(grpc
            .unary(tonic::Request::new(request), path, StatusOnly)
            .await?
            .into_inner())
    }
}

impl Target for ExtAuthz {
    async fn ask(self: Arc<Self>, i: u64) -> bool {
        let index = usize::try_from(i).unwrap_or(0) % self.requests.len();
        let Some(request) = self.requests.get(index).cloned() else {
            return false;
        };
        matches!(self.check(request).await, Ok(code) if code == self.wanted)
    }
}

/// Many connections, asked over in rotation.
pub struct ManyConnections(Vec<Arc<ExtAuthz>>);

impl ManyConnections {
    /// Opens `count` connections to the Unix socket.
    ///
    /// # Errors
    /// Where nobody listens, or not to so many.
    pub async fn connect(socket: &Path, count: usize, requests: &[Bytes]) -> anyhow::Result<Self> {
        let first = ExtAuthz::connect(socket, requests.to_vec(), 0).await?;
        let mut all = vec![Arc::new(first)];
        while all.len() < count {
            all.push(Arc::new(ExtAuthz::connect(socket, requests.to_vec(), 0).await?));
        }
        Ok(Self(all))
    }
}

impl Target for ManyConnections {
    async fn ask(self: Arc<Self>, i: u64) -> bool {
        let turn = usize::try_from(i).unwrap_or(0);
        match self.0.get(turn % self.0.len()) {
            Some(one) => Arc::clone(one).ask(i).await,
            None => false,
        }
    }
}

/// Sends bytes as they are; of an answer, keeps `status.code`.
#[derive(Clone, Copy)]
struct StatusOnly;

impl Codec for StatusOnly {
    type Encode = Bytes;
    type Decode = i32;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for StatusOnly {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

/// The part of `CheckResponse` that is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    status: Option<RpcStatus>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

impl Decoder for StatusOnly {
    type Item = i32;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<i32>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let answer =
            <Answer as prost::Message>::decode(bytes).map_err(|e| Status::internal(e.to_string()))?;
        Ok(Some(answer.status.map_or(0, |status| status.code)))
    }
}

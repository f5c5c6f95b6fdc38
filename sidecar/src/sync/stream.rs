//! The stream from the control plane (`postern.sync.v1`): connects, shows the credential, asks for what is wanted from
//! where. What comes is for others to heed.

use std::path::PathBuf;
use std::time::Duration;

use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::sync::v1::{self as wire, WatchRequest, WatchResponse};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};

use super::fetch::{FetchError, read_credential};
use super::lists::{OutOfStep, Position, WireError};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take altogether until the stream has begun.
const BEGIN_DEADLINE: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Heartbeats come every 5 seconds: a stream that brings nothing for so long is one whose server has lost it.
const SILENCE: Duration = Duration::from_secs(30);
/// A message has at most 1,000 entries, each of some 2 KiB at most.
const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// Where the stream comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamPlan {
    /// The control plane's gRPC endpoint.
    pub(crate) url: String,
    /// What it knows us by; read anew for each connection.
    pub(crate) credential_file: Option<PathBuf>,
    /// The bundle whose changes are of interest; empty for none.
    pub(crate) bundle: String,
}

/// Why there is no stream, or not any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Credential(#[from] FetchError),
    #[error("can't connect: {0}")]
    Connect(String),
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] tonic::Status),
    #[error("the stream did not begin within {} s", BEGIN_DEADLINE.as_secs())]
    Deadline,
    #[error("the stream brought nothing for {} s", SILENCE.as_secs())]
    Silence,
    #[error("the stream ended")]
    Ended,
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    OutOfStep(#[from] OutOfStep),
}

/// A stream that has begun.
pub(crate) struct Stream {
    messages: Streaming<WatchResponse>,
    /// Kept for as long as its stream is followed.
    _client: SyncServiceClient<Channel>,
}

impl Stream {
    /// Connects and asks for everything after `since`, or for all there is.
    ///
    /// # Errors
    /// When there is no answer in time, or none that says yes.
    pub(crate) async fn begin(plan: &StreamPlan, since: Option<&Position>) -> Result<Self, StreamError> {
        timeout(BEGIN_DEADLINE, begin(plan, since))
            .await
            .map_err(|_| StreamError::Deadline)?
    }

    /// The next message.
    ///
    /// # Errors
    /// When there will be none.
    pub(crate) async fn next(&mut self) -> Result<WatchResponse, StreamError> {
        timeout(SILENCE, self.messages.message())
            .await
            .map_err(|_| StreamError::Silence)??
            .ok_or(StreamError::Ended)
    }
}

async fn begin(plan: &StreamPlan, since: Option<&Position>) -> Result<Stream, StreamError> {
    let channel = connect(&plan.url).await?;
    let mut client = SyncServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let mut request = Request::new(WatchRequest {
        bundle: plan.bundle.clone(),
        // An empty position asks for the lists as well, from the beginning.
        since: Some(since.map(wire::Position::from).unwrap_or_default()),
    });
    if let Some(path) = &plan.credential_file {
        let credential = read_credential(path)?;
        let mut value: MetadataValue<_> = format!("Bearer {}", credential.expose_secret())
            .parse()
            .map_err(|_| StreamError::Connect("the credential can't be sent in a header".to_owned()))?;
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
    }
    let messages = client.watch(request).await?.into_inner();
    Ok(Stream {
        messages,
        _client: client,
    })
}

async fn connect(url: &str) -> Result<Channel, StreamError> {
    let chain = |error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        StreamError::Connect(cause)
    };
    Endpoint::from_shared(url.to_owned())
        .map_err(chain)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect()
        .await
        .map_err(chain)
}

//! The control plane's hints (`postern.sync.v1`): that keys or a bundle changed. A hint only wakes a puller; what changed
//! is fetched and verified over its own API, so that a lying control plane can cause a fetch and nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_proto::sync::v1::{WatchRequest, WatchResponse, watch_response::Hint};
use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};

use super::fetch::read_credential;
use super::{Context, backoff};
use crate::refetch::Wakes;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take altogether until the stream has begun.
const BEGIN_DEADLINE: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// A hint is a few strings.
const MAX_HINT_BYTES: usize = 64 * 1024;
/// The longest pause before connecting again: a control plane that comes back is heard soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where hints come from.
#[derive(Debug, Clone)]
pub(crate) struct HintsPlan {
    /// The control plane's gRPC endpoint.
    pub(crate) endpoint: Endpoint,
    /// What it knows us by; read anew for each connection.
    pub(crate) credential_file: Option<PathBuf>,
    /// The bundle whose changes are of interest.
    pub(crate) bundle: String,
}

/// What a hint wakes.
#[derive(Debug, Clone)]
pub(crate) struct Wakers {
    /// The pullers of keys.
    pub(crate) keys: Wakes,
    /// The puller of the bundle.
    pub(crate) bundle: Arc<Notify>,
}

#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Credential(#[from] super::FetchError),
    #[error("can't connect: {0}")]
    Connect(String),
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] tonic::Status),
    #[error("the stream did not begin within {} s", BEGIN_DEADLINE.as_secs())]
    Deadline,
    #[error("the stream ended")]
    Ended,
}

/// Listens until `stop`, connecting again whenever the stream ends.
pub(crate) async fn watch(context: Arc<Context>, plan: HintsPlan, wakers: Wakers, stop: CancellationToken) {
    let mut failures = 0u32;
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = listen(&context, &plan, &wakers, &mut failures) => ended,
        };
        tracing::warn!(error = %ended, "no hints from the control plane; keys and policy are polled meanwhile");
        context.status.change(|state| {
            if let Some(control_plane) = &mut state.control_plane {
                control_plane.connected = false;
                control_plane.error = Some(ended.to_string());
            }
        });
        failures = failures.saturating_add(1);
        let pause = context.randomness.backoff(backoff(failures).min(LONGEST_PAUSE));
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

/// Follows one stream to its end.
async fn listen(context: &Context, plan: &HintsPlan, wakers: &Wakers, failures: &mut u32) -> WatchError {
    match follow(context, plan, wakers, failures).await {
        Ok(()) => WatchError::Ended,
        Err(error) => error,
    }
}

async fn follow(
    context: &Context,
    plan: &HintsPlan,
    wakers: &Wakers,
    failures: &mut u32,
) -> Result<(), WatchError> {
    // The client is kept for as long as its stream is followed.
    let (_client, mut hints) = tokio::time::timeout(BEGIN_DEADLINE, begin(plan))
        .await
        .map_err(|_| WatchError::Deadline)??;
    *failures = 0;
    tracing::info!("hints from the control plane are heard");
    context.status.change(|state| {
        if let Some(control_plane) = &mut state.control_plane {
            control_plane.connected = true;
            control_plane.error = None;
        }
    });
    while let Some(WatchResponse { hint }) = hints.message().await? {
        heed(context, plan, wakers, hint);
    }
    Ok(())
}

/// Connects and asks for the stream.
async fn begin(
    plan: &HintsPlan,
) -> Result<(SyncServiceClient<Channel>, Streaming<WatchResponse>), WatchError> {
    let channel = connect(&plan.endpoint).await?;
    let mut client = SyncServiceClient::new(channel).max_decoding_message_size(MAX_HINT_BYTES);
    let mut request = Request::new(WatchRequest {
        bundle: plan.bundle.clone(),
        since: None,
    });
    if let Some(path) = &plan.credential_file {
        let credential = read_credential(path)?;
        let mut value: MetadataValue<_> = format!("Bearer {}", credential.expose_secret())
            .parse()
            .map_err(|_| WatchError::Connect("the credential can't be sent in a header".to_owned()))?;
        value.set_sensitive(true);
        request.metadata_mut().insert("authorization", value);
    }
    let hints = client.watch(request).await?.into_inner();
    Ok((client, hints))
}

/// Wakes whom the hint concerns, unless it tells what is known already. What is known comes from this side's own fetches.
fn heed(context: &Context, plan: &HintsPlan, wakers: &Wakers, hint: Option<Hint>) {
    match hint {
        Some(Hint::Keys(keys)) => {
            if let Some(wake) = wakers.keys.of(&keys.issuer) {
                wake.hinted.notify_one();
            }
        }
        Some(Hint::Bundle(bundle)) if bundle.name == plan.bundle => {
            let known = context.status.read().bundle.and_then(|bundle| bundle.etag);
            if known.as_deref().map(bare) != Some(bare(&bundle.etag)) {
                wakers.bundle.notify_one();
            }
        }
        // Kinds of hints that came after this program was built, and bundles of others.
        Some(_) | None => {}
    }
}

/// A tag without the marks of HTTP (RFC 9110 §8.8.3).
fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

async fn connect(endpoint: &Endpoint) -> Result<Channel, WatchError> {
    endpoint
        .clone()
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect()
        .await
        .map_err(|error| {
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            WatchError::Connect(cause)
        })
}

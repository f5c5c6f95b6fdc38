//! HTTP/2 for checks: the library's protocol, our order of work. All requests that came over a connection are read before
//! any is answered, and their answers leave together; nothing is spawned for a check. What isn't a check goes through
//! tonic, on a task of its own. Never looks into a message.
//!
//! | file | job |
//! |---|---|
//! | `connection` | one connection: streams in, answers out, drain |
//! | `body` | a message as it comes |
//! | `read_ahead` | what came over a socket, read by the burst |
//! | `bell` | what wakes a connection's task, and what needn't |
//! | `health` | whether the other side is still there, and still wants to be |
//! | `other` | requests that aren't checks |

mod bell;
mod body;
mod connection;
mod health;
mod other;
mod read_ahead;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::connections::connections;
use crate::ext_authz::ExtAuthz;
use crate::listen::Bound;
use crate::overload::{Load, OverloadPlan};
use connection::Conversation;
use read_ahead::ReadAhead;

/// How long a client may take to say that it speaks HTTP/2 (RFC 9113 §3.4).
const PREFACE_DEADLINE: Duration = Duration::from_secs(5);
/// The headers of one request as HTTP/2 measures them (RFC 9113 §6.5.2): what is asked about is in the message, not here.
const MAX_HEADER_LIST_BYTES: u32 = 16 << 10;
/// What a client may send ahead on a stream, and on a connection, before it is told that there is room for more.
const WINDOW_BYTES: u32 = 1 << 20;

/// Watches and the like at once: a few for each pod's probes, and no way to fill the process with what never ends.
const MAX_STREAMING: usize = 64;
/// What streams its answers for as long as the client likes.
const STREAMING: [&str; 3] = [
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// What connections are served from.
pub(crate) struct Host {
    checks: ExtAuthz,
    others: Routes,
    plan: OverloadPlan,
    in_flight: Arc<Load>,
    /// Requests that aren't checks, counted apart: what applications ask takes nothing from Envoy.
    others_in_flight: Arc<Load>,
    /// Requests that end when their client likes, counted apart from those that are answered.
    streams_in_flight: Arc<Load>,
    partial_bytes: Arc<Load>,
    places: Arc<Semaphore>,
    http2: h2::server::Builder,
}

impl Host {
    /// Checks go to `checks`, all else to `others`. `in_flight` counts checks, from wherever they come.
    pub(crate) fn new(
        checks: ExtAuthz,
        others: Routes,
        plan: OverloadPlan,
        in_flight: Arc<Load>,
    ) -> Arc<Self> {
        let mut http2 = h2::server::Builder::new();
        http2
            .max_concurrent_streams(plan.max_streams)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        Arc::new(Self {
            checks,
            others,
            in_flight,
            others_in_flight: Load::up_to(plan.max_in_flight),
            streams_in_flight: Load::up_to(plan.max_in_flight.min(MAX_STREAMING)),
            partial_bytes: Load::up_to(plan.max_partial_bytes),
            places: Arc::new(Semaphore::new(plan.max_connections)),
            http2,
            plan,
        })
    }

    /// Accepts from `bound` until `stop`, and then what had connected before. Connections are spawned on `tasks`.
    ///
    /// # Errors
    /// When the socket can't be handed to the runtime.
    pub(crate) async fn listen(
        self: Arc<Self>,
        bound: Bound,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let mut incoming = connections(bound, Arc::clone(&self.places))?;
        let serve = |connection| {
            tasks.spawn(Arc::clone(&self).serve(connection, stop.clone()));
        };
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(connection) = incoming.next() => serve(connection?),
                else => return Ok(()),
            }
        }
        // Who connected before the file went away isn't turned away: it is served what it has asked, and told to leave.
        for connection in incoming.last() {
            serve(connection);
        }
        Ok(())
    }

    async fn serve<T>(self: Arc<Self>, transport: T, stop: CancellationToken)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let transport = ReadAhead::new(transport);
        let ended = match timeout(PREFACE_DEADLINE, self.http2.handshake(transport)).await {
            Ok(Ok(http2)) => Conversation::new(http2, self, stop).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(()),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }

    /// What counts a request for `path` that is no check.
    fn load_of(&self, path: &str) -> &Arc<Load> {
        if STREAMING.contains(&path) {
            &self.streams_in_flight
        } else {
            &self.others_in_flight
        }
    }

    /// Whether a new connection would have to wait for a place.
    fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }
}

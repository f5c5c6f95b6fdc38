//! Sockets: binds an address, serves a router on its connections, ends them in order. Every wait has a bound: for the
//! first byte, for a request's headers, for a credential where all need one, for what is still under way when the process
//! ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::admission::Admission;
use crate::request::Surface;

const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_STREAMS: u32 = 256;
/// How long what is under way may take when the process ends.
const DRAIN: Duration = Duration::from_secs(5);
/// After an accept that failed (no file descriptors, say), so that it isn't tried in a circle.
const PAUSE: Duration = Duration::from_millis(100);

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({key}): {source}{}", hint(.source))]
pub(crate) struct BindError {
    key: &'static str,
    address: SocketAddr,
    source: io::Error,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another process uses it: stop that one, or choose another port",
        _ => "",
    }
}

/// A bound socket that answers nobody yet.
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    surface: Surface,
}

impl Bound {
    /// Binds `address`; `key` is what the configuration calls it.
    pub(crate) async fn bind(
        key: &'static str,
        address: SocketAddr,
        surface: Surface,
    ) -> Result<Self, BindError> {
        let failed = |source| BindError { key, address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            surface,
        })
    }

    /// Where it listens, with the port that the system chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves up to `connections` at the same time (more wait in the system's queue) until `closing` is cancelled, then
    /// lets what is under way end, for a bounded time.
    pub(crate) async fn serve(self, router: Router, connections: usize, closing: CancellationToken) {
        let connections = Arc::new(Semaphore::new(connections));
        let graceful = GracefulShutdown::new();
        let builder = builder(self.surface);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.listener, &connections) => accepted,
                () = closing.cancelled() => break,
            };
            let Some((stream, permit)) = accepted else {
                continue;
            };
            let admission = Admission::default();
            let carried = admission.clone();
            let service = router
                .clone()
                .map_request(move |mut request: axum::http::Request<_>| {
                    request.extensions_mut().insert(carried.clone());
                    request.map(Body::new)
                });
            let (builder, watcher, closing) = (builder.clone(), graceful.watcher(), closing.clone());
            let surface = self.surface;
            tokio::spawn(async move {
                let _place = permit;
                if !speaks(&stream, &closing).await {
                    return;
                }
                let connection =
                    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
                let stranger = async {
                    match surface {
                        Surface::Grpc => admission.overdue().await,
                        // Here strangers are served; between two requests the bound on headers holds.
                        Surface::Http => std::future::pending().await,
                    }
                };
                tokio::select! {
                    // A connection that breaks is the client's affair; its requests have their own log lines.
                    ended = watcher.watch(connection.into_owned()) => if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    },
                    () = stranger => tracing::debug!("a connection without a credential was cut off"),
                }
            });
        }
        drop(self.listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!(address = %self.address, "connections were cut off that did not end in time");
        }
    }
}

/// Waits for a free place, then for a connection.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Without it small answers wait for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "accept failed");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// Waits for the first byte: who connects and says nothing doesn't keep a place.
async fn speaks(stream: &TcpStream, closing: &CancellationToken) -> bool {
    tokio::select! {
        readable = tokio::time::timeout(FIRST_BYTE_TIMEOUT, stream.readable()) => matches!(readable, Ok(Ok(()))),
        () = closing.cancelled() => false,
    }
}

fn builder(surface: Surface) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS);
    match surface {
        Surface::Http => builder.http1_only(),
        Surface::Grpc => builder.http2_only(),
    }
}

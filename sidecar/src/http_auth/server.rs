//! Connections of proxies over HTTP/1.1: how many, how long, how large, and whose. A request becomes a decision or a refusal;
//! every way out denies but one.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use futures_util::StreamExt;
use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use postern_decide::routes::AddressRange;
use postern_decide::{Address, HeaderPrefix, Headers, HttpView, PeerView, RequestView, SocketAddress};
use postern_telemetry::{Code, CorrelationId, Error, X_REQUEST_ID};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer;
use super::original::{Original, OriginalError};
use super::view::view;
use super::{HttpAuthPlan, Mode};
use crate::candidate::Again;
use crate::checker::Checker;
use crate::connections::connections;
use crate::listen::{self, BindError, Bound};
use crate::overload::Load;

/// How long a request's headers may take, and how long a connection may idle.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Headers of one request: a token of 16 KiB, cookies, and what proxies add.
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;
/// The largest body that Envoy may send along.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a body may take to come.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

/// Where proxies ask, bound and not accepted from yet.
#[derive(Debug)]
pub(crate) struct HttpAuthServer {
    plan: HttpAuthPlan,
    listeners: Vec<Bound>,
}

impl HttpAuthServer {
    /// Binds what `plan` says.
    ///
    /// # Errors
    /// When an address is taken, or the system refuses.
    pub(crate) fn bind(plan: &HttpAuthPlan) -> Result<Self, BindError> {
        let listeners = plan.listen.iter().map(listen::bind).collect::<Result<_, _>>()?;
        Ok(Self {
            plan: plan.clone(),
            listeners,
        })
    }

    /// Answers through `checker` until `stop`, then lets answers under way end.
    /// `in_flight` bounds what is asked here together with what Envoy asks over gRPC.
    pub(crate) async fn serve(self, checker: Arc<Checker>, in_flight: Arc<Load>, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.plan.max_connections));
        let auth = HttpAuth {
            checker,
            mode: self.plan.mode,
            trusted_peers: self.plan.trusted_peers.into(),
            in_flight,
        };
        let listeners = self
            .listeners
            .into_iter()
            .map(|bound| listener(bound, auth.clone(), Arc::clone(&permits), stop.clone()));
        for ended in join_all(listeners).await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener of http_auth ended");
            }
        }
    }
}

async fn listener(
    bound: Bound,
    auth: HttpAuth,
    permits: Arc<Semaphore>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS);
    let graceful = GracefulShutdown::new();
    {
        // Dropped before the drain: a socket that nobody accepts from any more isn't to be connected to.
        let mut incoming = pin!(connections(bound, permits)?);
        while let Some(connection) = tokio::select! {
            () = stop.cancelled() => None,
            next = incoming.next() => next,
        } {
            let connection = connection?;
            let peer = connection.peer_address();
            let auth = auth.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let auth = auth.clone();
                async move { Ok::<_, Infallible>(auth.respond(peer, request).await) }
            });
            let served = http
                .serve_connection(TokioIo::new(connection), service)
                .into_owned();
            let served = graceful.watch(served);
            tokio::spawn(async move {
                if let Err(error) = served.await {
                    tracing::debug!(error, "a connection of a proxy ended");
                }
            });
        }
    }
    graceful.shutdown().await;
    Ok(())
}

/// What requests are answered from.
#[derive(Debug, Clone)]
struct HttpAuth {
    checker: Arc<Checker>,
    mode: Mode,
    trusted_peers: Arc<[AddressRange]>,
    in_flight: Arc<Load>,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("requests are taken from the addresses in http_auth.trusted_peers and from the Unix socket")]
    Untrusted,
    #[error(transparent)]
    Original(#[from] OriginalError),
    #[error(
        "the body is larger than {MAX_BODY_BYTES} bytes; lower Envoy's with_request_body.max_request_bytes"
    )]
    BodyTooLarge,
    #[error("the body didn't come whole within {} s", BODY_DEADLINE.as_secs())]
    BodyBroken,
}

impl Refused {
    fn code(&self) -> Code {
        match self {
            Self::Untrusted => Code::UntrustedForwarder,
            Self::Original(error) => error.code(),
            Self::BodyTooLarge => Code::PayloadTooLarge,
            Self::BodyBroken => Code::InvalidRequest,
        }
    }
}

impl HttpAuth {
    async fn respond(&self, peer: Option<IpAddr>, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let snapshot = self.checker.published.load();
        let prefix = snapshot.settings.prefix.clone();
        drop(snapshot);
        // Until the answer is there: one that waits for an issuer, or for a body, counts as well.
        let Some(_in_flight) = self.in_flight.take(1) else {
            return self.overloaded(&prefix, &parts);
        };
        let refused = match self.read(&prefix, peer, &parts, body).await {
            Ok((original, body)) => {
                let client = original.client.map(|address| address.to_string());
                let view = view(self.mode, &original, &parts.headers, client.as_deref(), &body);
                let mut settled = self.checker.answer(&view).await;
                let sampled = settled.sampled.take();
                let answer = answer::answer(self.mode, &prefix, settled, &parts.headers);
                if let Some(sampled) = sampled {
                    drop(view);
                    let again = QuestionAgain {
                        mode: self.mode,
                        parts,
                        body,
                    };
                    self.checker.candidates.look(sampled, again);
                }
                return answer;
            }
            Err(refused) => refused,
        };
        let error = Error::new(refused.code(), refused.to_string());
        let proxy = peer.map(|address| address.to_string());
        let question = question(&parts, proxy.as_deref());
        let reason = match &proxy {
            Some(proxy) => format!("{refused} (asked from {proxy})"),
            None => refused.to_string(),
        };
        let unread = self.checker.refuse(&question, error.code(), reason);
        let decision_id = Some(unread.decision_id);
        answer::refused(self.mode, &prefix, &error, &unread.correlation_id, decision_id)
    }

    /// Denies unread, since there are too many.
    fn overloaded(&self, prefix: &HeaderPrefix, parts: &Parts) -> Response<Body> {
        self.checker.count_overloaded();
        let sent = parts.headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let correlation_id = CorrelationId::of(sent, || self.checker.randomness.entropy().correlation_id);
        let error = Error::new(Code::Overloaded, Code::Overloaded.title());
        answer::refused(self.mode, prefix, &error, &correlation_id, None)
    }

    async fn read<'r>(
        &self,
        prefix: &HeaderPrefix,
        peer: Option<IpAddr>,
        parts: &'r Parts,
        body: Incoming,
    ) -> Result<(Original<'r>, Vec<u8>), Refused> {
        let trusted = peer.is_none_or(|peer| self.trusted_peers.iter().any(|range| range.contains(peer)));
        if !trusted {
            return Err(Refused::Untrusted);
        }
        let original = Original::of(self.mode, parts)?;
        if answer::reserved(self.mode, prefix, &parts.headers) {
            return Err(OriginalError::Reserved.into());
        }
        let body = match self.mode {
            Mode::Envoy => bounded(body).await?,
            // They ask without the client's body; whatever comes isn't it.
            Mode::Forward | Mode::Nginx => Vec::new(),
        };
        Ok((original, body))
    }
}

/// A question that was read before.
struct QuestionAgain {
    mode: Mode,
    parts: Parts,
    body: Vec<u8>,
}

impl Again for QuestionAgain {
    fn bytes(&self) -> usize {
        let headers = self.parts.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        headers + self.body.len()
    }

    fn with(&self, look: &mut dyn FnMut(&RequestView<'_>)) {
        if let Ok(original) = Original::of(self.mode, &self.parts) {
            let client = original.client.map(|address| address.to_string());
            let headers = &self.parts.headers;
            look(&view(
                self.mode,
                &original,
                headers,
                client.as_deref(),
                &self.body,
            ));
        }
    }
}

/// The question as it was asked, where it isn't known, or not believed, what request it is about.
fn question<'r>(parts: &'r Parts, proxy: Option<&'r str>) -> RequestView<'r> {
    let headers = parts.headers.iter();
    RequestView {
        http: HttpView {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            headers: Headers::from_raw(headers.map(|(name, value)| (name.as_str(), value.as_bytes()))),
            ..HttpView::default()
        },
        source: proxy.map(|address| PeerView {
            address: Some(Address::Socket(SocketAddress {
                address,
                ..SocketAddress::default()
            })),
            ..PeerView::default()
        }),
        ..RequestView::default()
    }
}

async fn bounded(body: Incoming) -> Result<Vec<u8>, Refused> {
    let limited = axum::body::to_bytes(Body::new(body), MAX_BODY_BYTES);
    match tokio::time::timeout(BODY_DEADLINE, limited).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) if is_too_large(&error) => Err(Refused::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Refused::BodyBroken),
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<http_body_util::LengthLimitError>() || error.source().is_some_and(is_too_large)
}

//! A web server with a key set and a bundle: ETags, 304, and long polling as OPA's bundle API has it and Postern's control
//! plane serves it: the media type that says so comes only where holding was asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use postern_jose::{JwkSet, LocalSigner};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    keys: watch::Sender<Served>,
    bundle: watch::Sender<Served>,
    discovery: watch::Sender<Served>,
    key_fetches: AtomicUsize,
    bundle_bodies: AtomicUsize,
    bundle_unmodified: AtomicUsize,
    /// How many requests are held now.
    held: AtomicUsize,
    let_go: Notify,
    plain: AtomicBool,
    stubborn: AtomicBool,
    untagged: AtomicBool,
}

/// A body and its tag; without a body, 404.
#[derive(Clone, Default)]
struct Served {
    tag: String,
    body: Option<Vec<u8>>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared {
            keys: watch::Sender::new(Served::default()),
            bundle: watch::Sender::new(Served::default()),
            discovery: watch::Sender::new(Served::default()),
            key_fetches: AtomicUsize::new(0),
            bundle_bodies: AtomicUsize::new(0),
            bundle_unmodified: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            let_go: Notify::new(),
            plain: AtomicBool::new(false),
            stubborn: AtomicBool::new(false),
            untagged: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/jwks", get(keys))
            .route("/bundles/demo", get(bundle))
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        // Not graceful: an origin that is killed is gone at once, held requests and all.
        tokio::spawn(async move {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served.unwrap(),
                () = stopped.cancelled() => {}
            }
        });
        Self {
            address,
            shared,
            stop,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn serve_keys<'a>(&self, signers: impl IntoIterator<Item = &'a LocalSigner>) {
        let set = JwkSet::new(signers.into_iter().map(LocalSigner::public_jwk));
        serve(&self.shared.keys, set.to_json().into_bytes());
    }

    /// The document of an issuer under /realm.
    pub(crate) fn serve_discovery(&self, document: &serde_json::Value) {
        serve(&self.shared.discovery, document.to_string().into_bytes());
    }

    /// Whatever it is, under the URL of the keys.
    pub(crate) fn serve_raw_keys(&self, body: &str) {
        serve(&self.shared.keys, body.as_bytes().to_vec());
    }

    pub(crate) fn serve_bundle(&self, archive: Vec<u8>) {
        serve(&self.shared.bundle, archive);
    }

    pub(crate) fn key_fetches(&self) -> usize {
        self.shared.key_fetches.load(Ordering::SeqCst)
    }

    /// How often a bundle's body was sent.
    pub(crate) fn bundle_bodies(&self) -> usize {
        self.shared.bundle_bodies.load(Ordering::SeqCst)
    }

    /// How often a bundle was answered with "not modified".
    pub(crate) fn bundle_unmodified(&self) -> usize {
        self.shared.bundle_unmodified.load(Ordering::SeqCst)
    }

    /// Whether a request for the bundle is held now.
    pub(crate) fn holds(&self) -> bool {
        self.shared.held.load(Ordering::SeqCst) > 0
    }

    /// Answers the requests that are held, as a server does that is about to end.
    pub(crate) fn let_go(&self) {
        self.shared.let_go.notify_waiters();
    }

    /// Says "not modified" to everything, whether or not it was asked.
    pub(crate) fn be_stubborn(&self) {
        self.shared.stubborn.store(true, Ordering::SeqCst);
    }

    /// Sends bundles without a tag from now on, whole each time.
    pub(crate) fn send_no_tags(&self) {
        self.shared.untagged.store(true, Ordering::SeqCst);
    }

    /// Stops holding requests, as a plain web server would never have.
    pub(crate) fn be_plain(&self) {
        self.shared.plain.store(true, Ordering::SeqCst);
    }

    /// Goes away.
    pub(crate) fn kill(&self) {
        self.stop.cancel();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(what: &watch::Sender<Served>, body: Vec<u8>) {
    what.send_modify(|served| {
        let version: u32 = served.tag.trim_matches('"').parse().unwrap_or_default();
        *served = Served {
            tag: format!("\"{}\"", version + 1),
            body: Some(body),
        };
    });
}

async fn keys(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.key_fetches.fetch_add(1, Ordering::SeqCst);
    if shared.stubborn.load(Ordering::SeqCst) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let served = shared.keys.borrow().clone();
    answer(served, &headers, "application/jwk-set+json")
}

async fn discovery(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let served = shared.discovery.borrow().clone();
    answer(served, &headers, "application/json")
}

async fn bundle(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if shared.stubborn.load(Ordering::SeqCst) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let wait = text(&headers, "prefer")
        .and_then(|prefer| {
            prefer
                .split(';')
                .find_map(|part| part.trim().strip_prefix("wait=")?.parse().ok())
        })
        .map(Duration::from_secs)
        .filter(|_| !shared.plain.load(Ordering::SeqCst));
    if let Some(wait) = wait {
        hold(&shared, text(&headers, "if-none-match"), wait).await;
    }
    let served = shared.bundle.borrow().clone();
    let media_type = match wait {
        Some(_) => "application/vnd.openpolicyagent.bundles",
        None => "application/gzip",
    };
    let response = if shared.untagged.load(Ordering::SeqCst) {
        served.body.unwrap_or_default().into_response()
    } else {
        answer(served, &headers, media_type)
    };
    let counter = match response.status() {
        StatusCode::OK => &shared.bundle_bodies,
        StatusCode::NOT_MODIFIED => &shared.bundle_unmodified,
        _ => return response,
    };
    counter.fetch_add(1, Ordering::SeqCst);
    response
}

/// Waits until there is something else than `known`, or the time is up.
async fn hold(shared: &Shared, known: Option<&str>, wait: Duration) {
    /// Counts a request for as long as it is held; a client that goes away drops it.
    struct Held<'s>(&'s AtomicUsize);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let mut changes = shared.bundle.subscribe();
    shared.held.fetch_add(1, Ordering::SeqCst);
    let _held = Held(&shared.held);
    tokio::select! {
        _ = changes.wait_for(|served| Some(served.tag.as_str()) != known) => {}
        () = shared.let_go.notified() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

fn answer(served: Served, headers: &HeaderMap, media_type: &'static str) -> Response {
    let Some(body) = served.body else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if text(headers, "if-none-match") == Some(&served.tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, served.tag)]).into_response();
    }
    (
        [
            (header::ETAG, served.tag),
            (header::CONTENT_TYPE, media_type.to_owned()),
        ],
        body,
    )
        .into_response()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

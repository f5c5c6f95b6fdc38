//! A web server with a key set and a bundle: ETags, 304, and long polling as OPA's bundle API has it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use postern_jose::{JwkSet, LocalSigner};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    keys: watch::Sender<Served>,
    bundle: watch::Sender<Served>,
    key_fetches: AtomicUsize,
    bundle_bodies: AtomicUsize,
    plain: AtomicBool,
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
            key_fetches: AtomicUsize::new(0),
            bundle_bodies: AtomicUsize::new(0),
            plain: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/jwks", get(keys))
            .route("/bundles/demo", get(bundle))
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
    let served = shared.keys.borrow().clone();
    answer(served, &headers, "application/jwk-set+json")
}

async fn bundle(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let mut changes = shared.bundle.subscribe();
    let known = text(&headers, "if-none-match");
    let wait = text(&headers, "prefer")
        .and_then(|prefer| {
            prefer
                .split(';')
                .find_map(|part| part.trim().strip_prefix("wait=")?.parse().ok())
        })
        .map_or(Duration::ZERO, Duration::from_secs);
    let changed = changes.wait_for(|served| Some(served.tag.as_str()) != known);
    let plain = shared.plain.load(Ordering::SeqCst);
    let wait = if plain { Duration::ZERO } else { wait };
    // Held until there is something else, or the time is up.
    let _ = tokio::time::timeout(wait, changed).await;
    let served = shared.bundle.borrow().clone();
    let media_type = if plain {
        "application/gzip"
    } else {
        "application/vnd.openpolicyagent.bundles"
    };
    let response = answer(served, &headers, media_type);
    if response.status() == StatusCode::OK {
        shared.bundle_bodies.fetch_add(1, Ordering::SeqCst);
    }
    response
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

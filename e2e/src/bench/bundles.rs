//! Serves one signed bundle, and another in its place.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use postern_jose::LocalSigner;
use postern_policy::Limits;
use postern_policy::bundle::sign;

/// Signs bundles and serves the last, at `/bundle`.
#[derive(Clone)]
pub(super) struct BundleServer {
    key: Arc<LocalSigner>,
    served: Arc<Mutex<Served>>,
}

#[derive(Default)]
struct Served {
    archive: Bytes,
    /// How many there were: what the tag is made of.
    number: u64,
    /// How often one was sent.
    sent: u64,
}

impl BundleServer {
    /// Nothing yet; signs with `key`.
    pub(super) fn new(key: LocalSigner) -> Self {
        Self {
            key: Arc::new(key),
            served: Arc::default(),
        }
    }

    /// The archive, signed.
    ///
    /// # Errors
    /// Where it can't be signed.
    pub(super) fn signed(&self, archive: &[u8]) -> anyhow::Result<Bytes> {
        Ok(sign(archive, self.key.as_ref(), "bench", &Limits::default())?.into())
    }

    /// Serves this from now on, which is signed.
    pub(super) fn serve(&self, archive: Bytes) {
        let mut served = self.served();
        served.archive = archive;
        served.number += 1;
    }

    /// How often an archive was sent.
    pub(super) fn sent(&self) -> u64 {
        self.served().sent
    }

    /// What serves it.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/bundle", get(answer))
            .with_state(self.clone())
    }

    fn served(&self) -> std::sync::MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(server): State<BundleServer>, headers: HeaderMap) -> Response {
    let mut served = server.served();
    let tag = format!("\"{}\"", served.number);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| *known == tag.as_str())
    {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    served.sent += 1;
    ([(header::ETAG, tag)], served.archive.clone()).into_response()
}

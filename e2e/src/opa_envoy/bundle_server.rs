//! A server of bundles that also takes what is posted to it, and remembers who asked how: what OPA's services are in tests.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use postern_policy::BundleBuilder;
use postern_policy::bundle::digest_hex;
use serde_json::Value as Json;
use tokio::sync::Notify;

/// The media type of servers that hold requests.
const LONG_POLLING: &str = "application/vnd.openpolicyagent.bundles";

/// The server.
#[derive(Debug, Clone)]
pub struct BundleServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Told>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Told {
    served: BTreeMap<String, (Bytes, String)>,
    asked: Vec<(String, HeaderMap)>,
    posted: Vec<(String, Json)>,
    holds: bool,
}

impl BundleServer {
    /// Starts it with nothing to serve.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let server = Self {
            address: listener.local_addr()?,
            shared: Arc::default(),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&server.shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(server)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves `archive` at `path` from now on, under its digest as its tag.
    pub fn serve(&self, path: &str, archive: impl Into<Bytes>) {
        let archive = archive.into();
        let etag = format!("\"{}\"", digest_hex(&archive));
        self.told().served.insert(path.to_owned(), (archive, etag));
        self.shared.changed.notify_waiters();
    }

    /// Serves nothing at `path` any longer.
    pub fn forget(&self, path: &str) {
        self.told().served.remove(path);
    }

    /// Holds requests that ask for it from now on.
    pub fn hold(&self) {
        self.told().holds = true;
    }

    /// The tag of what is served at `path`.
    #[must_use]
    pub fn etag(&self, path: &str) -> Option<String> {
        self.told().served.get(path).map(|(_, etag)| etag.clone())
    }

    /// The headers of each request for `path` so far.
    #[must_use]
    pub fn asked(&self, path: &str) -> Vec<HeaderMap> {
        let told = self.told();
        let asked = told.asked.iter().filter(|(asked, _)| asked == path);
        asked.map(|(_, headers)| headers.clone()).collect()
    }

    /// What was posted to `path` so far.
    #[must_use]
    pub fn posted(&self, path: &str) -> Vec<Json> {
        let told = self.told();
        let posted = told.posted.iter().filter(|(posted, _)| posted == path);
        posted.map(|(_, json)| json.clone()).collect()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.shared.told()
    }
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bundle(&self, path: &str) -> Option<(Bytes, String)> {
        self.told().served.get(path).cloned()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    if method == Method::POST {
        if let Some(json) = posted(&headers, &body) {
            shared.told().posted.push((path, json));
        }
        return StatusCode::OK.into_response();
    }
    shared.told().asked.push((path.clone(), headers.clone()));
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tag| tag.to_str().ok());
    let wait = shared.told().holds.then(|| wait(&headers)).flatten();
    if let Some(wait) = wait {
        let changed = shared.changed.notified();
        if shared
            .bundle(&path)
            .is_some_and(|(_, etag)| Some(etag.as_str()) == known)
        {
            // Whichever comes first, the answer is what there is then.
            let _ = tokio::time::timeout(wait, changed).await;
        }
    }
    let Some((archive, etag)) = shared.bundle(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_known = known == Some(etag.as_str());
    let media = if wait.is_some() {
        LONG_POLLING
    } else {
        "application/gzip"
    };
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        archive.into_response()
    };
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        told.insert(header::ETAG, etag);
    }
    response
}

/// How long a request asks to be held.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let prefer = headers.get("prefer")?.to_str().ok()?;
    let seconds = prefer.split(';').find_map(|part| part.strip_prefix("wait="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn posted(headers: &HeaderMap, body: &[u8]) -> Option<Json> {
    if headers.get(header::CONTENT_ENCODING).is_none() {
        return serde_json::from_slice(body).ok();
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(body)
        .read_to_string(&mut text)
        .ok()?;
    serde_json::from_str(&text).ok()
}

/// A bundle that owns `roots`, with these files.
///
/// # Errors
/// When they are none.
pub fn bundle(revision: &str, roots: &[&str], files: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let builder = BundleBuilder::new(revision).roots(roots.iter().copied());
    let all = files.iter();
    let builder = all.fold(builder, |builder, (path, text)| builder.file(*path, *text));
    Ok(builder.build()?)
}

/// A delta of that revision, with these roots and operations, and files beside its patch that shouldn't be there.
///
/// # Errors
/// When it can't be packed.
pub fn delta(
    revision: &str,
    roots: &[&str],
    operations: &Json,
    beside: &[(&str, &str)],
) -> anyhow::Result<Vec<u8>> {
    let patch = serde_json::json!({ "data": operations }).to_string();
    let builder = BundleBuilder::new(revision).roots(roots.iter().copied());
    let builder = builder.file("patch.json", patch);
    let all = beside.iter();
    let builder = all.fold(builder, |builder, (path, text)| builder.file(*path, *text));
    Ok(builder.build_unread()?)
}

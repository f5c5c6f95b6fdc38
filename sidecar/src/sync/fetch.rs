//! Conditional GETs over HTTP with a deadline and a bounded body. Never follows a redirect: keys and policy come from the
//! URL that the operator wrote down. A bundle may also be a file of this machine (`file://`). Errors are for the status and the log; they hold no credential.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt as _;

use crate::http_error::causes;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// No answer, or a broken one.
    #[error("{url}: {cause}")]
    Transport {
        /// What was asked for.
        url: String,
        /// The chain of causes.
        cause: String,
    },
    /// The answer is neither the thing nor "not modified".
    #[error("{url}: the server answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// What came.
        status: StatusCode,
    },
    /// "Not modified", though there was nothing that it could not have been modified from.
    #[error(
        "{url}: the server answered 304 to a request without If-None-Match; expected 200 and the content"
    )]
    NothingToMatch {
        /// What was asked for.
        url: String,
    },
    /// It took too long.
    #[error("{url}: no complete answer within {} s", deadline.as_secs())]
    Deadline {
        /// What was asked for.
        url: String,
        /// How long was waited.
        deadline: Duration,
    },
    /// It is larger than what is accepted.
    #[error("{url}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// What is accepted.
        limit: usize,
    },
    /// The file can't be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The credential can't be used.
    #[error("{}: {problem}", path.display())]
    Credential {
        /// Where it should be.
        path: PathBuf,
        /// Why it can't.
        problem: String,
    },
}

/// An HTTP client for one URL.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: Client,
    url: String,
    credential_file: Option<PathBuf>,
}

/// What a conditional GET gave.
pub(crate) enum Answer {
    /// What we have is current.
    Unchanged {
        /// For how long, by the server's word.
        max_age: Option<Duration>,
    },
    /// Something else; its body is still to be read.
    Changed(Box<Changed>),
}

/// An answer whose body is still to be read.
pub(crate) struct Changed {
    content: Content,
    url: String,
    /// Its tag.
    pub(crate) etag: Option<String>,
    /// For how long it is current, by the server's word (`Cache-Control: max-age`).
    pub(crate) max_age: Option<Duration>,
    /// Its media type, without parameters.
    pub(crate) content_type: Option<String>,
}

enum Content {
    Response(Response),
    File(PathBuf),
}

/// The client that all fetchers share.
///
/// # Errors
/// When TLS can't be set up.
pub(crate) fn client() -> Result<Client, FetchError> {
    Client::builder()
        .redirect(redirect::Policy::none())
        // What the environment says about proxies is nobody's decision about where keys come from.
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("postern-sidecar/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| transport("TLS set-up", &error))
}

impl Fetcher {
    /// A fetcher of `url`; the credential is read anew for each request, so that it can be replaced.
    pub(crate) fn new(client: Client, url: String, credential_file: Option<PathBuf>) -> Self {
        Self {
            client,
            url,
            credential_file,
        }
    }

    /// Where it fetches from.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Asks for what is not `etag`, and waits at most `deadline` for an answer to begin.
    ///
    /// # Errors
    /// Whatever isn't 200, or 304 where there is an `etag`.
    pub(crate) async fn ask(
        &self,
        etag: Option<&str>,
        deadline: Duration,
        decorate: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, FetchError> {
        if let Some(path) = file_of(&self.url) {
            return file(path, &self.url, etag).await;
        }
        let mut request = decorate(self.client.get(&self.url));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(path) = &self.credential_file {
            let credential = read_credential(path)?;
            request = request.header(AUTHORIZATION, bearer(&credential, path)?);
        }
        let sent = tokio::time::timeout(deadline, request.send()).await;
        let response = sent
            .map_err(|_| FetchError::Deadline {
                url: self.url.clone(),
                deadline,
            })?
            .map_err(|error| transport(&self.url, &error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Answer::Unchanged {
                max_age: max_age_of(&response),
            }),
            StatusCode::NOT_MODIFIED => Err(FetchError::NothingToMatch {
                url: self.url.clone(),
            }),
            StatusCode::OK => Ok(Answer::Changed(Box::new(Changed {
                etag: text_of(&response, &ETAG),
                max_age: max_age_of(&response),
                content_type: media_type(&response),
                content: Content::Response(response),
                url: self.url.clone(),
            }))),
            status => Err(FetchError::Status {
                url: self.url.clone(),
                status,
            }),
        }
    }
}

impl Changed {
    /// Reads the body: at most `limit` bytes within `deadline`.
    ///
    /// # Errors
    /// When it is longer, later, or breaks off.
    pub(crate) async fn body(self, limit: usize, deadline: Duration) -> Result<Vec<u8>, FetchError> {
        match self.content {
            Content::Response(response) => body_of(response, &self.url, limit, deadline).await,
            Content::File(path) => read_file(path, self.url, limit).await,
        }
    }
}

/// Reads a body: at most `limit` bytes within `deadline`. `url` is for errors.
///
/// # Errors
/// When it is longer, later, or breaks off.
pub(crate) async fn body_of(
    mut response: Response,
    url: &str,
    limit: usize,
    deadline: Duration,
) -> Result<Vec<u8>, FetchError> {
    let reading = async {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(url, &error))? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(FetchError::TooLarge {
                    url: url.to_owned(),
                    limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(deadline, reading).await {
        Ok(read) => read,
        Err(_) => Err(FetchError::Deadline {
            url: url.to_owned(),
            deadline,
        }),
    }
}

/// The file that a URL names, where it names one.
pub(crate) fn file_of(url: &str) -> Option<PathBuf> {
    let parsed = reqwest::Url::parse(url).ok()?;
    let plain = url.starts_with("file:///") && parsed.query().is_none() && parsed.fragment().is_none();
    plain.then(|| parsed.to_file_path().ok())?
}

/// A file's tag is what tells its state from another: it is read when that has changed.
async fn file(path: PathBuf, url: &str, etag: Option<&str>) -> Result<Answer, FetchError> {
    let metadata = tokio::fs::metadata(&path).await;
    let metadata = metadata.map_err(|error| FetchError::File {
        path: path.clone(),
        error,
    })?;
    let tag = format!(
        "{:x}-{:x}-{:x}.{:x}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    );
    if etag == Some(&tag) {
        return Ok(Answer::Unchanged { max_age: None });
    }
    Ok(Answer::Changed(Box::new(Changed {
        content: Content::File(path),
        url: url.to_owned(),
        etag: Some(tag),
        max_age: None,
        content_type: None,
    })))
}

/// Reads a file of at most `limit` bytes.
async fn read_file(path: PathBuf, url: String, limit: usize) -> Result<Vec<u8>, FetchError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = async {
        let mut content = Vec::new();
        let file = tokio::fs::File::open(&path).await?;
        file.take(most).read_to_end(&mut content).await?;
        Ok(content)
    };
    match read.await {
        Ok(content) if content.len() > limit => Err(FetchError::TooLarge { url, limit }),
        Ok(content) => Ok(content),
        Err(error) => Err(FetchError::File { path, error }),
    }
}

/// What `Content-Type` says, without parameters and in small letters.
fn media_type(response: &Response) -> Option<String> {
    let value = text_of(response, &CONTENT_TYPE)?;
    let media = value.split(';').next().unwrap_or_default();
    Some(media.trim().to_ascii_lowercase())
}

/// Reads a credential: one line, nothing else.
///
/// # Errors
/// When there is none at `path`.
pub(crate) fn read_credential(path: &Path) -> Result<SecretString, FetchError> {
    let credential_error = |problem: String| FetchError::Credential {
        path: path.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|error| credential_error(error.to_string()))?;
    let credential = text.trim();
    if credential.is_empty() || !credential.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(credential_error("expected one line with a credential".to_owned()));
    }
    Ok(SecretString::from(credential))
}

fn bearer(credential: &SecretString, path: &Path) -> Result<HeaderValue, FetchError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", credential.expose_secret())).map_err(|_| {
            FetchError::Credential {
                path: path.to_owned(),
                problem: "can't be sent in a header".to_owned(),
            }
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn text_of(response: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1); zero where the answer is not to be kept.
fn max_age_of(response: &Response) -> Option<Duration> {
    max_age(&text_of(response, &CACHE_CONTROL)?)
}

fn max_age(cache_control: &str) -> Option<Duration> {
    let mut found = None;
    for directive in cache_control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse().ok();
                found = seconds.map(Duration::from_secs);
            }
            _ => {}
        }
    }
    found
}

fn transport(url: &str, error: &dyn std::error::Error) -> FetchError {
    FetchError::Transport {
        url: url.to_owned(),
        cause: causes(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_as_servers_write_it() {
        for (header, seconds) in [
            ("max-age=300", Some(300)),
            ("public, Max-Age=300, must-revalidate", Some(300)),
            ("max-age=\"300\"", Some(300)),
            ("max-age=300, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("s-maxage=300", None),
            ("max-age=soon", None),
            ("max-age=-1", None),
            ("max-age", None),
            ("", None),
        ] {
            assert_eq!(max_age(header), seconds.map(Duration::from_secs), "{header}");
        }
    }
}

//! Where an issuer's keys are fetched from: the URL that the operator wrote down, or the one that the issuer's own document
//! names. The document is read again now and then, and whenever a fetch failed: keys move.

use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;

use super::discovery::{self, DiscoveryError};
use super::{DEADLINE, KeysSource};
use crate::sync::fetch::{Answer, FetchError, Fetcher};

/// How long a document is believed.
const BELIEVED: Duration = Duration::from_secs(3600);

/// Why it isn't known where the keys are.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocationError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{url}: {error}")]
    Document {
        /// Which document.
        url: String,
        /// What is wrong with it.
        error: DiscoveryError,
    },
}

/// Where an issuer's keys are.
#[derive(Debug)]
pub(super) struct Location {
    client: Client,
    issuer: String,
    /// What the operator wrote down: of the keys, or of the document.
    source: String,
    discovers: bool,
    /// Where the keys are.
    known: Option<Fetcher>,
    /// From then on the document is read again.
    stale_at: Option<Instant>,
}

impl Location {
    pub(super) fn new(client: Client, issuer: &str, source: &KeysSource) -> Self {
        let (source, known) = match source {
            KeysSource::Uri(uri) => {
                let fetcher = Fetcher::new(client.clone(), uri.clone(), None);
                (uri.clone(), Some(fetcher))
            }
            KeysSource::Discovery => (discovery::document_url(issuer), None),
        };
        Self {
            client,
            issuer: issuer.to_owned(),
            source,
            discovers: known.is_none(),
            known,
            stale_at: None,
        }
    }

    /// What everything here starts from; keys on disk are good only for the same.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// What fetches the keys, and whether it is another one than last time. A document that can't be had leaves the one
    /// that was known.
    pub(super) async fn fetcher(&mut self, now: Instant) -> Result<(Fetcher, bool), LocationError> {
        let due = self.discovers && self.stale_at.is_none_or(|stale_at| stale_at <= now);
        if !due && let Some(known) = &self.known {
            return Ok((known.clone(), false));
        }
        let before = self.known.clone();
        match (self.discovered().await, before) {
            (Ok(uri), before) => {
                self.stale_at = Some(now + BELIEVED);
                let moved = before.is_none_or(|before| before.url() != uri);
                let fetcher = Fetcher::new(self.client.clone(), uri, None);
                self.known = Some(fetcher.clone());
                Ok((fetcher, moved))
            }
            (Err(error), Some(before)) => {
                tracing::warn!(issuer = self.issuer, %error, "where the keys are could not be read again");
                Ok((before, false))
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The keys couldn't be had where they are said to be.
    pub(super) fn mistrust(&mut self) {
        self.stale_at = None;
    }

    async fn discovered(&self) -> Result<String, LocationError> {
        let fetcher = Fetcher::new(self.client.clone(), self.source.clone(), None);
        let document = match fetcher.ask(None, DEADLINE, |request| request).await? {
            Answer::Changed(changed) => changed.body(discovery::MAX_BYTES, DEADLINE).await?,
            // It can't be: nothing was said that it could have been compared with.
            Answer::Unchanged { .. } => Vec::new(),
        };
        discovery::jwks_uri(&self.issuer, &document).map_err(|error| LocationError::Document {
            url: self.source.clone(),
            error,
        })
    }
}

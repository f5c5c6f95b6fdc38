//! Asks a service for a bundle, again and again (OPA's `v1/download`, `Downloader`).

use std::sync::Arc;

use postern_policy::Deltas;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::download::{Answer, ask};
use super::loading::{Came, Loading, Subscription, Update};
use super::polling::Polling;
use super::problem::Problem;
use crate::clock::Stopwatch;
use crate::opa::service::Service;
use crate::random::Randomness;
use crate::sync::verified;

/// Whom is asked for what.
pub(super) struct Downloader {
    pub(super) service: Arc<dyn Service>,
    pub(super) resource: String,
    pub(super) polling: Polling,
    pub(super) randomness: Arc<Randomness>,
}

impl Downloader {
    /// Runs until `stop`, and to the end of what is being loaded then.
    pub(super) async fn run(
        mut self,
        loading: Arc<Loading>,
        subscription: Arc<Subscription>,
        stop: CancellationToken,
    ) {
        // The tag of what is in force.
        let mut good = self.polling.etag().unwrap_or_default().to_owned();
        loop {
            if let Some(tag) = loading
                .tag_in_force(&subscription.name)
                .filter(|tag| *tag != good)
            {
                // It followed another bundle into force. What is to be kept on disk is asked for once more.
                good = tag;
                let known = if subscription.persist { "" } else { &good };
                self.polling.fall_back(known);
            }
            let limit = subscription.limits.archive_bytes;
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = ask(self.service.as_ref(), &self.resource, &self.polling, limit) => asked,
            };
            let mut update = Update::new(&good);
            update.timer("bundle_request", asked.took);
            let outcome = match asked.answer {
                Ok(Answer::Bundle { archive, etag, holds }) => {
                    let size = archive.len();
                    let stopwatch = Stopwatch::start();
                    let kept = subscription.persist.then(|| archive.clone());
                    let read = verified(
                        archive,
                        &subscription.name,
                        &etag,
                        &subscription.verification,
                        subscription.limits,
                        Some(Deltas {
                            is_kept: subscription.persist,
                        }),
                    );
                    let read = read.await;
                    update.timer("rego_load_bundles", stopwatch.elapsed());
                    match read {
                        Err(error) => Err(Problem::of(error, &loading.into.missing)),
                        Ok(verified) => {
                            self.polling.came(&etag, holds);
                            Ok(Some(Came {
                                verified,
                                etag,
                                size,
                                kept,
                            }))
                        }
                    }
                }
                Ok(Answer::Unchanged { etag }) => {
                    self.polling.unchanged(etag.as_deref());
                    update.tag = self.polling.etag().unwrap_or_default().to_owned();
                    Ok(None)
                }
                Err(problem) => Err(problem),
            };
            let pause = match loading.process(&subscription, update, outcome).await {
                Ok(Some(etag)) => {
                    good = etag;
                    self.polling.pause(&self.randomness)
                }
                Ok(None) => self.polling.pause(&self.randomness),
                Err(_) => {
                    self.polling.fall_back(&good);
                    self.polling.pause_after_failure(&self.randomness)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }
}

//! Uploads what waits: every now and then, or as soon as a chunk is full; again after a while where that failed, with what
//! failed first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::buffer::Buffer;
use super::counters::{Counter, Counters};
use super::settings::{Reporting, Trigger};
use crate::opa::backoff::backoff;
use crate::opa::service::{NotTaken, Service, post, status_text};
use crate::opa::status::{LogStatus, OpaStatus};
use crate::random::Randomness;

/// How long the service may take for one chunk.
const DEADLINE: Duration = Duration::from_secs(30);
/// Between attempts while the process ends.
const LAST_RETRY: Duration = Duration::from_secs(1);

/// What uploading needs.
#[derive(Debug, Clone)]
pub(super) struct Uploader {
    pub(super) service: Arc<dyn Service>,
    pub(super) resource: String,
    pub(super) reporting: Reporting,
    pub(super) buffer: Arc<Mutex<Buffer>>,
    pub(super) ready: Arc<Notify>,
    pub(super) counters: Arc<Counters>,
    pub(super) status: Arc<OpaStatus>,
    pub(super) randomness: Arc<Randomness>,
}

impl Uploader {
    /// Runs until `stop`, and to the end of an upload that is under way then.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let delay = match self.upload(true).await {
                Ok(()) => {
                    failures = 0;
                    self.randomness
                        .between(self.reporting.min_delay, self.reporting.max_delay)
                }
                Err(_) => {
                    let delay = backoff(failures, self.reporting.max_delay, &self.randomness);
                    failures = failures.saturating_add(1);
                    delay
                }
            };
            self.wait(delay, failures == 0, &stop).await;
        }
    }

    /// Waits; uploads meanwhile what fills a chunk, if that is to go at once. After a failure nothing goes at once.
    async fn wait(&self, delay: Duration, may_upload: bool, stop: &CancellationToken) {
        let waited = tokio::time::sleep(delay);
        tokio::pin!(waited);
        let at_once = may_upload && self.reporting.trigger == Trigger::Immediate;
        loop {
            tokio::select! {
                () = &mut waited => return,
                () = stop.cancelled() => return,
                () = self.ready.notified(), if at_once => {
                    if self.upload(false).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Uploads what waits, until `deadline`.
    pub(super) async fn flush(&self, deadline: Duration) {
        let flushed = async {
            while self.upload(true).await.is_err() {
                tokio::time::sleep(LAST_RETRY).await;
            }
        };
        if tokio::time::timeout(deadline, flushed).await.is_err() {
            tracing::error!("the process ends with decision-log events that were not uploaded");
        }
    }

    async fn upload(&self, flush: bool) -> Result<(), NotTaken> {
        let mut chunks = self.locked(|buffer| buffer.take(flush));
        let guard = PutBack {
            uploader: self,
            chunks: &mut chunks,
        };
        let mut failed = None;
        while let Some(chunk) = guard.chunks.front().cloned() {
            match post(self.service.as_ref(), &self.resource, chunk, true, DEADLINE).await {
                Ok(()) => {
                    self.counters.add(Counter::Uploaded, 1);
                    guard.chunks.pop_front();
                }
                Err(problem) => {
                    self.counters.add(Counter::NotUploaded, 1);
                    failed = Some(problem);
                    break;
                }
            }
        }
        drop(guard);
        match failed {
            None => {
                self.status.logs_uploaded(LogStatus::default());
                Ok(())
            }
            Some(problem) => {
                let status = told(&problem);
                tracing::error!(
                    problem = status.message,
                    resource = self.resource,
                    "decision-log upload"
                );
                self.status.logs_uploaded(status);
                Err(problem)
            }
        }
    }

    fn locked<T>(&self, act: impl FnOnce(&mut Buffer) -> T) -> T {
        act(&mut self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What wasn't uploaded waits again, also where uploading was given up half-way.
struct PutBack<'u> {
    uploader: &'u Uploader,
    chunks: &'u mut std::collections::VecDeque<bytes::Bytes>,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        let chunks = std::mem::take(self.chunks);
        if !chunks.is_empty() {
            self.uploader.locked(|buffer| buffer.put_back(chunks));
        }
    }
}

/// As OPA says it (`v1/plugins/logs/status`).
fn told(problem: &NotTaken) -> LogStatus {
    let (message, http_code) = match problem {
        NotTaken::NoAnswer(problem) => (format!("log upload failed: {problem}"), None),
        NotTaken::Status(status) => (
            format!(
                "log upload failed, server replied with HTTP {}",
                status_text(*status)
            ),
            Some(*status),
        ),
    };
    LogStatus {
        code: Some("decision_log_error"),
        message,
        http_code,
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;

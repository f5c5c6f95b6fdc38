//! The decision log: an event of each decision, as opa-envoy-plugin makes it, masked as its policy says, to OPA's
//! decision-log API or the console. Off the answer's path: a worker hands over the message and what was decided.
//!
//! | file | job |
//! |---|---|
//! | `settings` | `decision_logs` of OPA's configuration |
//! | `teller` | the bounded queue from the workers to the log's thread |
//! | `writer` | that thread |
//! | `event`, `rfc3339` | what an event is made of |
//! | `judge`, `mask`, `pointer` | the policies that drop events and mask parts of them |
//! | `buffer`, `chunks`, `limiter`, `counters` | what waits to be uploaded, and what couldn't wait |
//! | `upload` | the uploads |

mod buffer;
mod chunks;
mod counters;
mod event;
mod judge;
mod limiter;
mod mask;
mod pointer;
mod rfc3339;
mod settings;
mod teller;
mod upload;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::service::Service;
use super::status::OpaStatus;
use crate::clock;
use crate::random::Randomness;
use buffer::Buffer;
use upload::Uploader;
use writer::Writer;

pub(in crate::opa) use counters::{Counter, Counters};
pub(in crate::opa) use rfc3339::{nanoseconds, seconds};
pub(crate) use settings::{BufferType, LogSettings};
pub(crate) use teller::{Teller, Told};

/// What the log is started with.
#[derive(Debug)]
pub(crate) struct LogPlan {
    pub(crate) settings: LogSettings,
    /// `labels`, with `id` and `version`.
    pub(crate) labels: BTreeMap<String, String>,
    /// What is asked, as configured: one of both.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Where events are uploaded, if anywhere.
    pub(crate) service: Option<Arc<dyn Service>>,
    /// Who is told how uploading goes.
    pub(crate) status: Arc<OpaStatus>,
    pub(crate) randomness: Arc<Randomness>,
}

/// The running log.
#[derive(Debug)]
pub(crate) struct DecisionLogs {
    teller: Teller,
    buffer: Option<(BufferType, Arc<Mutex<Buffer>>)>,
    counters: Arc<Counters>,
    uploader: Option<(Uploader, Mutex<Option<JoinHandle<()>>>)>,
    stop: CancellationToken,
}

impl DecisionLogs {
    /// Starts the thread, and where events are uploaded the task that does it, on the present runtime.
    ///
    /// # Errors
    /// When the operating system has no thread to give.
    pub(crate) fn start(plan: LogPlan) -> io::Result<Self> {
        let counters = Arc::new(Counters::default());
        let (teller, listener) = teller::queue(Arc::clone(&counters), plan.settings.tells_calls);
        let ready = Arc::new(Notify::new());
        let reporting = plan.settings.reporting.clone();
        let buffer = plan.service.as_ref().map(|_| {
            let buffer = Buffer::new(&reporting, Arc::clone(&counters), clock::monotonic());
            Arc::new(Mutex::new(buffer))
        });
        let stop = CancellationToken::new();
        let uploader = plan.service.zip(buffer.clone()).map(|(service, buffer)| {
            let uploader = Uploader {
                service,
                resource: plan.settings.resource.clone(),
                reporting: reporting.clone(),
                buffer,
                ready: Arc::clone(&ready),
                counters: Arc::clone(&counters),
                status: Arc::clone(&plan.status),
                randomness: Arc::clone(&plan.randomness),
            };
            let task = tokio::spawn(uploader.clone().run(stop.clone()));
            (uploader, Mutex::new(Some(task)))
        });
        let writer = Writer {
            settings: plan.settings,
            labels: plan.labels,
            path: plan.path,
            query: plan.query,
            buffer: buffer.clone(),
            ready,
            counters: Arc::clone(&counters),
            randomness: plan.randomness,
        };
        std::thread::Builder::new()
            .name("decision-log".to_owned())
            .spawn(move || writer.run(&listener))?;
        Ok(Self {
            teller,
            buffer: buffer.map(|buffer| (reporting.buffer_type, buffer)),
            counters,
            uploader,
            stop,
        })
    }

    /// What workers tell decisions to.
    pub(crate) fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// What was counted.
    pub(in crate::opa) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What waits to be uploaded: its type, and how much.
    pub(in crate::opa) fn waiting(&self) -> Option<(BufferType, usize)> {
        let (kind, buffer) = self.buffer.as_ref()?;
        let size = buffer.lock().unwrap_or_else(PoisonError::into_inner).size();
        Some((*kind, size))
    }

    /// Ends: what was decided before is told, and uploaded as far as `deadline` allows.
    pub(crate) async fn end(&self, deadline: Duration) {
        let ended = async {
            let teller = self.teller.clone();
            if let Ok(done) = tokio::task::spawn_blocking(move || teller.end()).await {
                // The thread is gone, or it is done.
                let _ = done.await;
            }
        };
        let began = clock::Stopwatch::start();
        let left = || deadline.saturating_sub(began.elapsed());
        let _ = tokio::time::timeout(left(), ended).await;
        self.stop.cancel();
        if let Some((uploader, task)) = &self.uploader {
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut task) = task
                && tokio::time::timeout(left(), &mut task).await.is_err()
            {
                task.abort();
            }
            uploader.flush(left()).await;
        }
    }
}

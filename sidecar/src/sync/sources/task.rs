//! A task that runs until it is told to end, and what it was started from.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A source that runs, and what it was started from.
pub(super) struct Running<P> {
    pub(super) plan: P,
    pub(super) task: Task,
}

/// A task, and the means to end it.
pub(super) struct Task {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Task {
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let stop = CancellationToken::new();
        Self {
            handle: tokio::spawn(run(stop.clone())),
            stop,
        }
    }

    /// Asks it to stop, without waiting.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops it; when this is through, it changes nothing any more.
    pub(super) async fn end(self) {
        self.stop.cancel();
        let _ = self.handle.await;
    }
}

//! Work that takes processor time, done apart from the workers that serve requests, and never more of it at once than
//! was said. It knows nothing of policy.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A bound to how much of a kind of work runs at once.
pub(crate) struct Bounded {
    turns: Arc<Semaphore>,
}

/// A task of ours was stopped: the process is ending, or the work panicked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Bounded {
    pub(crate) fn new(at_once: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Waits for a turn, and runs the work. Whoever stops waiting gives up the turn only before the work has begun:
    /// begun work can't be stopped, so that it keeps its turn to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| Interrupted)?;
        blocking(move || {
            let _turn = turn;
            work()
        })
        .await
    }
}

/// Runs the work; whoever calls sees to it that there is not too much at once.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Interrupted)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_turn() {
        let bounded = Arc::new(Bounded::new(1));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let caller = tokio::spawn({
            let bounded = Arc::clone(&bounded);
            async move {
                let work = move || {
                    begun.send(()).unwrap();
                    let _ = may_end.recv();
                };
                bounded.run(work).await
            }
        });
        has_begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(bounded.turns.available_permits(), 0);

        end.send(()).unwrap();
        bounded.run(|| ()).await.unwrap();
        assert_eq!(bounded.turns.available_permits(), 1);
    }
}

//! The thread that makes policies ready and takes them apart: one, so that what they take in memory is taken in one place and
//! given back there, and of a low priority, so that checks on the same cores don't wait for it.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A ninth of what a thread of checks gets (`setpriority(2)`, of this thread alone): little while cores are busy, and never nothing.
const PRIORITY: i32 = 10;
/// The thread is kept, whatever comes how seldom.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Runs `work` there, once what was handed over before is done.
pub(crate) fn behind<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    static THREAD: OnceLock<Option<Runtime>> = OnceLock::new();
    match THREAD.get_or_init(start) {
        Some(thread) => thread.spawn_blocking(work),
        None => tokio::task::spawn_blocking(work),
    }
}

/// A runtime of which nothing but its one thread for such work is used.
fn start() -> Option<Runtime> {
    let built = Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_keep_alive(FOR_EVER)
        .thread_name("activation")
        .on_thread_start(|| {
            if let Err(error) = setpriority_process(None, PRIORITY) {
                tracing::warn!(%error, "policies are made ready with the priority of checks");
            }
        })
        .build();
    let failed = |error| tracing::warn!(%error, "policies are made ready on any thread");
    built.map_err(failed).ok()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn it_is_one_thread_that_gives_way_to_others() {
        let here = || (thread::current().id(), getpriority_process(None).unwrap());
        let (first, second) = (behind(here).await.unwrap(), behind(here).await.unwrap());
        assert_eq!(first, second);
        assert_ne!(first.0, thread::current().id());
        assert!(first.1 >= PRIORITY, "{first:?}");
        // Work that panics takes nothing with it.
        assert!(behind(|| panic!("as it should")).await.is_err());
        assert_eq!(behind(here).await.unwrap(), first);
    }
}

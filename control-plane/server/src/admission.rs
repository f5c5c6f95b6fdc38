//! Whether whoever holds a connection has shown a credential on it: on a side where nothing is open to strangers, a
//! connection without one is cut off after a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a stranger may hold a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of one connection; clones share it. Each of its requests carries it as an extension.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission(Arc<AtomicBool>);

impl Admission {
    /// A good credential was shown.
    pub(crate) fn admit(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Ends when the time is over and nobody was admitted; never, if somebody was.
    pub(crate) async fn overdue(&self) {
        tokio::time::sleep(PATIENCE).await;
        if self.0.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stranger_is_overdue_and_whoever_was_admitted_never_is() {
        let stranger = Admission::default();
        stranger.overdue().await;
        let known = Admission::default();
        known.clone().admit();
        let day = Duration::from_secs(86_400);
        assert!(tokio::time::timeout(day, known.overdue()).await.is_err());
    }
}

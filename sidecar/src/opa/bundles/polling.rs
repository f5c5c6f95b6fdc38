//! What is known of a bundle's server, and when it is asked next (OPA's `v1/download`, `Downloader.loop`). Pure.

use std::time::Duration;

use postern_opa_config as config;

use crate::opa::backoff::backoff;
use crate::random::Randomness;

/// Between two requests whatever a server says: one that answers a long poll at once for ever must not keep a core busy.
const FLOOR: Duration = Duration::from_millis(100);

/// How a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Polling {
    min: Duration,
    max: Duration,
    /// How long it is asked to hold a request.
    long: Option<Duration>,
    /// Whether it said last that it can.
    holds: bool,
    /// The tag of what came last; empty for none.
    etag: String,
    failures: u32,
}

impl Polling {
    /// Before the first request, with what is in force under this tag.
    pub(super) fn new(polling: &config::Polling, etag: &str) -> Self {
        Self {
            min: Duration::from_secs(polling.min_delay_seconds),
            max: Duration::from_secs(polling.max_delay_seconds),
            long: polling.long_polling_timeout_seconds.map(Duration::from_secs),
            holds: true,
            etag: etag.to_owned(),
            failures: 0,
        }
    }

    /// What is to be had only if it has another tag.
    pub(super) fn etag(&self) -> Option<&str> {
        Some(self.etag.as_str()).filter(|etag| !etag.is_empty())
    }

    /// How long the server is asked to hold the next request.
    pub(super) fn hold(&self) -> Option<Duration> {
        self.long.filter(|_| self.holds)
    }

    /// A bundle came under this tag, from a server that holds requests or doesn't.
    pub(super) fn came(&mut self, etag: &str, holds: bool) {
        etag.clone_into(&mut self.etag);
        self.holds = holds;
    }

    /// Nothing new came; the answer may have had a tag.
    pub(super) fn unchanged(&mut self, etag: Option<&str>) {
        if let Some(etag) = etag {
            etag.clone_into(&mut self.etag);
        }
    }

    /// There was no good bundle: what is in force has this tag.
    pub(super) fn fall_back(&mut self, etag: &str) {
        etag.clone_into(&mut self.etag);
    }

    /// How long to wait before the next request, after a good answer.
    pub(super) fn pause(&mut self, randomness: &Randomness) -> Duration {
        self.failures = 0;
        if self.hold().is_some() {
            return FLOOR;
        }
        randomness.between(self.min, self.max).max(FLOOR)
    }

    /// How long to wait before the next request, after a failure.
    pub(super) fn pause_after_failure(&mut self, randomness: &Randomness) -> Duration {
        let delay = backoff(self.failures, self.max, randomness);
        self.failures = self.failures.saturating_add(1);
        delay.max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polling(long: Option<u64>) -> Polling {
        let config = config::Polling {
            min_delay_seconds: 10,
            max_delay_seconds: 20,
            long_polling_timeout_seconds: long,
        };
        Polling::new(&config, "")
    }

    #[test]
    fn a_server_is_asked_between_both_delays() {
        let randomness = Randomness::from_system().unwrap();
        let mut polling = polling(None);
        for _ in 0..100 {
            let pause = polling.pause(&randomness).as_secs_f64();
            assert!((10.0..=20.0).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn a_server_that_holds_requests_is_asked_again_at_once_and_one_that_does_not_is_not() {
        let randomness = Randomness::from_system().unwrap();
        let mut polling = polling(Some(30));
        assert_eq!(polling.hold(), Some(Duration::from_secs(30)));
        polling.came("\"1\"", true);
        assert_eq!(polling.pause(&randomness), FLOOR);
        polling.came("\"2\"", false);
        assert_eq!(polling.hold(), None);
        assert!(polling.pause(&randomness) >= Duration::from_secs(10));
        polling.unchanged(None);
        assert_eq!((polling.hold(), polling.etag()), (None, Some("\"2\"")));
    }

    #[test]
    fn failures_are_waited_out_and_forgotten() {
        let randomness = Randomness::from_system().unwrap();
        let mut polling = polling(None);
        polling.came("\"new\"", true);
        polling.fall_back("\"good\"");
        assert_eq!(polling.etag(), Some("\"good\""));
        assert_eq!(polling.pause_after_failure(&randomness), FLOOR);
        let mut last = Duration::ZERO;
        (0..30).for_each(|_| last = polling.pause_after_failure(&randomness));
        assert!((16.0..=24.0).contains(&last.as_secs_f64()), "{last:?}");
        polling.pause(&randomness);
        assert_eq!(polling.pause_after_failure(&randomness), FLOOR);
    }
}

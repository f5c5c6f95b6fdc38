//! Wakes the puller of an issuer's keys: a check met an unknown key, or the control plane said that keys changed. Wakes
//! coalesce, so that ten thousand of them are one. A check may wait for what comes of it, for as long as its issuer's
//! configuration says and never for nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

/// How many checks wait for one issuer's keys at the same time; the next one is answered at once.
const MAX_WAITING: usize = 256;

/// How one puller is woken. Each `Notify` holds one wake at most.
#[derive(Debug)]
pub(crate) struct Wake {
    /// A check met a key that isn't known: anybody can cause this, so the puller waits out its cooldown.
    pub(crate) unknown_key: Notify,
    /// The control plane said so: pull at once.
    pub(crate) hinted: Notify,
    /// What the puller tells of its pulls.
    pulls: watch::Sender<Pulls>,
    waiting: Semaphore,
}

/// What is known of an issuer's pulls.
#[derive(Debug, Clone, Copy)]
struct Pulls {
    /// How many have ended, well or not.
    ended: u64,
    /// When the next one may begin that an unknown key causes; `None` while one is under way.
    next: Option<Instant>,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            unknown_key: Notify::new(),
            hinted: Notify::new(),
            pulls: watch::Sender::new(Pulls {
                ended: 0,
                // The first pull comes by itself.
                next: None,
            }),
            waiting: Semaphore::new(MAX_WAITING),
        }
    }
}

impl Wake {
    /// The puller begins.
    pub(crate) fn pull_began(&self) {
        self.pulls.send_modify(|pulls| pulls.next = None);
    }

    /// The puller has ended, and begins again for an unknown key no sooner than `next`.
    pub(crate) fn pull_ended(&self, next: Instant) {
        self.pulls.send_modify(|pulls| {
            pulls.ended = pulls.ended.wrapping_add(1);
            pulls.next = Some(next);
        });
    }

    /// Wakes the puller and waits until a pull has ended, `wait` at most. Returns at once when none can end by then, or
    /// when too many wait already. Whether there is a key now is for the caller to see.
    async fn wait(&self, wait: Duration) {
        self.unknown_key.notify_one();
        let until = Instant::now() + wait;
        let mut pulls = self.pulls.subscribe();
        let Pulls { ended, next } = *pulls.borrow_and_update();
        if next.is_some_and(|next| next >= until) {
            return;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return;
        };
        // Late is no error: the check is decided with the keys that there are.
        let _ = timeout_at(until, pulls.wait_for(|pulls| pulls.ended != ended)).await;
    }
}

/// The wakes of all issuers by name; issuers may come and go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wakes(Arc<ArcSwap<HashMap<Arc<str>, Arc<Wake>>>>);

impl Wakes {
    /// These wakes and no others.
    pub(crate) fn become_those(&self, wakes: impl IntoIterator<Item = (Arc<str>, Arc<Wake>)>) {
        self.0.store(Arc::new(wakes.into_iter().collect()));
    }

    /// The wake of one issuer.
    pub(crate) fn of(&self, issuer: &str) -> Option<Arc<Wake>> {
        self.0.load().get(issuer).cloned()
    }

    /// A check met a key of `issuer` that isn't known.
    pub(crate) fn unknown_key(&self, issuer: &str) {
        if let Some(wake) = self.0.load().get(issuer) {
            wake.unknown_key.notify_one();
        }
    }

    /// A check met a key of `issuer` that isn't known, and may wait for it, `wait_ms` at most.
    pub(crate) async fn wait_for_keys(&self, issuer: &str, wait_ms: u32) {
        if let Some(wake) = self.of(issuer) {
            wake.wait(Duration::from_millis(u64::from(wait_ms))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example";

    fn wakes() -> (Wakes, Arc<Wake>) {
        let wakes = Wakes::default();
        let wake = Arc::new(Wake::default());
        wakes.become_those([(Arc::from(ISSUER), Arc::clone(&wake))]);
        (wakes, wake)
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_answered_when_the_pull_ends() {
        let (wakes, wake) = wakes();
        wake.pull_ended(Instant::now());
        let began = Instant::now();
        let waiting = wakes.wait_for_keys(ISSUER, 200);
        let pulling = async {
            wake.unknown_key.notified().await;
            wake.pull_began();
            tokio::time::sleep(Duration::from_millis(50)).await;
            wake.pull_ended(Instant::now() + Duration::from_secs(5));
        };
        tokio::join!(waiting, pulling);
        assert_eq!(began.elapsed().as_millis(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_allowed_or_for_a_pull_that_can_not_come() {
        let (wakes, wake) = wakes();
        let began = Instant::now();
        wakes.wait_for_keys(ISSUER, 200).await;
        assert_eq!(
            began.elapsed().as_millis(),
            200,
            "one is under way that doesn't end"
        );
        wake.pull_ended(Instant::now() + Duration::from_secs(5));
        let began = Instant::now();
        wakes.wait_for_keys(ISSUER, 200).await;
        wakes.wait_for_keys("https://other.example", 200).await;
        assert_eq!(began.elapsed().as_millis(), 0, "the cooldown lasts longer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_wait() {
        let (wakes, wake) = wakes();
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| {
                let wakes = wakes.clone();
                tokio::spawn(async move { wakes.wait_for_keys(ISSUER, 400).await })
            })
            .collect();
        while wake.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let began = Instant::now();
        wakes.wait_for_keys(ISSUER, 400).await;
        assert_eq!(began.elapsed().as_millis(), 0);
        for waits in waiting {
            waits.await.unwrap();
        }
        assert_eq!(began.elapsed().as_millis(), 400);
    }
}

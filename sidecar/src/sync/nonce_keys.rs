//! The keys that DPoP nonces are made with: the control plane's, shared by all pods. Until it has told any, and where there
//! is none, the process makes its own, and a new one every hour: then a nonce counts only with the pod that made it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_decide::dpop::{NonceKey, NonceKeys};
use postern_jose::UnixTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::clock;
use crate::published::Published;
use crate::random::Randomness;

/// How long a key of this process's own makes nonces.
const PERIOD: Duration = Duration::from_secs(3600);
/// How long it recognises them, in seconds: as long as it makes them, and as long as the last one may live (an hour).
const RECOGNISED_SECONDS: i64 = 2 * 3600;

/// Who makes the keys at present.
#[derive(Debug, Default)]
pub(crate) struct NonceKeySource(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    by_control_plane: bool,
    /// This process's own, newest last.
    own: Vec<NonceKey>,
}

impl NonceKeySource {
    /// The control plane told these.
    pub(super) fn told(&self, published: &Published, keys: NonceKeys) {
        self.lock().by_control_plane = true;
        published.swap_nonce_keys(&keys.into());
    }

    /// There is no control plane any more.
    pub(super) fn on_its_own(&self) {
        self.lock().by_control_plane = false;
    }

    /// Makes a key of this process's own, unless the control plane does.
    pub(super) fn turn(&self, published: &Published, randomness: &Randomness, now: UnixTime) {
        let mut made = self.lock();
        if made.by_control_plane {
            return;
        }
        let key = NonceKey::new(&randomness.secret(), now, now.plus_seconds(RECOGNISED_SECONDS));
        // The one before is still needed to recognise what it made.
        let before = made.own.len().saturating_sub(1);
        made.own.drain(..before);
        made.own.push(key);
        let keys = NonceKeys::new(made.own.iter().cloned());
        published.swap_nonce_keys(&keys.into());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns the key over until `stop`; the first one is there already.
pub(crate) async fn turn_over(context: &Context, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(PERIOD) => {}
        }
        context.turn_nonce_keys();
    }
}

impl Context {
    /// Makes a key for nonces, unless the control plane does.
    pub(crate) fn turn_nonce_keys(&self) {
        self.nonce_keys
            .turn(&self.published, &self.randomness, clock::now().seconds());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_process_makes_its_own_keys_unless_the_control_plane_does() {
        let snapshot = testing::snapshot();
        let published = Published::new(snapshot);
        let randomness = Randomness::from_system().unwrap();
        let source = NonceKeySource::default();
        let nonce = || published.load().nonce_keys.issue(UnixTime(9_000));
        let turn = |now| source.turn(&published, &randomness, UnixTime(now));
        turn(1_000);
        let first = nonce();
        assert_ne!(first, None);
        turn(4_600);
        assert_ne!(nonce(), first, "another key");
        source.told(&published, NonceKeys::default());
        turn(8_200);
        assert_eq!(nonce(), None, "the control plane has told that there are none");
        source.on_its_own();
        turn(8_300);
        assert_ne!(nonce(), None);
    }
}

//! One call for all who want to know of one token at the same time. Remembers nothing: an answer is gone when it has been
//! given to those who waited for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::remembered::TokenHash;

/// Calls under way. Bounded by the checks under way, of which each waits for one.
#[derive(Debug)]
pub(super) struct Flights<T> {
    under_way: Mutex<HashMap<TokenHash, Arc<OnceCell<T>>>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<T: Clone> Flights<T> {
    /// What `call` comes to, or what the call comes to that is under way for the same token; and whether it was that one.
    /// Where whoever calls goes away, one of those who wait calls in their place.
    pub(super) async fn board(&self, hash: TokenHash, call: impl Future<Output = T>) -> (T, bool) {
        let seat = Seat {
            flights: self,
            hash,
            cell: Some(self.with(|under_way| Arc::clone(under_way.entry(hash).or_default()))),
        };
        let mut mine = false;
        let came = async {
            mine = true;
            let came = call.await;
            // Who asks from now on wants to know how it is from now on.
            seat.land();
            came
        };
        let came = match &seat.cell {
            Some(cell) => cell.get_or_init(|| came).await.clone(),
            None => came.await,
        };
        (came, !mine)
    }

    fn with<R>(&self, change: impl FnOnce(&mut HashMap<TokenHash, Arc<OnceCell<T>>>) -> R) -> R {
        // A table of cells is whole whatever happened to whoever held it.
        change(&mut self.under_way.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place on a call, given up when dropped.
struct Seat<'f, T: Clone> {
    flights: &'f Flights<T>,
    hash: TokenHash,
    cell: Option<Arc<OnceCell<T>>>,
}

impl<T: Clone> Seat<'_, T> {
    /// Takes the call out of the table.
    fn land(&self) {
        self.flights.with(|under_way| {
            let ours = self.cell.as_ref().zip(under_way.get(&self.hash));
            if ours.is_some_and(|(cell, there)| Arc::ptr_eq(cell, there)) {
                under_way.remove(&self.hash);
            }
        });
    }
}

impl<T: Clone> Drop for Seat<'_, T> {
    /// The last who goes away before there is an answer takes the call along. Counted under the lock, so that of two who go
    /// at once one is the last.
    fn drop(&mut self) {
        self.flights.with(|under_way| {
            let Some(cell) = self.cell.take() else {
                return;
            };
            let ours = under_way
                .get(&self.hash)
                .is_some_and(|there| Arc::ptr_eq(&cell, there));
            if ours && Arc::strong_count(&cell) == 2 {
                under_way.remove(&self.hash);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use futures_util::poll;
    use tokio::sync::Notify;

    use super::*;

    const TOKEN: TokenHash = [1; 32];
    const OTHER: TokenHash = [2; 32];

    impl<T: Clone> Flights<T> {
        fn count(&self) -> usize {
            self.with(|under_way| under_way.len())
        }
    }

    #[tokio::test]
    async fn all_who_ask_at_once_share_one_call_and_the_next_makes_another() {
        let (flights, calls, go) = (Flights::default(), AtomicUsize::new(0), Notify::new());
        let call = || async {
            go.notified().await;
            calls.fetch_add(1, Ordering::Relaxed) + 1
        };
        let asking = join_all((0..10).map(|_| flights.board(TOKEN, call())));
        let (came, ()) = tokio::join!(asking, async {
            go.notify_one();
        });
        assert!(came.iter().all(|(number, _)| *number == 1), "{came:?}");
        assert_eq!(came.iter().filter(|(_, shared)| !shared).count(), 1);
        assert_eq!(flights.count(), 0);
        go.notify_one();
        assert_eq!(flights.board(TOKEN, call()).await, (2, false));
    }

    #[tokio::test]
    async fn another_token_is_another_call() {
        let flights = Flights::default();
        let mut hangs = pin!(flights.board(TOKEN, std::future::pending()));
        assert!(poll!(&mut hangs).is_pending());
        assert_eq!(flights.board(OTHER, async { 7 }).await, (7, false));
        assert_eq!(flights.count(), 1);
    }

    #[tokio::test]
    async fn who_waits_calls_when_whoever_called_goes_away_and_nobody_leaves_anything_behind() {
        let flights = Flights::default();
        let mut first = Box::pin(flights.board(TOKEN, std::future::pending()));
        assert!(poll!(&mut first).is_pending());
        let mut second = Box::pin(flights.board(TOKEN, async { 7 }));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, (7, false));
        assert_eq!(flights.count(), 0);

        let mut alone = Box::pin(flights.board(TOKEN, std::future::pending::<i32>()));
        assert!(poll!(&mut alone).is_pending());
        let mut waits = Box::pin(flights.board(TOKEN, async { 7 }));
        assert!(poll!(&mut waits).is_pending());
        drop(waits);
        assert_eq!(flights.count(), 1);
        drop(alone);
        assert_eq!(flights.count(), 0);
    }
}

//! The instances of one module: made when all others are busy, up to a number, then waited for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_rego::TimeLimit;

use super::instance::{Compiled, Data, Image, Instance};
use super::state::{Clock, Failure};

/// Never more, however little each takes.
const MOST: usize = 64;
/// Of memory, for all instances together, in bytes.
const MOST_BYTES: usize = 256 << 20;
/// How long one is waited for where an evaluation has no limit of its own.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Pool {
    compiled: Compiled,
    image: Image,
    is_direct: bool,
    /// How many there may be.
    most: usize,
    inner: Mutex<Inner>,
    freed: Condvar,
}

struct Inner {
    /// The one that was used last is used next: what it touched is warm still.
    idle: Vec<Instance>,
    /// Idle or not.
    count: usize,
}

impl Pool {
    pub(super) fn new(compiled: Compiled, image: Image, first: Instance, is_direct: bool) -> Self {
        let most = (MOST_BYTES / first.size().max(1)).clamp(1, MOST);
        Self {
            compiled,
            image,
            is_direct,
            most,
            inner: Mutex::new(Inner {
                idle: vec![first],
                count: 1,
            }),
            freed: Condvar::new(),
        }
    }

    /// How many instances there may be.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in an instance. `Ok(None)`: none was free in time. After a failure the instance is thrown away, since it
    /// stopped in the middle of something. Waiting for one and making one are part of the time that it all may take.
    pub(super) fn with<T>(
        &self,
        clock: &mut Clock,
        act: impl FnOnce(&mut Instance, &mut Clock) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let Some(mut instance) = self.take(clock)? else {
            return Ok(None);
        };
        let place = Place { pool: self };
        let outcome = act(&mut instance, clock);
        if outcome.is_ok() && !instance.is_worn() {
            place.keep(instance);
        }
        outcome.map(Some)
    }

    fn take(&self, clock: &mut Clock) -> Result<Option<Instance>, Failure> {
        let mut inner = self.inner();
        if let Some(instance) = inner.idle.pop() {
            return Ok(Some(instance));
        }
        clock.start();
        let wait = clock.time.map_or(LONGEST_WAIT, TimeLimit::max);
        let nothing_free = |inner: &mut Inner| inner.idle.is_empty() && inner.count >= self.most;
        let waited = self.freed.wait_timeout_while(inner, wait, nothing_free);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(instance) = inner.idle.pop() {
            return Ok(Some(instance));
        }
        if inner.count >= self.most {
            return Ok(None);
        }
        inner.count += 1;
        drop(inner);
        let place = Place { pool: self };
        let made = Instance::new(&self.compiled, Data::Image(&self.image), self.is_direct, *clock);
        let (instance, _) = made?;
        std::mem::forget(place);
        Ok(Some(instance))
    }
}

/// The place of an instance that is in use: free again, whatever becomes of the instance.
struct Place<'p> {
    pool: &'p Pool,
}

impl Place<'_> {
    /// With the instance, to be used again.
    fn keep(self, instance: Instance) {
        self.pool.inner().idle.push(instance);
        self.pool.freed.notify_one();
        std::mem::forget(self);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.inner().count -= 1;
        self.pool.freed.notify_one();
    }
}

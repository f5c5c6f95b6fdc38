//! A waker that knows whether it was rung. What rings while its task is at work anyway is heard by the task at once, by way of
//! no scheduler; and what waits for rare things is only asked when it rang.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// A bell, held by the task that hears it.
pub(super) struct Bell {
    shared: Arc<Shared>,
    /// What rings it.
    waker: Waker,
    /// The task that it wakes, as `shared` has it.
    task: Option<Waker>,
}

struct Shared {
    rung: AtomicBool,
    /// Whether the task is at work, and hears without being woken.
    listening: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Bell {
    /// A bell that has rung: whatever it is given to is asked for a first time.
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            rung: AtomicBool::new(true),
            listening: AtomicBool::new(false),
            task: Mutex::default(),
        });
        Self {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
            task: None,
        }
    }

    /// A context that rings it.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Wakes the task of `context` from now on.
    pub(super) fn belong_to(&mut self, context: &Context<'_>) {
        let task = context.waker();
        if !self.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            *self.shared.task() = Some(task.clone());
            self.task = Some(task.clone());
        }
    }

    /// Its task is at work: until [`Bell::leave`], ringing doesn't wake it.
    pub(super) fn enter(&self) {
        self.shared.listening.store(true, Ordering::SeqCst);
    }

    /// The task goes to rest: from here on ringing wakes it. Whether it rang before is to be asked once more after this.
    pub(super) fn leave(&self) {
        self.shared.listening.store(false, Ordering::SeqCst);
    }

    /// Whether it rang since this was asked last.
    pub(super) fn rang(&self) -> bool {
        // Reading alone is cheaper, and nearly always enough.
        self.shared.rung.load(Ordering::SeqCst) && self.shared.rung.swap(false, Ordering::SeqCst)
    }
}

impl Shared {
    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order, and the task in the other: whichever comes later sees what the earlier did.
        self.rung.store(true, Ordering::SeqCst);
        if !self.listening.load(Ordering::SeqCst)
            && let Some(task) = &*self.task()
        {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_is_at_work_hears_and_who_rests_is_woken() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut bell = Bell::new();
        assert!(bell.rang() && !bell.rang(), "it has rung when it is new");
        bell.belong_to(&Context::from_waker(&waker));
        bell.enter();
        bell.context().waker().wake_by_ref();
        assert_eq!(task.0.load(Ordering::SeqCst), 0);
        assert!(bell.rang() && !bell.rang());
        bell.leave();
        bell.context().waker().wake_by_ref();
        assert_eq!(task.0.load(Ordering::SeqCst), 1);
        assert!(bell.rang());
    }

    #[test]
    fn a_bell_goes_with_its_connection_to_another_task() {
        let tasks = [Arc::new(Task::default()), Arc::new(Task::default())];
        let mut bell = Bell::new();
        for task in &tasks {
            bell.belong_to(&Context::from_waker(&Waker::from(Arc::clone(task))));
        }
        bell.context().waker().wake_by_ref();
        assert_eq!(tasks.map(|task| task.0.load(Ordering::SeqCst)), [0, 1]);
    }
}

//! What interrupts modules: a thread that moves the engine's epoch on while anything runs in it, and sleeps otherwise. What
//! that means to an evaluation is its own business: it asks its host's clock whether its time is over.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How late an evaluation may learn that its time is over.
const TICK: Duration = Duration::from_millis(2);
/// How many ticks without any evaluation it stays awake, so that steady traffic needn't wake it.
const PATIENCE: u32 = 500;

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static ASLEEP: AtomicBool = AtomicBool::new(false);
static TICKER: OnceLock<Option<Thread>> = OnceLock::new();

/// Something runs in the engine for as long as this is held.
pub(super) struct Running(());

impl Running {
    /// Begins; `None` where the thread can't be had, and nothing may run that couldn't be interrupted.
    pub(super) fn begin(engine: &Engine) -> Option<Self> {
        let ticker = TICKER.get_or_init(|| start(engine.clone())).as_ref()?;
        // Either this sees that it sleeps, or it sees that this runs.
        RUNNING.fetch_add(1, Ordering::SeqCst);
        if ASLEEP.load(Ordering::SeqCst) {
            ticker.unpark();
        }
        Some(Self(()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

fn start(engine: Engine) -> Option<Thread> {
    let spawned = thread::Builder::new()
        .name("wasm-ticks".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || tick(&engine));
    spawned.ok().map(|handle| handle.thread().clone())
}

fn tick(engine: &Engine) {
    let mut quiet = 0;
    loop {
        thread::park_timeout(TICK);
        engine.increment_epoch();
        if RUNNING.load(Ordering::SeqCst) > 0 {
            quiet = 0;
            continue;
        }
        quiet += 1;
        if quiet < PATIENCE {
            continue;
        }
        quiet = 0;
        ASLEEP.store(true, Ordering::SeqCst);
        while RUNNING.load(Ordering::SeqCst) == 0 {
            thread::park();
        }
        ASLEEP.store(false, Ordering::SeqCst);
    }
}

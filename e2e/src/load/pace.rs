//! When requests are due. Tokio's timers tick in milliseconds, which is as long as what is measured: a thread of its own
//! sleeps and then spins through the last stretch.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// Gives the instants at which requests are due, each no earlier than that instant, however late the taker is.
pub trait Pacer {
    /// The next due instant; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Instant>>;
}

/// A constant rate from a thread of its own.
pub struct ThreadPacer {
    due: mpsc::Receiver<Instant>,
}

/// `thread::sleep` overshoots by about the kernel's timer slack (50 µs) and a wake-up.
const SPIN: Duration = Duration::from_micros(120);

impl ThreadPacer {
    /// `rate` requests a second for `duration`, the first one now.
    #[must_use]
    pub fn start(rate: u32, duration: Duration) -> Self {
        let total = u64::from(rate) * u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) / 1000;
        // Everything due fits, so that a slow taker never slows the pacer: that would be coordinated omission.
        let (sender, due) = mpsc::channel(usize::try_from(total).unwrap_or(1).max(1));
        let interval = Duration::from_secs(1) / rate.max(1);
        std::thread::spawn(move || {
            let start = Instant::now();
            for i in 0..total {
                let at = start + interval.mul_f64(i as f64);
                let now = Instant::now();
                if at > now + SPIN {
                    std::thread::sleep(at - now - SPIN);
                }
                while Instant::now() < at {
                    std::hint::spin_loop();
                }
                if sender.blocking_send(at).is_err() {
                    return;
                }
            }
        });
        Self { due }
    }
}

impl Pacer for ThreadPacer {
    async fn next(&mut self) -> Option<Instant> {
        self.due.recv().await
    }
}

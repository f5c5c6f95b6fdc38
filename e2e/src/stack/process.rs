//! Processes by their ids: alive or not, ended on purpose.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Whether any thread of the process runs. Its first may be a zombie while others still hold its sockets.
#[must_use]
pub fn alive(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().any(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.trim_start().chars().next());
        state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
    })
}

/// Sends a signal and waits until the process is gone.
///
/// # Panics
/// Where it isn't within ten seconds.
pub async fn terminate(pid: u32, signal: Signal) {
    let target = Pid::from_raw(i32::try_from(pid).unwrap_or_else(|_| panic!("{pid} is no process id")));
    let _ = kill(target, signal);
    wait_until("the process is gone", Duration::from_secs(10), || async {
        !alive(pid)
    })
    .await;
}

/// What `ask` comes to, asked every 20 ms for as long as that is nothing; `None` when it stays so for `limit`.
pub async fn until<T>(limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let asking = async {
        loop {
            if let Some(came) = ask().await {
                return came;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(limit, asking).await.ok()
}

/// Asks every 20 ms until the answer is yes.
///
/// # Panics
/// Where it isn't within `limit`.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, limit: Duration, ask: impl Fn() -> F) {
    let deadline = Instant::now() + limit;
    while !ask().await {
        assert!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! The signals that end a process in order: SIGTERM, from a supervisor, and SIGINT, for who runs it in a terminal.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the future ends with the name of the first signal that comes.
///
/// # Errors
/// When the system doesn't let a process listen.
pub fn told_to_end() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

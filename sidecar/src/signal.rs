//! When the process is told to end (SIGTERM, and SIGINT for who runs it in a terminal) or to read its configuration again
//! (SIGHUP).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Each SIGHUP from now on.
///
/// # Errors
/// When the system doesn't let a process listen.
pub(crate) fn reload() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Listens from now on; the future ends with the name of the first signal that comes.
///
/// # Errors
/// When the system doesn't let a process listen.
pub(crate) fn listen() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

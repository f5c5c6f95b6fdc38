//! The signals that end the process in order: SIGTERM (from a supervisor) and SIGINT (Ctrl-C).

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the future ends with the name of the first signal that comes.
///
/// # Errors
/// When the process can't be told about signals.
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

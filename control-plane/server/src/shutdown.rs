//! The signals that end the process in order: SIGTERM (from a supervisor) and SIGINT (Ctrl-C).

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for the first of them, and says which it was.
///
/// # Errors
/// When the process can't be told about signals.
pub(crate) async fn requested() -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

//! When the process is told to read its configuration again (SIGHUP).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Each SIGHUP from now on.
///
/// # Errors
/// When the system doesn't let a process listen.
pub(crate) fn reload() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

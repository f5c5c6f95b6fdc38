//! What services take from the process that they are asked from.

use std::sync::Arc;
use std::time::Duration;

use postern_opa_config::{Host, MinTls};

use crate::random::Randomness;

/// How long a file may take to be read: one on a dead disk, or a pipe that nobody writes to, would never end.
const FILE_DEADLINE: Duration = Duration::from_secs(10);

/// The machine and its randomness.
#[derive(Clone)]
pub(crate) struct Around {
    /// Its environment and its files, which are read again for each request.
    pub(crate) host: Arc<dyn Host + Send + Sync>,
    /// Where ids of assertions come from.
    pub(crate) randomness: Arc<Randomness>,
    /// The oldest TLS that is spoken with services.
    pub(crate) min_tls: MinTls,
}

impl Around {
    /// An environment variable, if it is set to something.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.host.variable(name).filter(|value| !value.is_empty())
    }

    /// What is in a file, read where waiting for a disk holds up nobody.
    ///
    /// # Errors
    /// The path, and why it can't be read.
    pub(super) async fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let (host, file) = (Arc::clone(&self.host), path.to_owned());
        let read = tokio::task::spawn_blocking(move || host.file(&file));
        tokio::time::timeout(FILE_DEADLINE, read)
            .await
            .map_err(|_| format!("{path}: not read within {} s", FILE_DEADLINE.as_secs()))?
            .map_err(|_| format!("{path}: reading it was given up"))?
            .map_err(|error| format!("{path}: {error}"))
    }
}

//! A server under measurement: started on its core, ended with the value that stands for it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::process::{cpu_time, pin_this_thread, resident_mib};

/// A child process that is killed and reaped when dropped.
pub struct Child {
    name: String,
    inner: std::process::Child,
}

/// The core that servers run on; the generator takes the other.
const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;

impl Child {
    /// Starts `command` on the servers' core and leaves this thread on the generator's.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start_pinned(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        pin_this_thread(SERVER_CORE)?;
        let started = Self::start(name, command);
        pin_this_thread(GENERATOR_CORE)?;
        started
    }

    /// Starts `command` wherever the kernel puts it. What it prints is thrown away, but for its errors.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(name: &str, command: &mut Command) -> anyhow::Result<Self> {
        let inner = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("start {name}: {command:?}"))?;
        Ok(Self {
            name: name.to_owned(),
            inner,
        })
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// CPU used since its start.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(self.id())
    }

    /// Resident memory in MiB.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn resident_mib(&self) -> anyhow::Result<f64> {
        resident_mib(self.id())
    }

    /// Waits until `ready` says yes, asking every few milliseconds.
    ///
    /// # Errors
    /// After `limit`, or at once when the process ends.
    pub async fn wait_until<F>(&mut self, limit: Duration, ready: impl Fn() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = bool>,
    {
        let deadline = Instant::now() + limit;
        while !ready().await {
            if let Some(status) = self.inner.try_wait()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if Instant::now() > deadline {
                bail!("{} was not ready within {limit:?}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill and only the reaping is left.
        let _ = self.inner.kill();
        let _ = self.inner.wait();
    }
}
